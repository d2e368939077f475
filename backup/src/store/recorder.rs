//! The one way into the store: a handle on the thread that writes.

pub(crate) mod options;
pub(crate) mod stats;

mod queue;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::disk::scratch;
use crate::disk::store_lock::StoreLock;
use crate::error::{Error, Result};
use crate::parting::Parting;
use crate::store::change::Change;
use crate::store::day::Day;
use crate::store::event::Series;
use crate::store::folder::Store;
use crate::store::history;
use crate::store::identity::Identity;
use crate::store::names::{Names, SeriesId};
use crate::store::recorder::options::RecorderOptions;
use crate::store::recorder::queue::{Command, Job, Queue};
use crate::store::recorder::stats::{RecorderStats, Shared};
use crate::store::recorder::writer::state::Writer;
use crate::store::word::Vouched;
use crate::store_use::StoreUse;

/// SQLite extends its shared memory by 4096 bytes by writing one byte of them. On a disk with smaller blocks the other
/// bytes get no room until they are touched; on a full disk touching them ends the process.
fn warn_of_small_blocks(dir: &Path) {
    if let Ok(disk) = rustix::fs::statvfs(dir)
        && disk.f_frsize < 4096
    {
        tracing::warn!(
            store = %dir.display(),
            block_bytes = disk.f_frsize,
            "if this disk runs full the agent may be ended by the system; make its file system with blocks of 4096 bytes"
        );
    }
}

/// A handle on the store's one writer thread. Clones are handles on the same thread.
#[derive(Debug, Clone)]
pub struct Recorder {
    queue: Queue,
    names: Arc<Names>,
    shared: Arc<Shared>,
    dir: Arc<Path>,
}

/// The writer thread itself, for whoever wants to wait for its end.
#[derive(Debug)]
pub struct RecorderThread {
    thread: std::thread::JoinHandle<()>,
}

impl RecorderThread {
    /// Waits until the thread has ended. Blocking; call after [`Recorder::stop`], or after the last handle is gone.
    pub fn join(self) {
        // A panic in the thread was already reported by the panic hook and to every waiting caller.
        let _ = self.thread.join();
    }
}

impl Recorder {
    /// Takes the store's lock and starts recording into it. The folder is created where it is missing. When the
    /// store already holds events, the time since its last one is recorded as a gap once recording goes on.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process records here; or the folder cannot be written.
    pub fn start(
        dir: impl Into<PathBuf>,
        options: RecorderOptions,
    ) -> Result<(Recorder, RecorderThread)> {
        let dir: PathBuf = dir.into();
        let lock = StoreLock::take(&dir, StoreUse::Record)?;
        scratch::clear(&dir);
        warn_of_small_blocks(&dir);
        Identity::of(&dir, options.clock.now_ms())?;
        let names = Arc::new(Names::default());
        let shared = Arc::new(Shared::new());
        let (queue, commands) = queue::new(options.queue_places, Arc::clone(&shared));
        let writer = Writer::new(
            dir.clone(),
            lock,
            options,
            Arc::clone(&names),
            Arc::clone(&shared),
        )?;
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(&commands))
            .map_err(Error::io(&dir, "start the writer thread"))?;
        Ok((
            Recorder {
                queue,
                names,
                shared,
                dir: dir.into(),
            },
            RecorderThread { thread },
        ))
    }

    /// The store's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The store, whose [`Store::vouched`] is this recorder's word. What was just committed is followed without reading the
    /// file.
    pub fn own_store(&self) -> Store {
        let (word, fresh) = (&self.shared.word, &self.shared.fresh);
        Store::of_recorder(self.dir.to_path_buf(), Arc::clone(word), Arc::clone(fresh))
    }

    /// Up to when the room was seen and what was seen is committed. In a quiet room it goes on about once a second, as long
    /// as changes would come; [`Recorder::flush`] brings it up to date.
    pub fn vouched(&self) -> Vouched {
        self.shared.word.now()
    }

    /// The number of a series, the same each time. Call once per control and keep it.
    pub fn series(&self, series: Series) -> SeriesId {
        self.names.intern(series)
    }

    /// Records changes that were seen at `at_ms` (wall clock, Unix milliseconds), in their order. Waits while the
    /// queue is full. When the disk fails and the queue is full, the changes are dropped, counted, and their span
    /// becomes a gap.
    pub async fn changes(&self, at_ms: i64, changes: Vec<Change>) {
        if !changes.is_empty() {
            let places = queue::places(&changes);
            self.queue
                .push(places, Command::Changes { at_ms, changes })
                .await;
        }
    }

    /// Records the full state of all recorded controls: after a connect and after a gap. What is not in it counts
    /// as no longer known.
    pub async fn keyframe(&self, at_ms: i64, states: Vec<Change>) {
        let places = queue::places(&states);
        self.queue
            .push(places, Command::Keyframe { at_ms, states })
            .await;
    }

    /// Records that changes between the two moments may have been missed.
    pub async fn gap(&self, from_ms: i64, to_ms: i64, why: &str) {
        self.queue
            .push(
                1,
                Command::Gap {
                    from_ms,
                    to_ms,
                    why: why.to_owned(),
                },
            )
            .await;
    }

    /// The room was heard at this moment, whether or not anything changed. Once this is told, the recorder takes silence for
    /// a quiet room only up to the last such moment; before, up to now.
    pub fn heard(&self, at_ms: i64) {
        let _ = self.queue.control(Command::Heard { at_ms });
    }

    /// Nothing was seen since `from_ms` (`None`: from now on), and nothing is until changes or a keyframe come again: then
    /// the gap is recorded, unless [`Recorder::gap`] does it. Until then the recorder vouches for nothing later.
    pub fn lost(&self, from_ms: Option<i64>, why: &str) {
        // A recorder that has stopped vouches for nothing more anyway.
        let _ = self.queue.control(Command::Lost {
            from_ms,
            why: why.to_owned(),
        });
    }

    /// Waits until everything accepted before is committed.
    ///
    /// # Errors
    /// [`Error::Failing`] when it cannot be written at the moment (it is kept and tried again), [`Error::Stopped`].
    pub async fn flush(&self) -> Result<()> {
        let (done, wait) = oneshot::channel();
        self.queue.control(Command::Flush(done))?;
        wait.await.map_err(|_| Error::Stopped)?
    }

    /// Checks a day's file and moves it aside if it is damaged: the day becomes a gap, and if it was the newest,
    /// recording goes on in a new file. Gives what was wrong with a file that was moved. Changes queue meanwhile.
    /// Blocking.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn examine(&self, day: Day) -> Result<Option<String>> {
        let (done, wait) = oneshot::channel();
        self.queue.control(Command::Examine { day, done })?;
        wait.blocking_recv().map_err(|_| Error::Stopped)
    }

    /// Looks for days of the past whose files another program took away, and tells of each that no gap tells of yet: a
    /// gap over it, in another history. Gives those days. Blocking.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub fn look_for_losses(&self) -> Result<Vec<Day>> {
        let (done, wait) = std::sync::mpsc::channel();
        self.queue.control(Command::LookForLosses(done))?;
        wait.recv().map_err(|_| Error::Stopped)
    }

    /// How the recorder is doing. Cheap, and never rosier than the truth.
    pub fn stats(&self) -> RecorderStats {
        self.shared.snapshot()
    }

    /// Runs `f` on the writer thread with all its databases closed, so that it may replace the store's files.
    /// Everything accepted before is committed first if the disk lets it; changes queue meanwhile. Afterwards the
    /// store is opened again, a gap is recorded if it now ends earlier, and a keyframe of the last known states is
    /// written.
    ///
    /// # Errors
    /// [`Error::Stopped`] when the recorder has stopped or `f` panicked.
    pub async fn pause_and<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Path) -> R + Send + 'static,
    ) -> Result<R> {
        let (done, wait) = oneshot::channel();
        let job: Job = Box::new(move |dir: &Path| {
            let result = f(dir);
            // The work is done even if nobody waits any more.
            Box::new(move || drop(done.send(result)))
        });
        self.queue.control(Command::Paused {
            replaced: true,
            job,
        })?;
        wait.await.map_err(|_| Error::Stopped)
    }

    /// As [`Recorder::pause_and`], for an addition that leaves the store's end where it is. Blocking.
    pub(crate) fn with_files_closed<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Path) -> R + Send + 'static,
    ) -> Result<R> {
        let (done, wait) = std::sync::mpsc::channel();
        let job: Job = Box::new(move |dir: &Path| {
            let result = f(dir);
            Box::new(move || drop(done.send(result)))
        });
        self.queue.control(Command::Paused {
            replaced: false,
            job,
        })?;
        wait.recv().map_err(|_| Error::Stopped)
    }

    /// Begins another history, as the archive holds events of the present one that the store lacks. Blocking.
    ///
    /// # Errors
    /// [`Error::Stopped`]; or when the store's folder cannot be written.
    pub fn begin_history(&self, parting: &Parting) -> Result<()> {
        tracing::warn!("{parting}; another history begins");
        let parting = parting.clone();
        self.with_files_closed(move |dir| history::begin_held(dir, &parting))?
    }

    /// Commits everything accepted so far, folds the logs into the files, releases the lock and ends the thread.
    ///
    /// # Errors
    /// [`Error::Failing`] when the rest could not be written; it is lost then, and the next start records the gap.
    pub async fn stop(self) -> Result<()> {
        let (done, wait) = oneshot::channel();
        self.queue.control(Command::Stop(done))?;
        wait.await.map_err(|_| Error::Stopped)?
    }
}
