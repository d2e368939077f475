//! All that the writer thread keeps between two commands.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::disk::store_lock::StoreLock;
use crate::store::day::Day;
use crate::store::event::Gap;
use crate::store::id::{EventId, IdSource};
use crate::store::names::Names;
use crate::store::recorder::options::RecorderOptions;
use crate::store::recorder::stats::{RecorderState, Shared};
use crate::store::recorder::writer::clock_watch::ClockWatch;
use crate::store::recorder::writer::item::Item;
use crate::store::recorder::writer::known::KnownStates;
use crate::store::recorder::writer::open_file::OpenFile;
use crate::store::recorder::writer::pending::Pending;
use crate::store::word::OpenGap;

/// Ids do not follow a wall time that is further ahead of the clock than this.
const AHEAD_MS: i64 = 60_000;

/// What the writer thread owns.
pub(crate) struct Writer {
    pub(super) options: RecorderOptions,
    pub(super) names: Arc<Names>,
    pub(super) shared: Arc<Shared>,
    pub(super) ids: IdSource,
    pub(super) pending: Pending,
    pub(super) known: KnownStates,
    pub(super) open: OpenFile,
    /// Lost days of which gaps tell, and the ledger not yet.
    pub(super) telling: Vec<Day>,
    /// Since when nothing was recorded, until something is again.
    pub(super) open_gap: Option<OpenGap>,
    /// Changes come, or would if there were any.
    pub(super) live: bool,
    /// When the room was heard last, where that is told.
    pub(super) heard_ms: Option<i64>,
    /// Wall time of the last thing committed.
    pub(super) committed_ms: Option<i64>,
    /// What was vouched for last.
    pub(super) until_ms: Option<i64>,
    /// When to try a failing disk again, and how long the wait is.
    pub(super) retry: Option<(Instant, Duration)>,
    /// A commit reported an error and may have succeeded all the same.
    pub(super) in_doubt: bool,
    pub(super) last_sign: Instant,
    pub(super) clock: ClockWatch,
}

impl Writer {
    /// With no file open yet.
    pub(super) fn holding(
        dir: PathBuf,
        lock: StoreLock,
        options: RecorderOptions,
        names: Arc<Names>,
        shared: Arc<Shared>,
    ) -> Writer {
        Writer {
            known: KnownStates::new(Arc::clone(&names)),
            open: OpenFile::new(dir, lock, Arc::clone(&shared.fresh)),
            telling: Vec::new(),
            options,
            names,
            shared,
            ids: IdSource::after(None),
            pending: Pending::default(),
            open_gap: None,
            live: false,
            heard_ms: None,
            committed_ms: None,
            until_ms: None,
            retry: None,
            in_doubt: false,
            last_sign: Instant::now(),
            clock: ClockWatch::New,
        }
    }

    pub(super) fn close_open_gap(&mut self, at_ms: i64) {
        if let Some(OpenGap { from_ms, why }) = self.open_gap.take() {
            self.queue_gap(from_ms, at_ms.max(from_ms), why);
        }
    }

    pub(super) fn queue_gap(&mut self, from_ms: i64, to_ms: i64, why: String) {
        let id = self.next_id(to_ms);
        self.queue(Item::Gap {
            id,
            gap: Gap {
                from_ms,
                to_ms,
                why,
            },
        });
    }

    /// Looks at the clock before something of `at_ms` is recorded. A step takes no id of its own.
    pub(super) fn look_at_clock(&mut self, at_ms: i64) {
        let now_ms = self.options.clock.now_ms();
        if let Some(step) = self.clock.look(Instant::now(), now_ms) {
            tracing::warn!(
                from_ms = step.from_ms,
                to_ms = step.to_ms,
                "the clock was set: {}",
                step.how
            );
            let id = self.ids.clone().next(self.believed(at_ms).max(0));
            self.queue(Item::Step { id, step });
        }
    }

    pub(super) fn queue(&mut self, item: Item) {
        self.pending.push(item);
    }

    /// The next id, near `at_ms` as far as that can be believed.
    pub(super) fn next_id(&mut self, at_ms: i64) -> EventId {
        let near_ms = self.believed(at_ms);
        self.ids.next(near_ms)
    }

    /// The wall time, or the clock's time where it lies before 1970 or in the future.
    pub(super) fn believed(&self, at_ms: i64) -> i64 {
        let now = self.options.clock.now_ms();
        let believable = (0..=now.saturating_add(AHEAD_MS)).contains(&at_ms);
        if believable { at_ms } else { now }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // However the thread ends, its state must not say that it works.
        self.shared.set_state(RecorderState::Stopped);
    }
}
