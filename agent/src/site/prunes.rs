//! Removes what is beyond the limits: backups from the archive, days from the store.

use std::time::Duration;

use backup::{Archive, PruneReport, RetentionPlan, SystemClock, TrustedNow};

use super::Site;
use crate::advice;
use crate::documents::Pruned;
use crate::failure::Outcome;

/// What a dry run, which reads nothing back, cannot know.
const READ_FIRST: &str = "before a day goes, the archive's copy of it is read back; where that is damaged, the day stays";

/// Why the clock is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeBy {
    /// It agrees with what the archive knows. So long it has run evenly, as far as somebody watched it.
    Clock(Duration),
    /// Somebody says that it is right.
    Person,
}

impl Site {
    /// Removes backups and undo steps beyond the number to keep, and days beyond the age to keep. By a clock in doubt
    /// nothing goes.
    pub(crate) fn prune(&self, time: TimeBy, dry_run: bool) -> Outcome<Pruned> {
        self.remove_old(&self.archive_that_exists()?, time, dry_run)
    }

    /// Removes after a good backup. If that fails, the backup is good all the same: what stays only costs space.
    pub(super) fn remove_old_after(&self, archive: &Archive, time: TimeBy) {
        match self.remove_old(archive, time, false) {
            Ok(Pruned { waits: None, .. }) => {}
            Ok(Pruned {
                waits: Some(doubt), ..
            }) => tracing::warn!("what is old was not removed: {doubt}"),
            Err(failure) => tracing::warn!("what is old was not all removed: {failure}"),
        }
    }

    /// Days go even where backups cannot be removed.
    fn remove_old(&self, archive: &Archive, time: TimeBy, dry_run: bool) -> Outcome<Pruned> {
        // Another store's backups are not this one's to remove, nor are its days safe in them.
        archive.meant_for(self.store_path())?;
        let now = match time {
            TimeBy::Clock(ran_evenly) => archive.trusted_now(&SystemClock, ran_evenly),
            TimeBy::Person => Ok(TrustedNow::confirmed(&SystemClock)),
        };
        let now = match now {
            Err(backup::Error::ClockInDoubt(doubt)) => {
                let confirm = advice::command("prune --force");
                let kept = self.own_backups()?.into_iter().map(|backup| backup.id);
                return Ok(Pruned {
                    waits: Some(format!("{doubt}: if it is right, `{confirm}` says so")),
                    kept: kept.collect(),
                    dry_run,
                    ..Pruned::default()
                });
            }
            now => now?,
        };
        let backups = self.prune_backups(archive, now, dry_run);
        let days = self.prune_days(archive, now, dry_run);
        let undo = self.prune_undo_by(archive, dry_run);
        let mut pruned = Pruned::new(&backups?, &days?, &undo?);
        if dry_run && !pruned.days.is_empty() {
            pruned.notes.push(READ_FIRST.into());
        }
        Ok(pruned)
    }

    /// Removes the backups that no rule keeps, but never one that brings a damaged day back.
    fn prune_backups(
        &self,
        archive: &Archive,
        now: TrustedNow,
        dry_run: bool,
    ) -> Outcome<PruneReport> {
        let policy = self.settings.backup.keep.clone();
        let report = match self.store_if_any()? {
            Some(store) => archive.prune_beside(&store, policy, now, dry_run),
            None => archive.prune(policy, now, dry_run),
        };
        let report = report?;
        if !dry_run {
            for gone in &report.removed {
                tracing::info!(backup = gone.id, "removed from the archive: {}", gone.why);
            }
            for note in &report.notes {
                tracing::warn!("{note}");
            }
        }
        Ok(report)
    }

    /// Removes the store's days that are too old, but never one that the newest proved backup does not
    /// hold as it is now, or whose copy cannot be read back whole.
    fn prune_days(
        &self,
        archive: &Archive,
        now: TrustedNow,
        dry_run: bool,
    ) -> Outcome<RetentionPlan> {
        let Some(store) = self.store_if_any()? else {
            return Ok(RetentionPlan::default());
        };
        let retention = &self.settings.store.retention;
        let plan = archive.prune_days(&store, retention, now, dry_run)?;
        for stays in &plan.kept {
            tracing::warn!(day = %stays.day, "{}", stays.why);
        }
        if !dry_run {
            for gone in &plan.remove {
                tracing::info!(day = %gone.day, bytes = gone.bytes, "removed from the store: {}", gone.why);
            }
        }
        Ok(plan)
    }
}
