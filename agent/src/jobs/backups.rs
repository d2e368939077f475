//! Backups: made when somebody asks, and by the schedule when something is new.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backup_inputs::BackupInputs;
use super::{Asker, Jobs, Turn};
use crate::failure::{Failure, Outcome};
use crate::moment;
use crate::record::examine::examine;

/// After this long without progress a backup hangs: a copy may take 10 minutes, and everything else
/// reports its progress piece by piece.
const STUCK: Duration = Duration::from_secs(15 * 60);

impl Jobs {
    /// Why the last backup failed, or that the running one hangs.
    pub(crate) fn backup_problem(&self) -> Option<String> {
        let still = self.board.still_for("backup");
        match still.filter(|still| *still > STUCK) {
            Some(still) => Some(format!(
                "the running one has not moved for {}",
                moment::span(i64::try_from(still.as_millis()).unwrap_or(i64::MAX))
            )),
            None => self.with(|known| known.last_failure.as_ref().map(Failure::to_string)),
        }
    }

    /// Whether the last backup failed only because somebody else was at work in the archive.
    pub(crate) fn backup_found_busy(&self) -> bool {
        self.with(|known| known.last_failure.as_ref().is_some_and(Failure::is_busy))
    }

    /// The schedule's backup; returns in words what was done. If nothing is new since the last one,
    /// it proves that one again, so that a quiet month pushes no older backup out. If that fails, it
    /// makes a new one. In both cases old days then leave the store.
    pub(crate) async fn scheduled_backup(&self, turn: Turn) -> Outcome<String> {
        if self.nothing_new().await
            && let Some(newest) = self.newest_of_ours()
        {
            let (id, time) = (newest.clone(), self.time());
            let running = Arc::new(self.board.post_own("backup"));
            let proved = self
                .run_as(&running, move |site, _| site.prove_again(time, &id))
                .await;
            drop(running);
            match proved {
                Ok(proved) if proved.ok => {
                    tracing::info!(id = %newest, "nothing new since the last backup; it was proved again");
                    self.with(|known| known.history.last_good = Some(moment::now()));
                    return Ok(format!("nothing new; {newest} was proved again"));
                }
                Ok(proved) => {
                    for finding in &proved.findings {
                        tracing::error!(id = %newest, "the last backup does not prove any more: {finding}");
                    }
                }
                // A new backup that fails is tried again, later and later.
                Err(failure) => {
                    tracing::error!(id = %newest, "the last backup cannot be proved: {failure}");
                }
            }
        }
        let made = self.backup(turn).await?;
        Ok(format!("{} made and proved", made.id))
    }

    fn newest_of_ours(&self) -> Option<String> {
        let ours = |backup: &&backup::BackupInfo| backup.kind == backup::BackupKind::Ours;
        self.backups()
            .iter()
            .find(ours)
            .map(|newest| newest.id.clone())
    }

    /// Whether everything recorded so far is in the last backup.
    async fn nothing_new(&self) -> bool {
        self.recorder.flush().await.is_ok() && {
            let now = self.inputs();
            self.with(|known| {
                known.last_failure.is_none() && known.backed_up.as_ref() == Some(&now)
            })
        }
    }

    fn inputs(&self) -> BackupInputs {
        BackupInputs::now(
            &self.recorder.stats(),
            &self.site.settings,
            self.live_facts.plugin(),
        )
    }

    /// Makes and proves a backup of everything received so far, then removes what is beyond the limits.
    pub(crate) async fn backup(&self, turn: Turn) -> Outcome<backup::BackupInfo> {
        let begun = Instant::now();
        let (mut inputs, mut outcome) = self.try_backup(&turn).await;
        if let Err(failure) = &outcome
            && self.moved_aside(failure).await
        {
            // All other days can still be backed up.
            (inputs, outcome) = self.try_backup(&turn).await;
        }
        let now = moment::now();
        self.with(|known| match &outcome {
            Ok(_) => {
                known.last_failure = None;
                known.history.last_good = Some(now);
                known.history.last_failure = None;
                known.history.failures = 0;
                known.backed_up = inputs;
            }
            Err(failure) => {
                known.last_failure = Some(failure.clone());
                known.history.last_failure = Some(now);
                known.history.failures += 1;
            }
        });
        self.changed.notify_waiters();
        match &outcome {
            Ok(made) => tracing::info!(
                asker = %turn.asker(),
                id = %made.id,
                events = made.events,
                bytes = made.bytes,
                seconds = begun.elapsed().as_secs_f64(),
                "backup made and proved"
            ),
            Err(failure) => tracing::error!(asker = %turn.asker(), "backup failed: {failure}"),
        }
        outcome
    }

    /// Makes a backup; also returns what it was made of, where that is known.
    async fn try_backup(&self, turn: &Turn) -> (Option<BackupInputs>, Outcome<backup::BackupInfo>) {
        // What is committed while the backup is made may or may not be in it.
        let flushed = self.recorder.flush().await.is_ok();
        let inputs = flushed.then(|| self.inputs());
        let plugin = self
            .live_facts
            .plugin()
            .map(|plugin| plugin.settings_file());
        let time = self.time();
        let running = Arc::new(match turn.asker() {
            Asker::Schedule => self.board.post_own("backup"),
            Asker::Panel | Asker::CommandLine(_) => self.board.post("backup"),
        });
        let outcome = self
            .run_as(&running, move |site, job| site.backup(time, plugin, job))
            .await;
        (inputs, outcome)
    }

    /// Whether the backup failed because of a damaged day, and the recorder has now moved that day aside.
    async fn moved_aside(&self, failure: &Failure) -> bool {
        let (recorder, file) = (
            self.recorder.clone(),
            failure.damaged_file().map(Path::to_owned),
        );
        let examined = tokio::task::spawn_blocking(move || examine(&recorder, file.as_deref()));
        examined.await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::stage::{self, Stage};
    use crate::site::Site;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_old_day_leaves_the_store_by_the_clock_though_nothing_new_is_recorded() {
        let (folder, mut settings) = stage::settings();
        settings.store.retention.days = None;
        let lines = ["2026-03-01", "2026-03-02"].map(|day| {
            let at: jiff::Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
            format!(
                "{{\"timestamp\":{},\"control_path\":\"Master.gain\",\"component_name\":\"Master\",\"control_name\":\"gain\",\"value\":1}}\n",
                at.as_millisecond()
            )
        });
        let file = folder.path().join("old.jsonl");
        std::fs::write(&file, lines.concat()).unwrap();
        let site = Site::new(settings.clone());
        assert_eq!(site.import(&[file]).unwrap().added, 2);
        let old = settings.store.path.join("events-2026-03-01.db");
        // As if they had been recorded.
        for day in ["2026-03-01", "2026-03-02"] {
            let path = settings.store.path.join(format!("events-{day}.db"));
            let conn = backup::open_writer(&path).unwrap();
            conn.execute_batch("DELETE FROM meta WHERE key = 'came_ms'")
                .unwrap();
        }

        let stage = Stage::of((folder, settings.clone()));
        let jobs = &stage.jobs;
        jobs.scheduled_backup(jobs.turn().await).await.unwrap();
        let quiet = jobs.scheduled_backup(jobs.turn().await).await.unwrap();
        assert!(quiet.starts_with("nothing new"), "{quiet}");
        assert!(old.exists());
        // From now on the day is too old.
        settings.store.retention.days = Some(30);
        let later = Jobs {
            site: Arc::new(Site::new(settings)),
            ..jobs.clone()
        };
        let quiet = later.scheduled_backup(later.turn().await).await.unwrap();
        assert!(quiet.starts_with("nothing new"), "{quiet}");
        assert!(!old.exists());
        stage.end().await;
    }
}
