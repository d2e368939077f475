//! Prunes: remove what is beyond the limits, when somebody asks and by the schedule each day.

use std::sync::Arc;

use super::running::{Board, Running};
use super::{Jobs, Turn};
use crate::documents::Pruned;
use crate::failure::{Failure, Outcome};
use crate::moment;
use crate::site::TimeBy;

impl Jobs {
    /// Why the last prune failed, if it did.
    pub(crate) fn prune_problem(&self) -> Option<String> {
        self.with(|known| known.prune_problem.clone())
    }

    /// Removes backups beyond the number to keep, and days beyond the age to keep; with `force` whatever the clock
    /// says is right.
    pub(crate) async fn prune(&self, _turn: Turn, dry_run: bool, force: bool) -> Outcome<Pruned> {
        let time = if force { TimeBy::Person } else { self.time() };
        self.prune_as(self.board.post("prune"), time, dry_run).await
    }

    /// Whether the schedule's prune would remove anything. On most days it would not, and then nothing is written down.
    /// Where looking fails this says yes: the prune itself then fails and tells why.
    pub(crate) async fn anything_to_prune(&self, _turn: &Turn) -> bool {
        let looked = self
            .prune_as(Board::default().post("prune"), self.time(), true)
            .await;
        let waits = match looked {
            Ok(pruned) if pruned.is_nothing() => pruned.waits,
            _ => return true,
        };
        if let Some(doubt) = &waits {
            tracing::warn!("the schedule's prune waits: {doubt}");
        }
        self.with(|known| {
            known.history.last_prune = Some(moment::now());
            known.history.prune_found_busy = None;
            known.prune_problem = waits;
        });
        false
    }

    /// The schedule's prune. The panel does not show it: a plugin of an older version takes every job for somebody's, and
    /// disarms a restore.
    pub(crate) async fn scheduled_prune(&self, _turn: Turn) -> Outcome<Pruned> {
        let pruned = self
            .prune_as(Board::default().post("prune"), self.time(), false)
            .await;
        match &pruned {
            Ok(pruned) => tracing::info!("pruned by the schedule: {}", pruned.in_words()),
            Err(failure) => tracing::error!("the schedule's prune failed: {failure}"),
        }
        pruned
    }

    async fn prune_as(&self, running: Running, time: TimeBy, dry_run: bool) -> Outcome<Pruned> {
        let pruned = self
            .run_as(&Arc::new(running), move |site, _| site.prune(time, dry_run))
            .await;
        if !dry_run {
            self.with(|known| {
                let now = moment::now();
                let busy = pruned.as_ref().is_err_and(Failure::is_busy);
                known.history.last_prune = Some(now);
                known.history.prune_found_busy = busy.then_some(now);
                known.prune_problem = match &pruned {
                    Ok(pruned) => pruned.waits.clone(),
                    Err(failure) => Some(failure.to_string()),
                };
            });
        }
        pruned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::stage::{self, Stage};

    /// An archive that was last pruned at this moment.
    fn note_known(stage: &Stage, known_ms: i64) {
        let archive = &stage.site.settings.backup.path;
        std::fs::create_dir_all(archive).unwrap();
        let note =
            format!("{{\"kind\":\"qsys-agent clock\",\"known_at\":\"\",\"known_ms\":{known_ms}}}");
        std::fs::write(archive.join("clock.json"), note).unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn by_a_clock_in_doubt_nothing_goes_and_the_status_tells_until_somebody_confirms_it() {
        const DAY: i64 = 86_400_000;
        let stage = Stage::of(stage::settings());
        let jobs = &stage.jobs;
        for known_ms in [moment::now() - 60 * DAY, moment::now() + 60 * DAY] {
            note_known(&stage, known_ms);
            assert!(!jobs.anything_to_prune(&jobs.turn().await).await);
            let told = jobs.prune_problem().unwrap();
            assert!(told.starts_with("the clock says "), "{told}");
            assert!(told.contains("prune --force"), "{told}");
            let pruned = jobs.prune(jobs.turn().await, false, false).await.unwrap();
            assert_eq!(pruned.waits, Some(told.clone()));
            // To look at it confirms nothing.
            jobs.prune(jobs.turn().await, true, true).await.unwrap();
            assert_eq!(jobs.prune_problem(), Some(told));
            let pruned = jobs.prune(jobs.turn().await, false, true).await.unwrap();
            assert_eq!(pruned.waits, None);
            assert_eq!(jobs.prune_problem(), None);
            assert!(!jobs.anything_to_prune(&jobs.turn().await).await);
            assert_eq!(jobs.prune_problem(), None);
        }
        stage.end().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_imported_day_that_is_too_old_is_told_of_and_stays_as_long_as_a_new_one() {
        let (folder, settings) = stage::settings();
        let limit = settings.store.retention.days.unwrap();
        let file = folder.path().join("old.jsonl");
        let line = "{\"timestamp\":1700000000000,\"control_path\":\"Master.gain\",\"value\":1}\n";
        std::fs::write(&file, line).unwrap();
        let stage = Stage::of((folder, settings));
        let jobs = &stage.jobs;
        let imported = jobs.import(jobs.turn().await, vec![file]).await.unwrap();
        let note = &imported.notes[0];
        let begin = format!("1 day from 2023-11-14 to 2023-11-14 are older than the {limit} days");
        assert!(note.starts_with(&begin), "{note}");
        jobs.scheduled_backup(jobs.turn().await).await.unwrap();
        let pruned = jobs.prune(jobs.turn().await, false, false).await.unwrap();
        assert!(pruned.days.is_empty());
        assert!(
            stage
                .site
                .settings
                .store
                .path
                .join("events-2023-11-14.db")
                .exists()
        );
        stage.end().await;
    }

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
        jobs.prune(jobs.turn().await, true, false).await.unwrap();
        assert!(jobs.prune_problem().is_some());
        assert!(!jobs.anything_to_prune(&jobs.turn().await).await);
        assert_eq!(jobs.prune_problem(), None);
        stage.end().await;
    }
}
