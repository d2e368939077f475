//! The running agent's long jobs, one at a time: backup, verify, restore, undo, import, prune.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::OwnedMutexGuard;

use crate::damage;
use crate::documents;
use crate::extent::Extent;
use crate::facts::Facts;
use crate::failure::{Failure, Outcome};
use crate::local_socket::RestoreRequest;
use crate::moment;
use crate::schedule::History;
use crate::settings::Settings;
use crate::work;

/// Who asked for a job; it stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    Schedule,
    Panel,
    CommandLine,
}

/// The right to run a job; dropping it lets the next one start.
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>);

/// The job that runs now, as the panel shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) state: &'static str,
    pub(crate) percent: u8,
    pub(crate) text: String,
}

/// Runs jobs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Jobs {
    settings: Arc<Settings>,
    recorder: backup::Recorder,
    facts: Arc<Facts>,
    turn: Arc<tokio::sync::Mutex<()>>,
    known: Arc<Mutex<Known>>,
    /// Tells the schedule that its next moment may have moved.
    changed: Arc<tokio::sync::Notify>,
}

struct Known {
    current: Option<Job>,
    backups: Arc<[backup::BackupInfo]>,
    history: History,
    last_failure: Option<String>,
    /// What the last good backup was made of, unless the files were changed by a job since.
    backed_up: Option<Extent>,
    /// What an undo would take back.
    undo: Option<String>,
    jobs_begun: u64,
    /// When the current job last got on.
    moved: Instant,
}

/// A backup that has not got on for so long hangs: a copy has 10 minutes, everything else
/// tells its progress piece by piece.
const STUCK: Duration = Duration::from_secs(15 * 60);

impl Jobs {
    /// `archive_problem` must have been shown to the user already; an unreadable archive
    /// does not keep the recording from starting.
    pub(crate) fn new(
        settings: Arc<Settings>,
        recorder: backup::Recorder,
        facts: Arc<Facts>,
    ) -> Self {
        let listed = work::list(&settings);
        let last_failure = listed.as_ref().err().map(Failure::to_string);
        let backups: Arc<[_]> = listed.unwrap_or_default().into();
        let history = History {
            agent_started: moment::now(),
            last_good: newest_good(&backups),
            seed: fastrand::u64(..),
            ..History::default()
        };
        let undo = backup::undo_available(&settings.store.path);
        Self {
            settings,
            recorder,
            facts,
            turn: Arc::default(),
            known: Arc::new(Mutex::new(Known {
                current: None,
                backups,
                history,
                last_failure,
                backed_up: None,
                undo,
                jobs_begun: 0,
                moved: Instant::now(),
            })),
            changed: Arc::default(),
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
        self.with(|known| known.current.clone())
    }

    /// What an undo would take back, if there is anything.
    pub(crate) fn undo_available(&self) -> Option<String> {
        self.with(|known| known.undo.clone())
    }

    /// What the schedule needs to know.
    pub(crate) fn history(&self) -> History {
        self.with(|known| known.history)
    }

    /// Why the last backup failed, or that the running one hangs.
    pub(crate) fn backup_problem(&self) -> Option<String> {
        self.with(|known| {
            let running = known.current.as_ref().filter(|job| job.kind == "backup");
            let stuck = running.map(|_| known.moved.elapsed());
            match stuck.filter(|still| *still > STUCK) {
                Some(still) => Some(format!(
                    "the running one has not moved for {}",
                    moment::span(i64::try_from(still.as_millis()).unwrap_or(i64::MAX))
                )),
                None => known.last_failure.clone(),
            }
        })
    }

    /// Waits until a backup ended.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The schedule's backup. Where nothing is new since the last one it proves that one again
    /// instead, so that a quiet month pushes no older backup out; one that does not prove is
    /// made anew. Gives what was done in words.
    pub(crate) async fn scheduled_backup(&self, turn: Turn) -> Outcome<String> {
        if self.nothing_new().await
            && let Some(newest) = self.newest_of_ours()
        {
            let id = newest.clone();
            let proved = self
                .run("backup", move |settings, _| {
                    work::verify(&settings, Some(&id), false)
                })
                .await;
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
                // Making one anew has its own way to fail, which is tried again later and later.
                Err(failure) => {
                    tracing::error!(id = %newest, "the last backup cannot be proved: {failure}");
                }
            }
        }
        let made = self.backup(turn, Asker::Schedule).await?;
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
            let now = self.extent();
            self.with(|known| {
                known.last_failure.is_none() && known.backed_up.as_ref() == Some(&now)
            })
        }
    }

    fn extent(&self) -> Extent {
        Extent::now(&self.recorder.stats(), &self.settings, self.facts.plugin())
    }

    /// Makes and proves a backup of everything received so far, then removes those too many.
    pub(crate) async fn backup(&self, _turn: Turn, asker: Asker) -> Outcome<backup::BackupInfo> {
        let begun = Instant::now();
        let (mut extent, mut outcome) = self.try_backup().await;
        if let Err(failure) = &outcome
            && self.moved_aside(failure).await
        {
            // The other days are worth backing up all the more.
            (extent, outcome) = self.try_backup().await;
        }
        let now = moment::now();
        self.with(|known| match &outcome {
            Ok(_) => {
                known.last_failure = None;
                known.history.last_good = Some(now);
                known.history.last_failure = None;
                known.history.failures = 0;
                known.backed_up = extent;
            }
            Err(failure) => {
                known.last_failure = Some(failure.to_string());
                known.history.last_failure = Some(now);
                known.history.failures += 1;
            }
        });
        self.changed.notify_waiters();
        match &outcome {
            Ok(made) => tracing::info!(
                asker = ?asker,
                id = %made.id,
                events = made.events,
                bytes = made.bytes,
                seconds = begun.elapsed().as_secs_f64(),
                "backup made and proved"
            ),
            Err(failure) => tracing::error!(asker = ?asker, "backup failed: {failure}"),
        }
        outcome
    }

    /// Makes a backup; also gives what it was made of, where that is known.
    async fn try_backup(&self) -> (Option<Extent>, Outcome<backup::BackupInfo>) {
        // What is committed while the backup is made may or may not be in it.
        let flushed = self.recorder.flush().await.is_ok();
        let extent = flushed.then(|| self.extent());
        let plugin = self.facts.plugin();
        let outcome = self
            .run("backup", move |settings, job| {
                work::backup(&settings, plugin.as_ref(), &job)
            })
            .await;
        (extent, outcome)
    }

    /// Whether a backup failed over a damaged day that the recorder has moved aside now.
    async fn moved_aside(&self, failure: &Failure) -> bool {
        let (recorder, file) = (
            self.recorder.clone(),
            failure.damaged_file().map(Path::to_owned),
        );
        let examined =
            tokio::task::spawn_blocking(move || damage::examine(&recorder, file.as_deref()));
        examined.await.unwrap_or(false)
    }

    /// Proves the whole archive.
    pub(crate) async fn verify(&self, _turn: Turn) -> Outcome<backup::Report> {
        self.run("verify", |settings, _| work::verify(&settings, None, false))
            .await
    }

    /// Tells what a restore would do.
    pub(crate) async fn preview(
        &self,
        _turn: Turn,
        request: RestoreRequest,
    ) -> Outcome<documents::Plan> {
        self.run("preview", move |settings, _| {
            let plan = work::plan(&settings, &request, None)?;
            Ok(documents::Plan::new(&plan, plan.per_control(&())))
        })
        .await
    }

    /// Builds the asked state beside the store, then swaps it in while changes queue up.
    pub(crate) async fn restore(
        &self,
        _turn: Turn,
        request: RestoreRequest,
    ) -> Outcome<documents::Restored> {
        let begun = Instant::now();
        let recorder = self.recorder.clone();
        let built = self
            .run("restore", move |settings, job| {
                work::build_while_recording(&settings, &request, &job)
            })
            .await?;
        self.files_change();
        let swapped = recorder
            .pause_and(move |_| built.swap())
            .await
            .and_then(|swapped| swapped)
            .map_err(work::failure)?;
        self.look_for_undo();
        let restored = documents::Restored::new(&swapped, begun.elapsed());
        tracing::warn!(
            restored_to = restored.restored_to.as_deref().unwrap_or("an empty store"),
            events = restored.events,
            seconds = restored.seconds,
            "the store was restored; `qsys-agent undo` takes it back"
        );
        Ok(restored)
    }

    /// Takes the last restore back.
    pub(crate) async fn undo(&self, _turn: Turn) -> Outcome<documents::Undone> {
        self.files_change();
        let undone = self
            .recorder
            .pause_and(backup::undo)
            .await
            .and_then(|undone| undone)
            .map_err(work::failure)?;
        self.look_for_undo();
        tracing::warn!("taken back: {}", undone.undone);
        Ok((&undone).into())
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
            work::import(backup::Destination::Recorder(&recorder), &files)
        })
        .await
    }

    /// Removes backups beyond the number to keep.
    pub(crate) async fn prune(&self, _turn: Turn, dry_run: bool) -> Outcome<documents::Pruned> {
        self.run("prune", move |settings, _| work::prune(&settings, dry_run))
            .await
    }

    /// Runs blocking work away from the runtime, with everything received committed before.
    async fn run<T: Send + 'static>(
        &self,
        kind: &'static str,
        job: impl FnOnce(Arc<Settings>, JobProgress) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let id = self.with(|known| {
            known.jobs_begun += 1;
            let id = format!("{kind}-{}", known.jobs_begun);
            known.moved = Instant::now();
            known.current = Some(Job {
                id: id.clone(),
                kind,
                state: "running",
                percent: 0,
                text: String::new(),
            });
            id
        });
        // A store that cannot be written holds less than was received, but what it holds
        // is worth keeping all the more.
        if let Err(error) = self.recorder.flush().await {
            tracing::warn!("{kind} without the newest changes: {error}");
        }
        let progress = JobProgress {
            id,
            known: self.known.clone(),
        };
        let settings = self.settings.clone();
        let outcome = tokio::task::spawn_blocking(move || job(settings, progress))
            .await
            .unwrap_or_else(|panic| Err(Failure::failed(format!("{kind} stopped: {panic}"))));
        let settings = self.settings.clone();
        let listed = tokio::task::spawn_blocking(move || work::list(&settings)).await;
        self.with(|known| {
            known.current = None;
            if let Ok(Ok(backups)) = listed {
                known.backups = backups.into();
            }
        });
        outcome
    }

    /// The store's files are about to change by more than recording.
    fn files_change(&self) {
        self.with(|known| known.backed_up = None);
    }

    /// A restore or an undo has changed what the next undo would take back.
    fn look_for_undo(&self) {
        let undo = backup::undo_available(&self.settings.store.path);
        self.with(|known| known.undo = undo);
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

/// Puts a job's progress where the panel sees it.
pub(crate) struct JobProgress {
    id: String,
    known: Arc<Mutex<Known>>,
}

impl backup::Progress for JobProgress {
    fn step(&self, what: &str, done: u64, total: u64) {
        let mut known = self
            .known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        known.moved = Instant::now();
        if let Some(job) = known.current.as_mut().filter(|job| job.id == self.id) {
            let percent = (done.saturating_mul(100))
                .checked_div(total)
                .unwrap_or(0)
                .min(100);
            job.percent = u8::try_from(percent).unwrap_or(100);
            what.clone_into(&mut job.text);
        }
    }
}
