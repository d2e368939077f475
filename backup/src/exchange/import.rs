//! Events from exports and databases, ours and the original's, added to the store exactly once.

pub(crate) mod report;
pub(crate) mod target;

mod columns;

mod csv;
mod database;
mod json;
mod source;

mod staging;
mod staging_frames;

mod add;
mod frames;
mod new_days;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::disk::scratch;
use crate::error::Result;
use crate::exchange::import::columns::Found;
use crate::exchange::import::new_days::{BuiltDay, NewDays};
use crate::exchange::import::report::ImportReport;
use crate::exchange::import::staging::Staging;
use crate::exchange::import::target::{Destination, Target};
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::names::Names;
use crate::store::reindex;

/// Reads an open database of the original as an import would, and counts what an import would reject. `shown` is how
/// people know it.
///
/// # Errors
/// When it has no table of events, or cannot be read.
pub(crate) fn rejected(original: &Connection, shown: &Path) -> Result<ImportReport> {
    let mut report = ImportReport::default();
    database::read_original(original, shown, &mut |found| {
        if let Found::Event(Err(reason)) = found {
            report.reject(reason);
        }
        Ok(())
    })?;
    Ok(report)
}

/// Adds the events of a file to a store: an export (`.json`, `.jsonl`, `.csv`), a day file, a database of the original,
/// each also gzipped. The content of the file, not its name, decides what it is.
///
/// An event that the store has already (same time, control, value, string and position) is skipped; of n equal events,
/// those beyond the number in the store are added. Our own events keep their ids where these are free. From our day
/// files the gaps are added, too, and the keyframes outside the span that the store has of the day, so that the state
/// at a moment is the same. Uses a temporary file beside the store, and the same memory for any size. Blocking.
///
/// # Errors
/// When the file cannot be read or is none of these, before anything is changed; or when the store cannot be written.
pub fn import(into: Destination<'_>, file: &Path) -> Result<ImportReport> {
    let target = Target::new(into)?;
    let scratch = scratch::folder(&target.dir)?;
    let names = Arc::new(Names::default());
    let mut import = Import {
        staging: Staging::new(scratch.path(), Arc::clone(&names))?,
        report: ImportReport::default(),
        names,
        scratch,
        target,
    };
    let scratch = import.scratch.path().to_path_buf();
    let names = Arc::clone(&import.names);
    let mut new_days = NewDays::new(&import.target.dir, &scratch, names);
    source::read(file, &scratch, &mut |found| match found {
        Found::Event(Ok(incoming)) => {
            let row = incoming.row(&import.names)?;
            match new_days.take(row, &mut import.report)? {
                Some(waits) => import.staging.add(&waits),
                None => Ok(()),
            }
        }
        Found::Event(Err(reason)) => {
            import.report.reject(reason);
            Ok(())
        }
        Found::Gap(id, gap) => import.staging.add_gap(id, &gap),
        Found::Keyframe(keyframe) => import.staging.add_keyframe(keyframe),
    })?;
    new_days.close(&mut import.report)?;
    let mut days = import.staging.days()?;
    days.extend(new_days.days());
    for day in days {
        let as_new = match new_days.hand_out(day) {
            Some(built) => import.put_in_place(day, &built)?,
            None => None,
        };
        let added = match as_new {
            Some(added) => added,
            None => import.merge(day)?,
        };
        if added > 0 {
            import.report.added += added;
            import.report.days.push(day);
        }
    }
    Ok(import.report)
}

/// An import on its way. Its scratch goes before the store's lock does.
struct Import<'a> {
    staging: Staging,
    report: ImportReport,
    names: Arc<Names>,
    scratch: TempDir,
    target: Target<'a>,
}

impl Import<'_> {
    /// Completes a new day and puts it in its place; gives the number of its events. `None` where the store has got the
    /// day meanwhile; its events wait then to be merged.
    fn put_in_place(&mut self, day: Day, built: &BuiltDay) -> Result<Option<u64>> {
        let before = reindex::before(&Store::open(&self.target.dir)?, day)?;
        let folder = built.folder();
        self.staging.take_all(day)?;
        let late = add::missing(&folder, &self.staging, day, &mut self.report)?;
        let framed = frames::bring(&folder, &self.staging, &self.names, day, None)?;
        if late > 0 || framed > 0 {
            reindex::rebuild_after(&folder.dir, day, &before)?;
        } else {
            built.write_keyframes(before, &self.names)?;
        }
        if built.put_in_place(&self.target)? {
            return Ok(Some(built.added + late));
        }
        self.staging.forget(day)?;
        let path = built.path();
        database::read(&path, &path, &mut |found| match found {
            Found::Event(Ok(incoming)) => self.staging.add(&incoming.row(&self.names)?),
            // Its gaps and keyframes wait already, or follow from its events.
            _ => Ok(()),
        })?;
        Ok(None)
    }

    /// Adds what the store's day lacks; gives the number of events.
    fn merge(&mut self, day: Day) -> Result<u64> {
        let store = Store::open(&self.target.dir)?;
        let own = frames::own_range(&store, day)?;
        self.staging.compare(&store, day, &mut self.report)?;
        let added = add::missing(&self.target, &self.staging, day, &mut self.report)?;
        let framed = frames::bring(&self.target, &self.staging, &self.names, day, own)?;
        if added > 0 || framed > 0 {
            self.target.run(move |dir| reindex::rebuild(dir, day))??;
        }
        Ok(added)
    }
}
