//! What the backups know of a store's days where its ledger is lost: a day that went with the ledger is lost all the same.

use std::collections::BTreeSet;

use crate::archive::open::Archive;
use crate::clock::{Clock as _, SystemClock};
use crate::error::Result;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::identity::Identity;
use crate::store::ledger;
use crate::store::retention::Retention;

impl Archive {
    /// Tells the ledger of days that a backup of the store's present history has, where neither the store nor its ledger
    /// knows them and no rule can have removed them. Whoever records then finds that they are lost. Gives them.
    ///
    /// # Errors
    /// When the archive or the store's folder cannot be read, or the ledger cannot be written.
    pub fn recall_days(&self, store: &Store, retention: &Retention) -> Result<Vec<Day>> {
        let Some(identity) = Identity::read(store.dir())? else {
            return Ok(Vec::new());
        };
        let (there, now_ms) = (store.days()?, SystemClock.now_ms());
        let aside = store.damaged_days()?;
        let (oldest, newest) = (there.first().copied(), there.last());
        let is_missing = |day: &Day| {
            !there.contains(day)
                // A store that ends earlier is an older copy.
                && newest.is_none_or(|newest| day < newest)
                && !aside.iter().any(|damaged| damaged.day == *day)
                && !retention.may_have_removed(*day, oldest, now_ms)
        };
        let mut held: BTreeSet<Day> = BTreeSet::new();
        for (manifest, _) in self.manifests()? {
            if manifest.store.as_ref() == Some(&identity.store)
                && manifest.lineage == Some(identity.present())
            {
                held.extend(
                    manifest
                        .days
                        .iter()
                        .filter_map(|it| it.day.parse::<Day>().ok()),
                );
            }
        }
        let missing: Vec<Day> = held.into_iter().filter(is_missing).collect();
        let recalled = ledger::recall(store.dir(), &missing, now_ms)?;
        ledger::note_present(store.dir(), now_ms);
        if !recalled.is_empty() {
            tracing::error!(
                days = recalled.len(),
                "backups have days that the store lacks, and its ledger does not say why"
            );
        }
        Ok(recalled)
    }
}
