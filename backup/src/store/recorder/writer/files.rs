//! Which file is open: takes up the newest, begins days, and reacts to damaged or replaced files.

use std::time::Instant;

use crate::disk::companions;
use crate::error::{Error, Result};
use crate::store::change::Change;
use crate::store::day::Day;
use crate::store::day_file::file::DayFile;
use crate::store::day_file::watch::Look;
use crate::store::folder::Store;
use crate::store::id::{EventId, IdSource};
use crate::store::lost;
use crate::store::own_days;
use crate::store::recorder::queue::{Job, Reply};
use crate::store::recorder::writer::clock_watch::ClockWatch;
use crate::store::recorder::writer::failure::Failure;
use crate::store::recorder::writer::item::Item;
use crate::store::recorder::writer::state::Writer;
use crate::store::reindex;
use crate::store::schema::is_foreign;
use crate::store::word::OpenGap;

impl Writer {
    /// Opens the newest day file that is whole, moves damaged ones aside, and finds out where recording ended.
    pub(super) fn take_up(&mut self) -> Result<()> {
        self.set_originals_aside()?;
        own_days::note_taken_over(&self.open.dir)?;
        for day in Store::open(&self.open.dir)?.days()? {
            own_days::set_aside(&self.open.dir, day);
        }
        let lost = self.find_losses()?;
        while let Some(day) = Store::open(&self.open.dir)?.days()?.pop() {
            match self.open_newest(day).map_err(Failure::from) {
                Ok(()) | Err(Failure::Conflict) => break,
                Err(Failure::Damaged(reason)) => self
                    .move_aside(day, &reason)
                    .map_err(|reason| Error::Failing { reason })?,
                Err(Failure::Disk(reason)) => return Err(Error::Failing { reason }),
            }
        }
        self.begin_gap_after(&lost);
        self.tell_losses(&lost);
        Ok(())
    }

    /// The original names its databases as our day files are named. They keep their content and get another name,
    /// from which they can be imported.
    fn set_originals_aside(&self) -> Result<()> {
        for day in Store::open(&self.open.dir)?.days()? {
            let path = self.open.dir.join(day.file_name());
            if !is_foreign(&path) {
                continue;
            }
            let aside = self.open.dir.join(format!("original-{}", day.file_name()));
            if aside.exists() {
                continue;
            }
            tracing::warn!(file = %path.display(), moved_to = %aside.display(), "a database of another program");
            companions::rename(&path, &aside);
        }
        Ok(())
    }

    fn open_newest(&mut self, day: Day) -> Result<()> {
        let now_ms = self.options.clock.now_ms();
        let mut file = self.open.open(day, &self.names, now_ms)?;
        if file.is_index_deferred() {
            // An import was cut short.
            drop(file);
            reindex::rebuild(&self.open.dir, day)?;
            file = self.open.open(day, &self.names, now_ms)?;
        }
        let path = file.path().to_path_buf();
        let failed = |source| Error::Sqlite {
            path: path.clone(),
            doing: "take up the newest day file",
            source,
        };
        let stopped = file.meta("stopped").map_err(failed)?;
        if stopped != Some(1)
            && let Some(problem) = file.quick_check().map_err(failed)?
        {
            tracing::error!(file = %path.display(), problem, "day file is damaged");
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(failed(rusqlite::Error::SqliteFailure(code, Some(problem))));
        }
        let last = file.last_id().map_err(failed)?;
        self.ids = IdSource::after(last.max(self.ids.last()));
        let end = file.record_end().map_err(failed)?;
        if let Some(end_ms) = end.ms() {
            self.clock = ClockWatch::Ended(end_ms);
            let parted = self.open.began.take();
            let parted = parted.filter(|why| lost::is_put_back(why));
            let why = match (&parted, stopped) {
                // The agent ran all the same.
                (Some(why), _) => why,
                (None, Some(0)) => "the agent ended without stopping",
                // Or it never ran in this file, which was imported.
                (None, _) => "the agent was not running",
            };
            // A sign of life speaks only of what has arrived.
            let arrived = end.last_ms.map(|ms| ms.saturating_sub(self.arrival_ms()));
            let from_ms = arrived.max(end.alive_ms).unwrap_or(end_ms).max(0);
            self.open_gap = Some(OpenGap {
                from_ms,
                why: why.to_owned(),
            });
            self.committed_ms = Some(end_ms);
        }
        file.begin()
            .and_then(|()| file.put_meta("stopped", 0))
            .and_then(|()| file.commit())
            .map_err(failed)?;
        self.open.file = Some(file);
        self.shared.set_day(Some(day));
        self.learn_states()
    }

    /// Reads the last known states back from the store.
    fn learn_states(&mut self) -> Result<()> {
        let state = Store::open(&self.open.dir)?.state_until(EventId(i64::MAX))?;
        let mut states = Vec::with_capacity(state.controls.len());
        for control in state.controls {
            let series = self.names.intern((*control.series).clone());
            states.push(Change {
                series,
                value: control.value,
                string: control.string,
                position: control.position,
            });
        }
        self.known.replace(EventId(-1), states);
        Ok(())
    }

    /// Makes the day's file the open one. A new file begins with the last known states.
    pub(super) fn open_day(&mut self, day: Day) -> std::result::Result<(), Failure> {
        if let Some(file) = self.open.file.as_mut().filter(|file| file.day() == day) {
            match file.look() {
                Look::Untouched => return Ok(()),
                Look::Touched => {
                    let Some(found) = file.examine()? else {
                        return Ok(());
                    };
                    if let Some(file) = self.open.file.take() {
                        file.abandon();
                    }
                    let reason = format!("another program wrote over it: {found}");
                    return Err(Failure::Damaged(reason));
                }
                Look::Removed => {
                    self.open.release_if_unmounted()?;
                    self.put_back(day);
                }
                Look::Replaced => {
                    let path = file.path().display().to_string();
                    self.open.release_if_unmounted()?;
                    tracing::error!("{path} was replaced by another program");
                    self.open.file = None;
                    self.begin_again(day, lost::replaced(day));
                }
                Look::Hidden(reason) => {
                    let file = file.path().display();
                    return Err(Failure::Disk(format!("{file} cannot be found: {reason}")));
                }
            }
            // The items that this change of files calls for now wait in front.
            return self.open_day(day);
        }
        self.vouch();
        self.open.vouched = None;
        if let Some(file) = self.open.file.take() {
            let path = file.path().to_path_buf();
            if let Err(error) = file.seal() {
                tracing::warn!(file = %path.display(), %error, "the day before could not be sealed");
            }
        }
        self.open.hold_lock()?;
        let now_ms = self.options.clock.now_ms();
        let mut file = self.open.open(day, &self.names, now_ms)?;
        if let Some(last) = file.last_id()?
            && self.pending.front().is_some_and(|item| item.id() <= last)
            && !self.in_doubt
        {
            return Err(Failure::Conflict);
        }
        let fresh = file.last_id()?.is_none();
        if fresh && !self.known.is_empty() {
            let states = self.known.all();
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
        // What was in the file already may differ from what is known here.
        self.known.unsure |= !fresh;
        self.shared.set_day(Some(day));
        self.open.file = Some(file);
        Ok(())
    }

    /// Gives everything pending higher ids than the newest file has.
    pub(super) fn renumber(&mut self) {
        self.known.unsure = true;
        let day = self.pending.front().map(|item| item.id().day());
        let last = day
            .and_then(|day| DayFile::open(&self.open.dir, day, &self.names).ok())
            .and_then(|file| file.last_id().ok().flatten());
        self.ids = IdSource::after(last.max(self.ids.last()));
        let mut pending = std::mem::take(&mut self.pending);
        pending.each(|item| match item {
            Item::Change(row) => row.id = self.next_id(row.at_ms),
            Item::Gap { id, gap } => *id = self.next_id(gap.to_ms),
            // In front of what comes next, whatever that gets.
            Item::Step { id, .. } => *id = self.ids.clone().next(0),
            Item::Keyframe { id, .. } | Item::Dropped { id, .. } => {
                let now = self.options.clock.now_ms();
                *id = self.next_id(now);
            }
        });
        self.pending = pending;
    }

    /// Runs a job while no database is open. The caller calls the reply, which wakes whoever waits, once recording goes
    /// on. `None` when the job panicked.
    pub(super) fn pause(&mut self, replaced: bool, job: Job) -> Option<Reply> {
        if !self.pending.is_empty() {
            self.write();
        }
        let end_before = self
            .open
            .file
            .as_ref()
            .and_then(|file| file.last_id().ok().flatten());
        self.open.close();
        (self.open.vouched, self.known.unsure) = (None, true);
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&self.open.dir)));
        if done.is_err() {
            tracing::error!("the work done while recording was paused has panicked");
        }
        if replaced {
            self.take_up_replaced(end_before);
        } else if let Ok(end) = self.newest_end() {
            // An import may have brought events that are later than all that was recorded.
            self.ids = IdSource::after(end.max(self.ids.last()));
        }
        done.ok()
    }

    /// The last id in the newest day's file.
    fn newest_end(&self) -> Result<Option<EventId>> {
        let newest = Store::open(&self.open.dir)?.days()?.pop();
        newest.map_or(Ok(None), |day| {
            let file = DayFile::open(&self.open.dir, day, &self.names)?;
            let failed = Error::sqlite(file.path(), "look for its end");
            file.last_id().map_err(failed)
        })
    }

    /// Goes on in files that somebody may have replaced.
    fn take_up_replaced(&mut self, end_before: Option<EventId>) {
        let now = self.options.clock.now_ms();
        // If the end cannot be read, it is taken to be where it was.
        let end = self.newest_end().unwrap_or(end_before);
        self.ids = IdSource::after(end.max(self.ids.last()));
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
        } else if let Err(error) = self.learn_states() {
            tracing::warn!(%error, "the restored states cannot be read");
        }
        self.write();
    }

    /// Notes up to when everything was recorded, in an idle time.
    pub(super) fn sign_of_life(&mut self) {
        self.last_sign = Instant::now();
        let now = self.options.clock.now_ms();
        let open_ms = self.open_gap.as_ref().map(|gap| gap.from_ms);
        if open_ms.is_some() && !matches!(self.clock, ClockWatch::Seen(..)) {
            // Nothing was recorded since the start.
            return;
        }
        // Even in a quiet night, or while the link is down, somebody must notice what became of the file.
        let waits = self.shared.failing_reason().is_some();
        let day = match &self.open.file {
            Some(file) => Some(file.day()),
            // And that it is back.
            None => waits.then(|| Day::of_ms(open_ms.unwrap_or(now))),
        };
        if let Some(day) = day {
            let looked = match self.open_day(day) {
                Err(Failure::Damaged(reason)) => self.move_aside(day, &reason),
                Err(Failure::Disk(reason)) => Err(reason),
                Ok(()) | Err(Failure::Conflict) => Ok(()),
            };
            if let Err(reason) = looked {
                self.shared.set_failing(reason, now);
                return;
            }
        }
        let seen_ms = open_ms.or(self.seen_to());
        if let Some(file) = &mut self.open.file {
            let noted = file
                .begin()
                .and_then(|()| seen_ms.map_or(Ok(()), |ms| file.put_meta("alive_ms", ms)))
                .and_then(|()| file.commit());
            if let Err(error) = noted {
                self.open.file = None;
                self.shared.set_failing(error.to_string(), now);
            } else {
                self.shared.set_ok();
            }
        }
    }
}
