//! The thread that writes: numbers changes, commits them in groups, and goes on whatever the disk does.

mod damage;
mod files;
mod vouch;
mod write;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::disk::mount_point::MountPoint;
use crate::disk::store_lock::StoreLock;
use crate::error::{Error, Result};
use crate::store::change::{Change, Row};
use crate::store::day_file::file::DayFile;
use crate::store::day_file::refusal::WriteError;
use crate::store::event::Gap;
use crate::store::id::{EventId, IdSource};
use crate::store::names::Names;
use crate::store::recorder::options::RecorderOptions;
use crate::store::recorder::queue::{Command, Dropped, Queued};
use crate::store::recorder::stats::{RecorderState, Shared};

/// Rows in one transaction at most.
const BATCH: usize = 10_000;
/// How often an idle recorder notes that it is alive, so that a crash leaves a short gap.
const ALIVE: Duration = Duration::from_secs(30);
/// Waits between two tries of a failing disk, from the first to the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// A wall time further ahead of the clock than this is not believed when ids are made.
const AHEAD_MS: i64 = 60_000;

/// Something to write, in the order of ids.
enum Item {
    Change(Row),
    Gap {
        id: EventId,
        gap: Gap,
    },
    Keyframe {
        id: EventId,
        reason: &'static str,
        states: Option<Vec<Change>>,
    },
    Dropped {
        id: EventId,
        place: Arc<Mutex<Dropped>>,
    },
}

impl Item {
    fn id(&self) -> EventId {
        match self {
            Item::Change(row) => row.id,
            Item::Gap { id, .. } | Item::Keyframe { id, .. } | Item::Dropped { id, .. } => *id,
        }
    }
}

/// Why a run of items was not written.
enum Failure {
    Conflict,
    Damaged(String),
    Disk(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Failure::Damaged(error.to_string()),
            _ => Failure::Disk(error.to_string()),
        }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        match error {
            WriteError::Conflict => Failure::Conflict,
            WriteError::Sqlite(error) => error.into(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let text = error.to_string();
        match error {
            Error::Sqlite { source, .. } => match Failure::from(source) {
                Failure::Damaged(_) => Failure::Damaged(text),
                _ => Failure::Disk(text),
            },
            _ => Failure::Disk(text),
        }
    }
}

/// The last known content of a control.
struct Known {
    id: EventId,
    change: Change,
}

pub(super) struct Writer {
    dir: PathBuf,
    options: RecorderOptions,
    names: Arc<Names>,
    shared: Arc<Shared>,
    ids: IdSource,
    file: Option<DayFile>,
    pending: VecDeque<Item>,
    pending_changes: usize,
    permits: Vec<OwnedSemaphorePermit>,
    flushes: Vec<oneshot::Sender<Result<()>>>,
    known: Vec<Option<Known>>,
    /// Since when nothing was recorded, until something is again.
    open_gap: Option<(i64, String)>,
    oldest: Option<Instant>,
    retry: Option<(Instant, Duration)>,
    /// A commit reported an error and may have succeeded all the same.
    in_doubt: bool,
    last_sign: Instant,
    /// The id up to which the open file has the digest of the state.
    vouched: Option<i64>,
    /// Somebody else may have written into the store since the last keyframe.
    unsure: bool,
    lock: Option<StoreLock>,
    /// Where the disk of the store was mounted when its lock was taken.
    mounted_at: Option<MountPoint>,
}

impl Writer {
    pub(super) fn new(
        dir: PathBuf,
        lock: StoreLock,
        options: RecorderOptions,
        names: Arc<Names>,
        shared: Arc<Shared>,
    ) -> Result<Writer> {
        let mut writer = Writer {
            mounted_at: MountPoint::of(&dir),
            dir,
            options,
            names,
            shared,
            ids: IdSource::after(None),
            file: None,
            pending: VecDeque::new(),
            pending_changes: 0,
            permits: Vec::new(),
            flushes: Vec::new(),
            known: Vec::new(),
            open_gap: None,
            oldest: None,
            retry: None,
            in_doubt: false,
            last_sign: Instant::now(),
            vouched: None,
            unsure: false,
            lock: Some(lock),
        };
        writer.take_up()?;
        Ok(writer)
    }

    fn know(&mut self, id: EventId, change: Change) {
        let number = change.series.0 as usize;
        if self.known.len() <= number {
            self.known.resize_with(number + 1, || None);
        }
        self.known[number] = Some(Known { id, change });
    }

    /// Works until it is told to stop or until the last handle is gone.
    pub(super) fn run(mut self, commands: &mpsc::Receiver<Queued>) {
        loop {
            let mut command = match commands.recv_timeout(self.patience()) {
                Ok(command) => Some(command),
                Err(mpsc::RecvTimeoutError::Timeout) => None,
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    let _ = self.stop();
                    return;
                }
            };
            while let Some((next, permit)) = command {
                self.permits.extend(permit);
                match next {
                    Command::Stop(done) => {
                        let _ = done.send(self.stop());
                        return;
                    }
                    other => self.take(other),
                }
                let more = self.pending_changes < BATCH || self.retry.is_some();
                command = if more { commands.try_recv().ok() } else { None };
            }
            self.write_when_due();
        }
    }

    /// How long the thread may sleep.
    fn patience(&self) -> Duration {
        if let Some((at, _)) = self.retry {
            return at.saturating_duration_since(Instant::now());
        }
        match self.oldest {
            Some(_) if !self.flushes.is_empty() => Duration::ZERO,
            Some(oldest) => {
                (oldest + self.options.flush_interval).saturating_duration_since(Instant::now())
            }
            None => ALIVE,
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Changes { at_ms, changes } => {
                self.close_open_gap(at_ms);
                self.pending_changes += changes.len();
                let near_ms = self.believed(at_ms);
                for change in changes {
                    let id = self.ids.next(near_ms);
                    self.queue(Item::Change(Row { id, at_ms, change }));
                }
            }
            Command::Keyframe { at_ms, states } => {
                self.close_open_gap(at_ms);
                let id = self.next_id(at_ms);
                self.queue(Item::Keyframe {
                    id,
                    reason: "connect",
                    states: Some(states),
                });
            }
            Command::Gap {
                from_ms,
                to_ms,
                why,
            } => {
                let (from_ms, to_ms) = match self.open_gap.take() {
                    Some((from, _)) => (from_ms.min(from), to_ms),
                    None => (from_ms, to_ms),
                };
                self.queue_gap(from_ms, to_ms, why);
            }
            Command::Dropped(place) => {
                let id = self.next_id(self.options.clock.now_ms());
                self.queue(Item::Dropped { id, place });
            }
            Command::Flush(done) => {
                self.flushes.push(done);
                self.write();
            }
            Command::Paused { replaced, job } => {
                if let Some(reply) = self.pause(replaced, job) {
                    reply();
                }
            }
            Command::Examine { day, done } => {
                let _ = done.send(self.examine(day));
            }
            Command::Stop(_) => {}
        }
    }

    fn close_open_gap(&mut self, at_ms: i64) {
        if let Some((from_ms, why)) = self.open_gap.take() {
            self.queue_gap(from_ms, at_ms.max(from_ms), why);
        }
    }

    fn queue_gap(&mut self, from_ms: i64, to_ms: i64, why: String) {
        let id = self.next_id(to_ms);
        self.queue(Item::Gap {
            id,
            gap: Gap {
                from_ms,
                to_ms,
                why,
            },
        });
    }

    fn queue(&mut self, item: Item) {
        self.oldest.get_or_insert_with(Instant::now);
        self.pending.push_back(item);
    }

    /// The next id, near `at_ms` as far as that can be believed.
    fn next_id(&mut self, at_ms: i64) -> EventId {
        let near_ms = self.believed(at_ms);
        self.ids.next(near_ms)
    }

    /// A wall time, or the clock's own where it is from before 1970 or from the future.
    fn believed(&self, at_ms: i64) -> i64 {
        let now = self.options.clock.now_ms();
        let believable = (0..=now.saturating_add(AHEAD_MS)).contains(&at_ms);
        if believable { at_ms } else { now }
    }

    fn write_when_due(&mut self) {
        let now = Instant::now();
        let due = match (self.retry, self.oldest) {
            (Some((at, _)), _) => now >= at,
            (None, Some(oldest)) => {
                !self.flushes.is_empty()
                    || self.pending_changes >= self.options.flush_events
                    || now >= oldest + self.options.flush_interval
            }
            (None, None) => {
                if now >= self.last_sign + ALIVE {
                    self.sign_of_life();
                }
                false
            }
        };
        if due {
            self.write();
        }
    }

    fn stop(&mut self) -> Result<()> {
        if !self.pending.is_empty() {
            self.write();
        }
        let lost = self.pending_changes;
        let reason = self.shared.failing_reason();
        if self.pending.is_empty() {
            self.vouch();
        }
        if self.open_gap.is_none()
            && lost == 0
            && let Some(file) = &mut self.file
        {
            let now = self.options.clock.now_ms();
            let noted = file
                .begin()
                .and_then(|()| file.put_meta("alive_ms", now))
                .and_then(|()| file.put_meta("stopped", 1))
                .and_then(|()| file.commit());
            if let Err(error) = noted {
                tracing::warn!(%error, "the stop could not be noted");
            }
        }
        self.close();
        // Before the answer: whoever waited for it may want to start the next one.
        self.lock = None;
        self.shared.set_state(RecorderState::Stopped);
        match reason {
            Some(reason) if lost > 0 => Err(Error::Failing {
                reason: format!("{lost} changes were not written: {reason}"),
            }),
            _ => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // However the thread ends, nobody shall read that it works.
        self.shared.set_state(RecorderState::Stopped);
    }
}
