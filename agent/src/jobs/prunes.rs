//! Prunes: remove what is beyond the limits, when somebody asks and by the schedule each day.

use std::sync::Arc;

use super::running::{Board, Running};
use super::{Jobs, Turn};
use crate::documents::Pruned;
use crate::failure::{Failure, Outcome};
use crate::moment;

impl Jobs {
    /// Why the last prune failed, if it did.
    pub(crate) fn prune_problem(&self) -> Option<String> {
        self.with(|known| known.prune_problem.clone())
    }

    /// Removes backups beyond the number to keep, and days beyond the age to keep.
    pub(crate) async fn prune(&self, _turn: Turn, dry_run: bool) -> Outcome<Pruned> {
        self.prune_as(self.board.post("prune"), dry_run).await
    }

    /// Whether the schedule's prune would remove anything. On most days it would not, and then nothing is written down.
    /// Where looking fails this says yes: the prune itself then fails and tells why.
    pub(crate) async fn anything_to_prune(&self, _turn: &Turn) -> bool {
        let looked = self.prune_as(Board::default().post("prune"), true).await;
        let none = looked.is_ok_and(|pruned| pruned.is_nothing());
        if none {
            self.with(|known| {
                known.history.last_prune = Some(moment::now());
                known.prune_problem = None;
            });
        }
        !none
    }

    /// The schedule's prune. The panel does not show it: a job that it shows disarms a restore,
    /// and nobody asked for this one.
    pub(crate) async fn scheduled_prune(&self, _turn: Turn) -> Outcome<Pruned> {
        let pruned = self.prune_as(Board::default().post("prune"), false).await;
        match &pruned {
            Ok(pruned) => tracing::info!("pruned by the schedule: {}", pruned.in_words()),
            Err(failure) => tracing::error!("the schedule's prune failed: {failure}"),
        }
        pruned
    }

    async fn prune_as(&self, running: Running, dry_run: bool) -> Outcome<Pruned> {
        let pruned = self
            .run_as(&Arc::new(running), move |site, _| site.prune(dry_run))
            .await;
        if !dry_run {
            self.with(|known| {
                known.history.last_prune = Some(moment::now());
                known.prune_problem = pruned.as_ref().err().map(Failure::to_string);
            });
        }
        pruned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::stage::{self, Stage};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_prune_that_fails_is_told_until_one_succeeds_and_waits_for_the_next_day() {
        let stage = Stage::of(stage::settings());
        let (jobs, archive) = (&stage.jobs, &stage.site.settings.backup.path);
        std::fs::write(archive, "mounted elsewhere").unwrap();
        let failure = jobs.scheduled_prune(jobs.turn().await).await.unwrap_err();
        assert_eq!(jobs.prune_problem(), Some(failure.to_string()));
        let history = jobs.history();
        assert!(jobs.anything_to_prune(&jobs.turn().await).await);
        let next_day = backup::Day::of_ms(history.last_prune.unwrap()).end_ms();
        let schedule = &stage.site.settings.backup.schedule;
        assert!(schedule.next_prune(&history, moment::now()) >= next_day);

        std::fs::remove_file(archive).unwrap();
        std::fs::create_dir(archive).unwrap();
        // A dry run changes nothing.
        jobs.prune(jobs.turn().await, true).await.unwrap();
        assert!(jobs.prune_problem().is_some());
        assert!(!jobs.anything_to_prune(&jobs.turn().await).await);
        assert_eq!(jobs.prune_problem(), None);
        stage.end().await;
    }
}
