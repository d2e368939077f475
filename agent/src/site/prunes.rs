//! Removes what is beyond the limits: backups from the archive, days from the store.

use backup::{Archive, Day, PruneReport, RetentionPlan};

use super::Site;
use crate::documents::Pruned;
use crate::failure::Outcome;
use crate::moment;

impl Site {
    /// Removes backups beyond the number to keep, and days beyond the age to keep.
    pub(crate) fn prune(&self, dry_run: bool) -> Outcome<Pruned> {
        self.remove_old(&self.archive_that_exists()?, dry_run)
    }

    /// Removes after a good backup. If that fails, the backup is good all the same: what stays only costs space.
    pub(super) fn remove_old_after(&self, archive: &Archive) {
        if let Err(failure) = self.remove_old(archive, false) {
            tracing::warn!("what is old was not all removed: {failure}");
        }
    }

    /// Days go even where backups cannot be removed.
    fn remove_old(&self, archive: &Archive, dry_run: bool) -> Outcome<Pruned> {
        let backups = self.prune_backups(archive, dry_run);
        let days = self.prune_days(archive, dry_run);
        Ok(Pruned::new(&backups?, &days?))
    }

    /// Removes the backups that no rule keeps, but never one that brings a damaged day back.
    fn prune_backups(&self, archive: &Archive, dry_run: bool) -> Outcome<PruneReport> {
        let mut policy = self.settings.backup.keep.clone();
        if let Some(store) = self.store_if_any()? {
            let mends = archive.mends(&store)?.into_iter();
            policy.needed = mends.filter_map(|mend| Some(mend.from?.0)).collect();
        }
        Ok(archive.prune(policy, dry_run)?)
    }

    /// Removes the store's days that are too old, but never one that the newest proved backup does not
    /// hold as it is now.
    fn prune_days(&self, archive: &Archive, dry_run: bool) -> Outcome<RetentionPlan> {
        let Some(store) = self.store_if_any()? else {
            return Ok(RetentionPlan::default());
        };
        let archived = |day: Day| {
            archive.is_archived(&store, day).unwrap_or_else(|error| {
                tracing::warn!(%day, "not known to be archived: {error}");
                false
            })
        };
        let retention = &self.settings.store.retention;
        let plan = store.plan_retention(retention, moment::now(), &archived)?;
        for stays in &plan.kept {
            tracing::warn!(day = %stays.day, "{}", stays.why);
        }
        if !dry_run {
            store.remove_days(&plan)?;
            for gone in &plan.remove {
                tracing::info!(day = %gone.day, bytes = gone.bytes, "removed from the store: {}", gone.why);
            }
        }
        Ok(plan)
    }
}
