//! Which days of a store are lost: those that left without a reason, told or not yet, until they are back.

use std::collections::BTreeSet;

use crate::store::day::Day;
use crate::store::event::Gap;
use crate::store::folder::Store;
use crate::store::ledger;

impl Store {
    /// Whether there is a ledger. Without it nobody knows of days that another program took away.
    pub fn has_ledger(&self) -> bool {
        ledger::is_there(self.dir())
    }

    /// Days that another program took away and that no gap tells of yet, oldest first. Whoever records tells them.
    pub fn untold_losses(&self) -> Vec<Day> {
        ledger::lost(self)
    }

    /// Days that are lost from their beginning on, all of them or up to where the file was begun again; oldest first. `gaps`
    /// are those of the store that [stand](Gap::stands).
    pub fn lost_days<'g>(&self, gaps: impl IntoIterator<Item = &'g Gap>) -> Vec<Day> {
        let whole = |gap: &Gap| gap.lost_day().filter(|day| gap.from_ms <= day.start_ms());
        let told = gaps.into_iter().filter_map(whole);
        let lost: BTreeSet<Day> = told.chain(self.untold_losses()).collect();
        lost.into_iter().collect()
    }
}
