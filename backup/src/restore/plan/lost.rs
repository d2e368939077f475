//! Days that were lost before a backup was made, and the older backup that reaches a moment of one.

use crate::archive::format::manifest::Manifest;
use crate::archive::look::mends::Loss;
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::error::Result;
use crate::restore::plan::reach::standing_gaps;
use crate::store::damaged;
use crate::store::day::Day;
use crate::store::event::Gap;

impl Archive {
    /// The lost days that gaps of a backup tell of, each with the backup that brings it back.
    pub(super) fn lost_before(&self, manifest: &Manifest, gaps: &[Gap]) -> Result<Vec<Loss>> {
        let whole = |gap: &Gap| gap.lost_day().filter(|day| gap.from_ms <= day.start_ms());
        let mut lost: Vec<Day> = gaps.iter().filter_map(whole).collect();
        lost.sort_unstable();
        lost.dedup();
        self.losses_of(manifest.identity().as_ref(), &lost)
    }

    /// The day that holds a moment, where it was recorded and is not in a backup any more: its file was taken away, or
    /// was damaged.
    pub(super) fn lost_at(&self, manifest: &Manifest, tail: &Tail, at_ms: i64) -> Option<Day> {
        let gaps = standing_gaps(&manifest.days, None).into_iter();
        let mut within =
            (gaps.chain(tail.gaps())).filter(|gap| gap.from_ms <= at_ms && at_ms <= gap.to_ms);
        within.find_map(|gap| gap.lost_day().or_else(|| damaged::day_in(&gap.why)))
    }

    /// Whether a backup, with the segments after it, holds a moment that a newer one has lost.
    pub(super) fn holds_lost(&self, manifest: &Manifest, at_ms: i64) -> Option<Tail> {
        let tail = self.reach(manifest, at_ms).ok()?;
        self.lost_at(manifest, &tail, at_ms)
            .is_none()
            .then_some(tail)
    }
}
