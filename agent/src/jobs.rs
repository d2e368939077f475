//! The running agent's long jobs, one at a time: backup, verify, restore, undo, import, prune.

mod backup_inputs;
mod steps;
mod turn;

mod running;

mod backups;
mod prunes;
mod restores;

#[cfg(test)]
mod stage;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use contract::Job;

use backup_inputs::BackupInputs;
use running::{Board, Running};
pub(crate) use steps::{Step, Steps};
use turn::Turns;
pub(crate) use turn::{Asker, Place, Turn};

use crate::documents;
use crate::even_clock::EvenClock;
use crate::failure::{Failure, Outcome};
use crate::moment;
use crate::record::LiveFacts;
use crate::schedule::History;
use crate::site::{Site, TimeBy};

/// Runs jobs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Jobs {
    site: Arc<Site>,
    recorder: backup::Recorder,
    live_facts: Arc<LiveFacts>,
    turns: Turns,
    board: Board,
    known: Arc<Mutex<Known>>,
    clock: Arc<EvenClock>,
    /// Wakes the schedule: its next moment may have moved.
    changed: Arc<tokio::sync::Notify>,
}

struct Known {
    backups: Arc<[backup::BackupInfo]>,
    history: History,
    /// Why the last backup failed, if it did.
    last_failure: Option<Failure>,
    /// Why the last prune failed, if it did.
    prune_problem: Option<String>,
    /// What the last good backup was made of; nothing once a job has changed the files.
    backed_up: Option<BackupInputs>,
    /// What an undo would take back.
    undo: Option<String>,
}

impl Jobs {
    /// An archive that cannot be read is shown as a failed backup; the recording starts all the same.
    pub(crate) fn new(
        site: Arc<Site>,
        recorder: backup::Recorder,
        live_facts: Arc<LiveFacts>,
    ) -> Self {
        let listed = site.own_backups();
        let last_failure = listed.as_ref().err().cloned();
        let backups: Arc<[_]> = listed.unwrap_or_default().into();
        let history = History {
            agent_started: moment::now(),
            last_good: newest_good(&backups),
            seed: fastrand::u64(..),
            ..History::default()
        };
        let undo = site.undo_available();
        Self {
            site,
            recorder,
            live_facts,
            turns: Turns::default(),
            board: Board::default(),
            clock: Arc::new(EvenClock::new()),
            known: Arc::new(Mutex::new(Known {
                backups,
                history,
                last_failure,
                prune_problem: None,
                backed_up: None,
                undo,
            })),
            changed: Arc::default(),
        }
    }

    /// The same jobs, which also tell `steps` how they progress.
    pub(crate) fn told_to(&self, steps: Steps) -> Self {
        Self {
            board: self.board.told_to(steps),
            ..self.clone()
        }
    }

    /// A person's place before the turn; refused where another person's job runs or waits.
    pub(crate) fn place(&self, what: &'static str, asker: Asker) -> Outcome<Place> {
        self.turns.place(what, asker)
    }

    /// The turn for a job of the agent's own, once the jobs before have ended. `None` where the agent stops.
    pub(crate) async fn own_turn(&self, what: &'static str) -> Option<Turn> {
        self.turns.own(what).await
    }

    /// Lets no job begin any more; one that runs goes on.
    pub(crate) fn stop(&self) {
        self.turns.stop();
    }

    /// The backups as last listed, newest first.
    pub(crate) fn backups(&self) -> Arc<[backup::BackupInfo]> {
        self.with(|known| known.backups.clone())
    }

    /// The job that runs now.
    pub(crate) fn current(&self) -> Option<Job> {
        self.board.job()
    }

    /// What an undo would take back, if there is anything.
    pub(crate) fn undo_available(&self) -> Option<String> {
        self.with(|known| known.undo.clone())
    }

    /// Looks whether the clock was set; to be called every few seconds.
    pub(crate) fn watch_clock(&self) {
        self.clock.look();
    }

    /// How the jobs judge the time.
    fn time(&self) -> TimeBy {
        TimeBy::Clock(self.clock.ran_for())
    }

    /// What the schedule needs to know.
    pub(crate) fn history(&self) -> History {
        self.with(|known| known.history)
    }

    /// Waits until a backup has ended.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Proves the whole archive.
    pub(crate) async fn verify(&self, _turn: Turn) -> Outcome<backup::Report> {
        self.run("verify", |site, _| site.verify(None, false)).await
    }

    /// Adds files to the store through the recorder.
    pub(crate) async fn import(
        &self,
        _turn: Turn,
        files: Vec<PathBuf>,
    ) -> Outcome<documents::Imported> {
        self.files_change();
        let recorder = self.recorder.clone();
        self.run("import", move |site, _| {
            site.import_into(backup::Destination::Recorder(&recorder), &files)
        })
        .await
    }

    /// Commits everything received, then runs a blocking job away from the runtime.
    async fn run<T: Send + 'static>(
        &self,
        kind: &'static str,
        job: impl FnOnce(&Site, &Running) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        self.run_as(&Arc::new(self.board.post(kind)), job).await
    }

    /// The same, as a step of a job that is already posted.
    async fn run_as<T: Send + 'static>(
        &self,
        running: &Arc<Running>,
        job: impl FnOnce(&Site, &Running) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        // If the store cannot be written, the job still works on what it holds.
        if let Err(error) = self.recorder.flush().await {
            tracing::warn!("{running} without the newest changes: {error}");
        }
        let (site, shown) = (self.site.clone(), running.clone());
        let outcome = tokio::task::spawn_blocking(move || job(&site, &shown))
            .await
            .unwrap_or_else(|panic| Err(Failure::failed(format!("{running} stopped: {panic}"))));
        self.list_again().await;
        outcome
    }

    async fn list_again(&self) {
        let site = self.site.clone();
        let listed = tokio::task::spawn_blocking(move || site.own_backups()).await;
        if let Ok(Ok(backups)) = listed {
            self.with(|known| known.backups = backups.into());
        }
    }

    /// The archive is another one now, or what was in it is gone: what was known of it does not count any more.
    pub(crate) async fn archive_changed(&self) {
        self.files_change();
        self.list_again().await;
    }

    /// Forgets what the last backup was made of: a job is about to change the store's files.
    fn files_change(&self) {
        self.with(|known| known.backed_up = None);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        // Each value behind the lock is whole, even after a panic.
        look(
            &mut self
                .known
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}

fn newest_good(backups: &[backup::BackupInfo]) -> Option<i64> {
    let good = backups.iter().find(|backup| backup.verified);
    good.map(|backup| backup.created_at_ms)
}
