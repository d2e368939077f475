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
use crate::store::lost;

impl Archive {
    /// The lost days that gaps of a backup tell of, each with the backup that brings it back.
    pub(super) fn lost_before(&self, manifest: &Manifest, gaps: &[Gap]) -> Result<Vec<Loss>> {
        let whole = |gap: &Gap| gap.lost_day().filter(|day| gap.from_ms <= day.start_ms());
        let mut lost: Vec<Day> = gaps.iter().filter_map(whole).collect();
        lost.sort_unstable();
        lost.dedup();
        self.losses_of(manifest.identity().as_ref(), &lost)
    }

    /// Why a moment is not in a backup although it was recorded: the file of its day was taken away or damaged, or the store
    /// was put back to an older copy.
    pub(super) fn lost_at(&self, manifest: &Manifest, tail: &Tail, at_ms: i64) -> Option<String> {
        let gaps = standing_gaps(&manifest.days, None).into_iter();
        let was_recorded = |gap: &Gap| {
            gap.lost_day().is_some()
                || damaged::day_in(&gap.why).is_some()
                || lost::is_put_back(&gap.why)
        };
        let mut within =
            (gaps.chain(tail.gaps())).filter(|gap| gap.from_ms <= at_ms && at_ms <= gap.to_ms);
        within.find(was_recorded).map(|gap| gap.why)
    }

    /// Whether a backup, with the segments after it, holds a moment that a newer one has lost.
    pub(super) fn holds_lost(&self, manifest: &Manifest, at_ms: i64) -> Option<Tail> {
        let tail = self.reach(manifest, at_ms).ok()?;
        self.lost_at(manifest, &tail, at_ms)
            .is_none()
            .then_some(tail)
    }
}
