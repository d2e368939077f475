//! The bounded queue from callers to the writer thread, and the changes that are dropped when it is full while the disk
//! fails.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{Error, Result};
use crate::store::change::Change;
use crate::store::day::Day;
use crate::store::names::SeriesId;
use crate::store::recorder::stats::{Shared, lock};

/// What the writer thread is asked to do.
pub(super) enum Command {
    Changes {
        at_ms: i64,
        changes: Vec<Change>,
    },
    Keyframe {
        at_ms: i64,
        states: Vec<Change>,
    },
    Gap {
        from_ms: i64,
        to_ms: i64,
        why: String,
    },
    Heard {
        at_ms: i64,
    },
    Lost {
        from_ms: Option<i64>,
        why: String,
    },
    Dropped(Arc<Mutex<Dropped>>),
    Flush(oneshot::Sender<Result<()>>),
    Paused {
        replaced: bool,
        job: Job,
    },
    Examine {
        day: Day,
        done: oneshot::Sender<Option<String>>,
    },
    LookForLosses(std::sync::mpsc::Sender<Vec<Day>>),
    Stop(oneshot::Sender<Result<()>>),
}

/// Work to be done on the writer thread while no database is open.
pub(super) type Job = Box<dyn FnOnce(&Path) -> Reply + Send>;
/// Hands the work's result to whoever waits for it.
pub(super) type Reply = Box<dyn FnOnce() + Send>;

/// Bytes of text that take a place of their own.
const TEXT_PLACE: usize = 128;

/// The places in the queue that changes take.
pub(super) fn places(changes: &[Change]) -> usize {
    let texts = changes
        .iter()
        .map(|change| change.text_bytes() / TEXT_PLACE);
    changes.len() + texts.sum::<usize>()
}

/// A command and the room it takes in the queue until it is committed.
pub(super) type Queued = (Command, Option<OwnedSemaphorePermit>);

/// What was dropped at one place in the queue: enough to write the gap and a keyframe after it.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    pub(super) count: u64,
    pub(super) last: HashMap<SeriesId, Change>,
    /// The writer has taken it; later drops belong to another place.
    pub(super) taken: bool,
}

impl Dropped {
    /// Takes up what was dropped right after this.
    pub(super) fn absorb(
        &mut self,
        from_ms: i64,
        to_ms: i64,
        count: u64,
        last: impl Iterator<Item = Change>,
    ) {
        let empty = self.count == 0 && self.last.is_empty() && self.to_ms == 0;
        self.from_ms = if empty {
            from_ms
        } else {
            self.from_ms.min(from_ms)
        };
        self.to_ms = if empty { to_ms } else { self.to_ms.max(to_ms) };
        self.count += count;
        self.last.extend(last.map(|change| (change.series, change)));
    }
}

/// The callers' end.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    commands: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    limit: usize,
    shared: Arc<Shared>,
    dropping: Arc<Mutex<Option<Arc<Mutex<Dropped>>>>>,
}

pub(super) fn new(limit: usize, shared: Arc<Shared>) -> (Queue, mpsc::Receiver<Queued>) {
    let limit = limit.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
    let (commands, writer) = mpsc::channel();
    let room = Arc::new(Semaphore::new(limit));
    (
        Queue {
            commands,
            room,
            limit,
            shared,
            dropping: Arc::default(),
        },
        writer,
    )
}

impl Queue {
    /// Queues a command that takes `cost` places. Waits for room, or drops the command while the disk fails.
    pub(super) async fn push(&self, cost: usize, command: Command) {
        let places = cost.clamp(1, self.limit) as u32;
        let mut failing = self.shared.failing.subscribe();
        if self.is_dropping() && *failing.borrow() {
            return self.drop_command(command);
        }
        let permit = match Arc::clone(&self.room).try_acquire_many_owned(places) {
            Ok(permit) => permit,
            Err(_) => {
                let began = Instant::now();
                let room = Arc::clone(&self.room).acquire_many_owned(places);
                let got = tokio::select! {
                    permit = room => permit.ok(),
                    _ = failing.wait_for(|failing| *failing) => None,
                };
                self.shared
                    .waited_ms
                    .fetch_add(began.elapsed().as_millis() as u64, Relaxed);
                match got {
                    Some(permit) => permit,
                    None => return self.drop_command(command),
                }
            }
        };
        *lock(&self.dropping) = None;
        self.send(command, Some(permit));
    }

    /// Queues something that needs no room.
    pub(super) fn control(&self, command: Command) -> Result<()> {
        self.commands
            .send((command, None))
            .map_err(|_| Error::Stopped)
    }

    fn send(&self, command: Command, permit: Option<OwnedSemaphorePermit>) {
        let changes = match &command {
            Command::Changes { changes, .. } => changes.len() as u64,
            _ => 0,
        };
        self.shared.queued.fetch_add(changes, Relaxed);
        if self.commands.send((command, permit)).is_err() {
            self.shared.queued.fetch_sub(changes, Relaxed);
            self.shared.dropped.fetch_add(changes, Relaxed);
        }
    }

    fn is_dropping(&self) -> bool {
        lock(&self.dropping).is_some()
    }

    fn drop_command(&self, command: Command) {
        let mut dropping = lock(&self.dropping);
        if let Some(place) = &*dropping {
            let mut dropped = lock(place);
            if !dropped.taken {
                return self.absorb(&mut dropped, command);
            }
        }
        let mut dropped = Dropped::default();
        self.absorb(&mut dropped, command);
        let place = Arc::new(Mutex::new(dropped));
        *dropping = Some(Arc::clone(&place));
        self.send(Command::Dropped(place), None);
    }

    fn absorb(&self, dropped: &mut Dropped, command: Command) {
        match command {
            Command::Changes { at_ms, changes } => {
                self.shared.dropped.fetch_add(changes.len() as u64, Relaxed);
                dropped.absorb(at_ms, at_ms, changes.len() as u64, changes.into_iter());
            }
            Command::Keyframe { at_ms, states } => {
                dropped.absorb(at_ms, at_ms, 0, states.into_iter())
            }
            Command::Gap { from_ms, to_ms, .. } => {
                dropped.absorb(from_ms, to_ms, 0, std::iter::empty())
            }
            Command::Heard { .. }
            | Command::Lost { .. }
            | Command::Dropped(_)
            | Command::Flush(_)
            | Command::Paused { .. }
            | Command::Examine { .. }
            | Command::LookForLosses(_)
            | Command::Stop(_) => {}
        }
    }
}
