//! The writer thread gives its word: up to when the room was seen, and what was seen is committed.

use crate::store::recorder::writer::state::Writer;
use crate::store::word::Vouched;

impl Writer {
    /// Up to when changes have arrived, where they come at all.
    pub(super) fn seen_to(&self) -> Option<i64> {
        let now_ms = self.options.clock.now_ms();
        let heard_ms = self
            .heard_ms
            .map_or(now_ms, |heard_ms| heard_ms.min(now_ms));
        self.live
            .then(|| heard_ms.saturating_sub(self.arrival_ms()))
    }

    /// How old a change may be when it arrives.
    pub(super) fn arrival_ms(&self) -> i64 {
        i64::try_from(self.options.arrival.as_millis()).unwrap_or(i64::MAX)
    }

    /// What is vouched for goes on, unless something waits to be written or the disk fails.
    pub(super) fn give_word(&mut self) {
        let all_written = self.pending.is_empty() && self.shared.failing_reason().is_none();
        let open_ms = self.open_gap.as_ref().map(|gap| gap.from_ms);
        self.until_ms = if all_written {
            // A change may come later than the moment up to which others have arrived.
            match open_ms.or(self.seen_to()) {
                Some(seen_ms) => self.committed_ms.max(Some(seen_ms)),
                None => self.until_ms,
            }
        } else {
            self.until_ms.max(self.committed_ms)
        };
        self.shared.word.give(Vouched {
            until_ms: self.until_ms,
            open_gap: self.open_gap.clone(),
        });
    }
}
