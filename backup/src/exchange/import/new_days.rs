//! Days that the store does not have. While a day's rows come in order they go straight into a new day file, which gets
//! its place at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::{Clock as _, SystemClock};
use crate::disk::owner;
use crate::error::{Error, Result};
use crate::exchange::import::add::not_added;
use crate::exchange::import::report::ImportReport;
use crate::exchange::import::target::Target;
use crate::store::change::{Change, Row};
use crate::store::day::Day;
use crate::store::day_file::file::DayFile;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::identity::Identity;
use crate::store::names::Names;
use crate::store::query::state::State;
use crate::store::reindex::KEYFRAME_EVERY;
use crate::store::schema;

/// Rows in one transaction.
const TOGETHER: usize = 2048;

pub(super) struct NewDays {
    store: PathBuf,
    scratch: PathBuf,
    names: Arc<Names>,
    open: Option<OpenDay>,
    built: BTreeMap<Day, BuiltDay>,
    /// Days that take no row here: the store has them, or another day's row or an earlier one came between.
    closed: BTreeSet<Day>,
}

/// The day whose rows are coming.
struct OpenDay {
    file: DayFile,
    built: BuiltDay,
    rows: Vec<Row>,
    /// First and last of the ids up to the last row that have no free one between them.
    run: Option<(EventId, EventId)>,
    since_keyframe: u64,
}

/// A day file in a folder of its own, complete but for its keyframes.
pub(super) struct BuiltDay {
    day: Day,
    dir: PathBuf,
    pub(super) added: u64,
    /// Before which changes a keyframe is due.
    due: Vec<EventId>,
}

impl NewDays {
    /// `scratch` is a folder for scratch files on the store's disk.
    pub(super) fn new(store: &Path, scratch: &Path, names: Arc<Names>) -> NewDays {
        NewDays {
            store: store.to_path_buf(),
            scratch: scratch.to_path_buf(),
            names,
            open: None,
            built: BTreeMap::new(),
            closed: BTreeSet::new(),
        }
    }

    /// Takes a row, or gives it back where it has to wait for the rest of the file.
    pub(super) fn take(&mut self, row: Row, report: &mut ImportReport) -> Result<Option<Row>> {
        let day = row.id.day();
        if self.open.as_ref().is_none_or(|open| open.built.day != day) {
            self.begin(day, report)?;
        }
        let Some(open) = self.open.as_mut().filter(|open| open.built.day == day) else {
            return Ok(Some(row));
        };
        let Some(id) = open.free(row.id) else {
            self.close(report)?;
            return Ok(Some(row));
        };
        open.put(Row { id, ..row }, &self.names, report)?;
        Ok(None)
    }

    /// Opens a day that comes up for the first time, unless the store has it.
    fn begin(&mut self, day: Day, report: &mut ImportReport) -> Result<()> {
        if self.closed.contains(&day) {
            return Ok(());
        }
        if self.store.join(day.file_name()).exists() {
            self.closed.insert(day);
            return Ok(());
        }
        self.close(report)?;
        let dir = self.scratch.join(day.to_string());
        owner::make_folder(&dir).map_err(Error::io(&dir, "create a scratch folder"))?;
        let file = DayFile::open_scratch(&dir, day, &self.names)?;
        let failed = || Error::sqlite(file.path(), "begin the day");
        file.note_arrival(SystemClock.now_ms()).map_err(failed())?;
        if let Some(identity) = Identity::read(&self.store)? {
            file.note_store(&identity).map_err(failed())?;
        }
        self.open = Some(OpenDay {
            file,
            built: BuiltDay {
                day,
                dir,
                added: 0,
                due: Vec::new(),
            },
            rows: Vec::with_capacity(TOGETHER),
            run: None,
            since_keyframe: 0,
        });
        Ok(())
    }

    /// Ends the day whose rows were coming.
    pub(super) fn close(&mut self, report: &mut ImportReport) -> Result<()> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        open.flush(&self.names, report)?;
        let (file, built) = (open.file, open.built);
        let failed = Error::sqlite(file.path(), "end the day");
        file.seal().map_err(failed)?;
        self.closed.insert(built.day);
        self.built.insert(built.day, built);
        Ok(())
    }

    /// The days that were built.
    pub(super) fn days(&self) -> impl Iterator<Item = Day> {
        self.built.keys().copied()
    }

    /// Hands out a day that was built.
    pub(super) fn hand_out(&mut self, day: Day) -> Option<BuiltDay> {
        self.built.remove(&day)
    }
}

impl OpenDay {
    /// The first free id from this one on. `None` where rows do not come in order, or the day has no more ids.
    fn free(&self, id: EventId) -> Option<EventId> {
        match self.run {
            Some((first, last)) if id <= last => {
                let next = EventId(last.0 + 1);
                (id >= first && next.day() == self.built.day).then_some(next)
            }
            _ => Some(id),
        }
    }

    fn put(&mut self, row: Row, names: &Names, report: &mut ImportReport) -> Result<()> {
        if self.since_keyframe == KEYFRAME_EVERY {
            self.built.due.push(row.id);
            self.since_keyframe = 0;
        }
        self.since_keyframe += 1;
        self.run = match self.run {
            Some((first, last)) if last.0 + 1 == row.id.0 => Some((first, row.id)),
            _ => Some((row.id, row.id)),
        };
        self.rows.push(row);
        if self.rows.len() == TOGETHER {
            self.flush(names, report)?;
        }
        Ok(())
    }

    fn flush(&mut self, names: &Names, report: &mut ImportReport) -> Result<()> {
        let path = self.file.path().to_path_buf();
        let failed = || Error::sqlite(&path, "add the imported events");
        let mut refused = 0;
        self.file.begin().map_err(failed())?;
        self.file
            .put_changes(names, self.rows.iter(), |_, reason| {
                report.reject(reason);
                refused += 1;
            })
            .map_err(|error| not_added(error, &path))?;
        self.file.commit().map_err(failed())?;
        self.built.added += self.rows.len() as u64 - refused;
        self.rows.clear();
        Ok(())
    }
}

impl BuiltDay {
    /// The folder that it lies in.
    pub(super) fn folder(&self) -> Target<'static> {
        Target::scratch(self.dir.clone())
    }

    /// Where it lies.
    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(self.day.file_name())
    }

    /// Writes the keyframes: the state before the day where anything is known of it, then those that are due.
    pub(super) fn write_keyframes(&self, before: State, names: &Names) -> Result<()> {
        let mut file = DayFile::open_scratch(&self.dir, self.day, names)?;
        let mut write = |id, reason, state: State| {
            let states: Vec<Change> = (state.controls.into_iter())
                .map(|control| Change {
                    series: names.intern((*control.series).clone()),
                    value: control.value,
                    string: control.string,
                    position: control.position,
                })
                .collect();
            file.begin()
                .and_then(|()| file.put_keyframe(names, id, reason, states.iter()))
                .and_then(|()| file.commit())
                .map_err(Error::sqlite(&self.path(), "write its keyframes"))
        };
        if !before.controls.is_empty() {
            write(EventId::first_of_ms(self.day.start_ms()), "day", before)?;
        }
        let store = Store::open(&self.dir)?;
        for &id in &self.due {
            write(id, "block", store.state_until(EventId(id.0 - 1))?)?;
        }
        file.close()
            .map_err(Error::sqlite(&self.path(), "end the day"))
    }

    /// Puts it in its place in the store, and says whether it did: where the store has got the day meanwhile, that
    /// stays.
    pub(super) fn put_in_place(&self, target: &Target<'_>) -> Result<bool> {
        let (built, day) = (self.path(), self.day);
        File::open(&built)
            .and_then(|file| file.sync_all())
            .map_err(Error::io(&built, "bring the day to the disk"))?;
        target.run(move |dir| schema::put_in_place(&built, &dir.join(day.file_name())))?
    }
}
