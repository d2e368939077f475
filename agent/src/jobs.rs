//! The running agent's long jobs, one at a time: backup, verify, restore, undo, import, prune.

mod backup_inputs;
mod steps;

mod backups;
mod running;

mod prunes;
mod restores;

#[cfg(test)]
mod stage;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use contract::Job;
use tokio::sync::OwnedMutexGuard;

use backup_inputs::BackupInputs;
use running::{Board, Running};
pub(crate) use steps::{Step, Steps};

use crate::documents;
use crate::failure::{Failure, Outcome};
use crate::moment;
use crate::record::LiveFacts;
use crate::schedule::History;
use crate::site::{self, Site};

/// Who asked for a job; it stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    Schedule,
    Panel,
    CommandLine,
}

/// The right to run a job; dropping it lets the next one start.
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>);

/// Runs jobs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Jobs {
    site: Arc<Site>,
    recorder: backup::Recorder,
    live_facts: Arc<LiveFacts>,
    turn: Arc<tokio::sync::Mutex<()>>,
    board: Board,
    known: Arc<Mutex<Known>>,
    /// Tells the schedule that its next moment may have moved.
    changed: Arc<tokio::sync::Notify>,
}

struct Known {
    backups: Arc<[backup::BackupInfo]>,
    history: History,
    last_failure: Option<String>,
    /// Why the last prune failed, if it did.
    prune_problem: Option<String>,
    /// What the last good backup was made of, unless the files were changed by a job since.
    backed_up: Option<BackupInputs>,
    /// What an undo would take back.
    undo: Option<String>,
}

impl Jobs {
    /// An archive that cannot be read shows as the reason of a failed backup; the recording starts all the same.
    pub(crate) fn new(
        site: Arc<Site>,
        recorder: backup::Recorder,
        live_facts: Arc<LiveFacts>,
    ) -> Self {
        let listed = site.list();
        let last_failure = listed.as_ref().err().map(Failure::to_string);
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
            turn: Arc::default(),
            board: Board::default(),
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

    /// The same jobs; those started through what this gives tell their steps there, too.
    pub(crate) fn told_to(&self, steps: Steps) -> Self {
        Self {
            board: self.board.told_to(steps),
            ..self.clone()
        }
    }

    /// The turn, if no job runs.
    pub(crate) fn try_turn(&self) -> Option<Turn> {
        self.turn.clone().try_lock_owned().ok().map(Turn)
    }

    /// The turn, after the jobs before.
    pub(crate) async fn turn(&self) -> Turn {
        Turn(self.turn.clone().lock_owned().await)
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

    /// What the schedule needs to know.
    pub(crate) fn history(&self) -> History {
        self.with(|known| known.history)
    }

    /// Waits until a backup ended.
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
        self.run("import", move |_, _| {
            site::import(backup::Destination::Recorder(&recorder), &files)
        })
        .await
    }

    /// Runs blocking work away from the runtime, with everything received committed before.
    async fn run<T: Send + 'static>(
        &self,
        kind: &'static str,
        job: impl FnOnce(&Site, &Running) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        self.run_as(&Arc::new(self.board.post(kind)), job).await
    }

    /// The same as a part of a job that is posted already.
    async fn run_as<T: Send + 'static>(
        &self,
        running: &Arc<Running>,
        job: impl FnOnce(&Site, &Running) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        // A store that cannot be written holds less than was received, but what it holds
        // is worth keeping all the more.
        if let Err(error) = self.recorder.flush().await {
            tracing::warn!("{running} without the newest changes: {error}");
        }
        let (site, shown) = (self.site.clone(), running.clone());
        let outcome = tokio::task::spawn_blocking(move || job(&site, &shown))
            .await
            .unwrap_or_else(|panic| Err(Failure::failed(format!("{running} stopped: {panic}"))));
        let site = self.site.clone();
        let listed = tokio::task::spawn_blocking(move || site.list()).await;
        if let Ok(Ok(backups)) = listed {
            self.with(|known| known.backups = backups.into());
        }
        outcome
    }

    /// The store's files are about to change by more than recording.
    fn files_change(&self) {
        self.with(|known| known.backed_up = None);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        // A poisoned lock still guards plain values that are whole.
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
