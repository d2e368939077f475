//! The thread that writes: numbers changes, commits them in groups, and goes on whatever the disk does.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::queue::{Command, Dropped, Job, Queued, Reply};
use super::stats::{RecorderState, Shared, lock};
use super::{RecorderOptions, StoreLock};
use crate::day::Day;
use crate::day_file::{Change, DayFile, Row, WriteError};
use crate::error::{Error, Result};
use crate::event::Gap;
use crate::id::{EventId, IdSource};
use crate::names::{Names, SeriesId};
use crate::reindex;
use crate::schema::{beside, is_foreign};
use crate::store::Store;

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
    lock: Option<StoreLock>,
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
            lock: Some(lock),
        };
        writer.take_up()?;
        Ok(writer)
    }

    /// Opens the newest day file that is whole, moves damaged ones aside, and finds out where recording ended.
    fn take_up(&mut self) -> Result<()> {
        self.set_originals_aside()?;
        while let Some(day) = Store::open(&self.dir)?.days()?.pop() {
            match self.open_newest(day).map_err(Failure::from) {
                Ok(()) | Err(Failure::Conflict) => break,
                Err(Failure::Damaged(reason)) => self.move_aside(day, &reason),
                Err(Failure::Disk(reason)) => return Err(Error::Failing { reason }),
            }
            if self.dir.join(day.file_name()).exists() {
                let reason = format!("{} is damaged and cannot be moved aside", day.file_name());
                return Err(Error::Failing { reason });
            }
        }
        Ok(())
    }

    /// The original names its databases as our day files are named. They keep their content and get another name,
    /// from which they can be imported.
    fn set_originals_aside(&self) -> Result<()> {
        for day in Store::open(&self.dir)?.days()? {
            let path = self.dir.join(day.file_name());
            if !is_foreign(&path) {
                continue;
            }
            let aside = self.dir.join(format!("original-{}", day.file_name()));
            if aside.exists() {
                continue;
            }
            tracing::warn!(file = %path.display(), moved_to = %aside.display(), "a database of another program");
            for companion in ["-wal", "-shm", "-journal", ""] {
                // A companion need not exist; a file that stays is found again below.
                let _ = std::fs::rename(beside(&path, companion), beside(&aside, companion));
            }
        }
        Ok(())
    }

    fn open_newest(&mut self, day: Day) -> Result<()> {
        let mut file = DayFile::open(&self.dir, day, &self.names)?;
        if file.is_index_deferred() {
            // An import was cut short.
            drop(file);
            reindex::rebuild(&self.dir, day)?;
            file = DayFile::open(&self.dir, day, &self.names)?;
        }
        let path = file.path().to_path_buf();
        let failed = |source| Error::Sqlite {
            path: path.clone(),
            doing: "take up the newest day file",
            source,
        };
        let stopped = file.meta("stopped").map_err(failed)? == Some(1);
        if !stopped && let Some(problem) = file.quick_check().map_err(failed)? {
            tracing::error!(file = %path.display(), problem, "day file is damaged");
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(failed(rusqlite::Error::SqliteFailure(code, Some(problem))));
        }
        let alive = file.meta("alive_ms").map_err(failed)?;
        let last = file.last_id().map_err(failed)?;
        self.ids = IdSource::after(last.max(self.ids.last()));
        if let Some(end) = last.map(EventId::ms).max(alive) {
            let why = if stopped {
                "the agent was not running"
            } else {
                "the agent ended without stopping"
            };
            self.open_gap = Some((end, why.to_owned()));
        }
        file.begin()
            .and_then(|()| file.put_meta("stopped", 0))
            .and_then(|()| file.commit())
            .map_err(failed)?;
        self.file = Some(file);
        self.shared.set_day(Some(day));
        self.learn_states()
    }

    /// Reads the last known states back from the store.
    fn learn_states(&mut self) -> Result<()> {
        let state = Store::open(&self.dir)?.state_at(EventId::MAX_MS)?;
        self.known.clear();
        for control in state.controls {
            let series = self.names.intern((*control.series).clone());
            let change = Change {
                series,
                value: control.value,
                string: control.string,
                position: control.position,
            };
            self.know(EventId(-1), change);
        }
        Ok(())
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
                for change in changes {
                    let id = self.next_id(at_ms);
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
        let now = self.options.clock.now_ms();
        let believable = (0..=now.saturating_add(AHEAD_MS)).contains(&at_ms);
        self.ids.next(if believable { at_ms } else { now })
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

    /// Writes everything pending, or finds out that it cannot.
    fn write(&mut self) {
        let (mut surprises, idle) = (0, self.pending.is_empty());
        let failed = loop {
            if self.pending.is_empty() {
                break None;
            }
            match self.write_run() {
                Ok(()) => {}
                Err(failure) => {
                    // Whatever the file object remembers may be ahead of the file.
                    self.file = None;
                    surprises += 1;
                    match failure {
                        Failure::Conflict if surprises <= 3 => self.renumber(),
                        Failure::Damaged(reason) if surprises <= 3 => {
                            let day = self.pending.front().map(|item| item.id().day());
                            if let Some(day) = day {
                                self.move_aside(day, &reason);
                            }
                        }
                        Failure::Conflict => {
                            break Some("ids of new events are taken again and again".to_owned());
                        }
                        Failure::Damaged(reason) | Failure::Disk(reason) => break Some(reason),
                    }
                }
            }
        };
        match failed {
            None if idle => self.answer_flushes(),
            None => self.all_written(),
            Some(reason) => self.not_written(reason),
        }
    }

    fn all_written(&mut self) {
        if let Some(reason) = self.shared.failing_reason() {
            tracing::info!(reason, "the store can be written again");
        }
        self.shared.set_state(RecorderState::Ok);
        self.retry = None;
        self.oldest = None;
        self.permits.clear();
        self.answer_flushes();
    }

    fn answer_flushes(&mut self) {
        for done in self.flushes.drain(..) {
            let _ = done.send(Ok(()));
        }
    }

    fn not_written(&mut self, reason: String) {
        let pause = self
            .retry
            .map_or(RETRY.0, |(_, pause)| (pause * 2).min(RETRY.1));
        if self.retry.is_none() {
            tracing::error!(
                reason,
                "the store cannot be written; changes are kept in memory"
            );
        }
        self.retry = Some((Instant::now() + pause, pause));
        self.merge_dropped();
        for done in self.flushes.drain(..) {
            let _ = done.send(Err(Error::Failing {
                reason: reason.clone(),
            }));
        }
        self.shared.set_failing(reason, self.options.clock.now_ms());
    }

    /// Neighbouring places of dropped changes become one, however long the disk fails.
    fn merge_dropped(&mut self) {
        while let [
            ..,
            Item::Dropped { place: before, .. },
            Item::Dropped { place: after, .. },
        ] = self.pending.make_contiguous()
        {
            let mut later = lock(after);
            later.taken = true;
            let (from_ms, to_ms, count) = (later.from_ms, later.to_ms, later.count);
            lock(before).absorb(
                from_ms,
                to_ms,
                count,
                later.last.drain().map(|(_, change)| change),
            );
            drop(later);
            self.pending.pop_back();
        }
    }

    /// Writes the items at the front that share a day and a kind in one transaction.
    fn write_run(&mut self) -> std::result::Result<(), Failure> {
        let Some(day) = self.pending.front().map(|item| item.id().day()) else {
            return Ok(());
        };
        self.open_day(day)?;
        let alone = !matches!(
            self.pending.front(),
            Some(Item::Change(_) | Item::Gap { .. })
        );
        if self.in_doubt {
            self.in_doubt = false;
            if let Some(Item::Change(row)) = self
                .pending
                .iter()
                .find(|item| matches!(item, Item::Change(_)))
                && let Some(file) = &self.file
                && file.has(row)?
            {
                self.written_before(day);
                return Ok(());
            }
        }
        let run = if alone { 1 } else { self.run_length(day) };
        let mut frame = self.frame_at_front();
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.begin()?;
        let mut poison = Vec::new();
        if let Some(frame) = &mut frame {
            if let Some(gap) = &frame.gap {
                file.put_gap(frame.id, gap)?;
            }
            file.put_keyframe(&self.names, frame.id, frame.reason, frame.states.iter())?;
        } else {
            let rows = self.pending.iter().take(run).filter_map(|item| match item {
                Item::Change(row) => Some(row),
                _ => None,
            });
            file.put_changes(&self.names, rows, |row, reason| poison.push((row, reason)))?;
            for (row, reason) in &poison {
                file.put_quarantine(&self.names, row, reason)?;
            }
            for item in self.pending.iter().take(run) {
                if let Item::Gap { id, gap } = item {
                    file.put_gap(*id, gap)?;
                }
            }
        }
        if let Err(error) = file.commit() {
            self.in_doubt = true;
            return Err(error.into());
        }
        let quarantined: Vec<EventId> = poison.iter().map(|(row, _)| row.id).collect();
        for (row, reason) in &poison {
            tracing::warn!(at_ms = row.at_ms, reason, "a change was quarantined");
        }
        self.shared
            .quarantined
            .fetch_add(quarantined.len() as u64, Relaxed);
        match frame {
            Some(frame) => self.frame_written(frame),
            None => self.run_written(run, &quarantined),
        }
        self.last_sign = Instant::now();
        self.keyframe_if_due();
        Ok(())
    }

    fn run_length(&self, day: Day) -> usize {
        self.pending
            .iter()
            .take(BATCH)
            .take_while(|item| {
                matches!(item, Item::Change(_) | Item::Gap { .. }) && item.id().day() == day
            })
            .count()
    }

    /// When the first item is a keyframe or a place of dropped changes: all that is to be written for it.
    fn frame_at_front(&self) -> Option<Frame> {
        match self.pending.front()? {
            Item::Keyframe {
                id,
                reason,
                states: Some(states),
            } => Some(Frame {
                id: *id,
                reason,
                states: states.clone(),
                gap: None,
            }),
            Item::Keyframe {
                id,
                reason,
                states: None,
            } => Some(Frame {
                id: *id,
                reason,
                states: self.known_states(),
                gap: None,
            }),
            Item::Dropped { id, place } => {
                let mut dropped = lock(place);
                // From here on callers begin another place; this one is written as it is.
                dropped.taken = true;
                let mut states: HashMap<SeriesId, Change> = self
                    .known_states()
                    .into_iter()
                    .map(|change| (change.series, change))
                    .collect();
                states.extend(
                    dropped
                        .last
                        .iter()
                        .map(|(series, change)| (*series, change.clone())),
                );
                let reason = self
                    .shared
                    .failing_reason()
                    .unwrap_or_else(|| "the disk failed".into());
                let why = format!("{} changes were not recorded: {reason}", dropped.count);
                let gap = Gap {
                    from_ms: dropped.from_ms,
                    to_ms: dropped.to_ms,
                    why,
                };
                Some(Frame {
                    id: *id,
                    reason: "gap",
                    states: states.into_values().collect(),
                    gap: Some(gap),
                })
            }
            Item::Change(_) | Item::Gap { .. } => None,
        }
    }

    fn frame_written(&mut self, frame: Frame) {
        self.pending.pop_front();
        self.known.clear();
        self.shared
            .gaps
            .fetch_add(u64::from(frame.gap.is_some()), Relaxed);
        for change in frame.states {
            self.know(frame.id, change);
        }
        self.shared.committed(0, self.options.clock.now_ms());
    }

    fn run_written(&mut self, run: usize, quarantined: &[EventId]) {
        let (mut changes, mut gaps) = (0, 0);
        for _ in 0..run {
            match self.pending.pop_front() {
                Some(Item::Change(row)) => {
                    changes += 1;
                    if quarantined.binary_search(&row.id).is_err() {
                        self.know(row.id, row.change);
                    }
                }
                Some(Item::Gap { .. }) => gaps += 1,
                _ => {}
            }
        }
        self.pending_changes -= changes;
        self.shared.queued.fetch_sub(changes as u64, Relaxed);
        self.shared.gaps.fetch_add(gaps, Relaxed);
        self.shared.committed(
            (changes - quarantined.len()) as u64,
            self.options.clock.now_ms(),
        );
    }

    /// The run whose commit was in doubt is in the file.
    fn written_before(&mut self, day: Day) {
        let run = self.run_length(day);
        let Some(file) = &self.file else { return };
        let there = self
            .pending
            .iter()
            .take(run)
            .take_while(|item| match item {
                Item::Change(row) => file.has(row).unwrap_or(false),
                _ => true,
            })
            .count();
        self.run_written(there, &[]);
    }

    /// The last known states, one per control.
    fn known_states(&self) -> Vec<Change> {
        let mut newest: HashMap<compact_str::CompactString, &Known> = HashMap::new();
        for known in self.known.iter().flatten() {
            let Some(series) = self.names.get(known.change.series) else {
                continue;
            };
            let place = newest.entry(series.path.clone()).or_insert(known);
            if known.id > place.id {
                *place = known;
            }
        }
        let mut states: Vec<Change> = newest
            .into_values()
            .map(|known| known.change.clone())
            .collect();
        states.sort_unstable_by_key(|change| change.series);
        states
    }

    /// After so many changes the next state should not have to read them all again.
    fn keyframe_if_due(&mut self) {
        let Some(file) = &self.file else { return };
        if file.since_keyframe() < self.options.keyframe_every || self.known.is_empty() {
            return;
        }
        // It stands before whatever comes next, also before what already has its number.
        if let Ok(Some(last)) = file.last_id() {
            let id = EventId(last.0 + 1);
            if id.day() == file.day() {
                self.pending.push_front(Item::Keyframe {
                    id,
                    reason: "block",
                    states: None,
                });
            }
        }
    }

    /// Makes the day's file the open one. A new file begins with the last known states.
    fn open_day(&mut self, day: Day) -> std::result::Result<(), Failure> {
        if let Some(file) = &self.file
            && file.day() == day
        {
            if file.is_in_place() {
                return Ok(());
            }
            let reason = format!(
                "{} was removed or replaced by another program",
                file.path().display()
            );
            tracing::error!("{reason}");
            self.file = None;
            self.begin_again(day, reason);
            // What the change of files means was just put in front of everything else.
            return self.open_day(day);
        }
        if let Some(file) = self.file.take() {
            let path = file.path().to_path_buf();
            if let Err(error) = file.seal() {
                tracing::warn!(file = %path.display(), %error, "the day before could not be sealed");
            }
        }
        let mut file = DayFile::open(&self.dir, day, &self.names)?;
        if let Some(last) = file.last_id()?
            && self.pending.front().is_some_and(|item| item.id() <= last)
            && !self.in_doubt
        {
            return Err(Failure::Conflict);
        }
        let fresh = file.last_id()?.is_none();
        if fresh && !self.known.is_empty() {
            let states = self.known_states();
            file.begin()?;
            file.put_keyframe(
                &self.names,
                EventId::first_of_ms(day.start_ms()),
                "day",
                states.iter(),
            )?;
            file.commit()?;
        } else if file.meta("stopped")? != Some(0) {
            file.begin()?;
            file.put_meta("stopped", 0)?;
            file.commit()?;
        }
        self.shared.set_day(Some(day));
        self.file = Some(file);
        Ok(())
    }

    /// Gives everything pending higher ids than the newest file has.
    fn renumber(&mut self) {
        let day = self.pending.front().map(|item| item.id().day());
        let last = day
            .and_then(|day| DayFile::open(&self.dir, day, &self.names).ok())
            .and_then(|file| file.last_id().ok().flatten());
        self.ids = IdSource::after(last.max(self.ids.last()));
        let mut items = std::mem::take(&mut self.pending);
        for item in &mut items {
            match item {
                Item::Change(row) => row.id = self.next_id(row.at_ms),
                Item::Gap { id, gap } => *id = self.next_id(gap.to_ms),
                Item::Keyframe { id, .. } | Item::Dropped { id, .. } => {
                    let now = self.options.clock.now_ms();
                    *id = self.next_id(now);
                }
            }
        }
        self.pending = items;
    }

    /// Takes a damaged day file out of the way, with its companions, so that recording goes on in a fresh one.
    fn move_aside(&mut self, day: Day, reason: &str) {
        self.file = None;
        let (path, now) = (self.dir.join(day.file_name()), self.options.clock.now_ms());
        let aside = beside(&path, &format!(".corrupt-{now}"));
        tracing::error!(file = %path.display(), moved_to = %aside.display(), reason, "day file is damaged");
        for companion in ["-wal", "-shm", "-journal", ""] {
            // A companion need not exist; if the file itself cannot be moved, opening it again will say so.
            let _ = std::fs::rename(beside(&path, companion), beside(&aside, companion));
        }
        let _ = std::fs::File::open(&self.dir).and_then(|dir| dir.sync_all());
        let name = aside
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        self.begin_again(
            day,
            format!("the day file was damaged ({reason}) and moved aside as {name}"),
        );
    }

    /// A day's file is lost so far: says so with a gap and starts again from the last known states.
    fn begin_again(&mut self, day: Day, why: String) {
        self.open_gap = None;
        let now = self.options.clock.now_ms();
        let first = match self.pending.front() {
            Some(item) => item.id(),
            None => self.next_id(now),
        };
        // In front of everything that waits, whose ids stay: a gap's id need only lie in the right day.
        let gap = Gap {
            from_ms: day.start_ms(),
            to_ms: now.max(day.start_ms()),
            why,
        };
        let known = !self.known.is_empty();
        if known {
            self.pending.push_front(Item::Keyframe {
                id: first,
                reason: "gap",
                states: None,
            });
        }
        self.pending.push_front(Item::Gap { id: first, gap });
        self.oldest.get_or_insert_with(Instant::now);
    }

    /// Runs a job with no database open. What it gives back tells whoever waits; it is called when recording can go
    /// on. `None` when the job panicked.
    fn pause(&mut self, replaced: bool, job: Job) -> Option<Reply> {
        if !self.pending.is_empty() {
            self.write();
        }
        let end_before = self
            .file
            .as_ref()
            .and_then(|file| file.last_id().ok().flatten());
        self.close();
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&self.dir)));
        if done.is_err() {
            tracing::error!("the work done while recording was paused has panicked");
        }
        if replaced {
            self.take_up_replaced(end_before);
        }
        done.ok()
    }

    /// Goes on in files that somebody may have replaced.
    fn take_up_replaced(&mut self, end_before: Option<EventId>) {
        let now = self.options.clock.now_ms();
        let newest = Store::open(&self.dir)
            .and_then(|store| store.days())
            .ok()
            .and_then(|mut days| days.pop());
        let end = newest.and_then(|day| {
            let last = DayFile::open(&self.dir, day, &self.names)
                .ok()?
                .last_id()
                .ok()?;
            self.ids = IdSource::after(last.max(self.ids.last()));
            last
        });
        if end < end_before {
            let from_ms = end.map_or(now, EventId::ms).min(now);
            self.queue_gap(
                from_ms,
                now,
                "the store was restored to an earlier moment".into(),
            );
        }
        if !self.known.is_empty() {
            let id = self.next_id(now);
            self.queue(Item::Keyframe {
                id,
                reason: "restore",
                states: None,
            });
        }
        self.write();
    }

    /// Notes that everything up to now was recorded, in an idle time.
    fn sign_of_life(&mut self) {
        self.last_sign = Instant::now();
        let now = self.options.clock.now_ms();
        if self.open_gap.is_some() {
            return;
        }
        if let Some(file) = &mut self.file {
            let noted = file
                .begin()
                .and_then(|()| file.put_meta("alive_ms", now))
                .and_then(|()| file.commit());
            if let Err(error) = noted {
                self.file = None;
                tracing::error!(%error, "the store cannot be written");
                self.shared.set_failing(error.to_string(), now);
            } else {
                self.shared.set_state(RecorderState::Ok);
            }
        }
    }

    fn stop(&mut self) -> Result<()> {
        if !self.pending.is_empty() {
            self.write();
        }
        let lost = self.pending_changes;
        let reason = self.shared.failing_reason();
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

    fn close(&mut self) {
        if let Some(file) = self.file.take() {
            let path = file.path().to_path_buf();
            if let Err(error) = file.close() {
                tracing::warn!(file = %path.display(), %error, "the log could not be folded into the file");
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // However the thread ends, nobody shall read that it works.
        self.shared.set_state(RecorderState::Stopped);
    }
}

/// A full state to be written, and the gap before it.
struct Frame {
    id: EventId,
    reason: &'static str,
    states: Vec<Change>,
    gap: Option<Gap>,
}
