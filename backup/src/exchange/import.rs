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
use crate::store::event::Gap;
use crate::store::folder::Store;
use crate::store::id::EventId;
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
    Import::read(Target::new(into)?, file)?.bring()
}

/// An import whose file was read to its end. Its scratch goes before the store's lock does.
struct Import<'a> {
    new_days: NewDays,
    staging: Staging,
    report: ImportReport,
    names: Arc<Names>,
    _scratch: TempDir,
    target: Target<'a>,
}

impl Import<'_> {
    /// Reads a file; the store stays as it is.
    fn read<'a>(target: Target<'a>, file: &Path) -> Result<Import<'a>> {
        let scratch = scratch::folder(&target.dir)?;
        let folder = scratch.path().to_path_buf();
        let names = Arc::new(Names::default());
        let mut import = Import {
            new_days: NewDays::new(&target.dir, &folder, Arc::clone(&names)),
            staging: Staging::new(&folder, Arc::clone(&names))?,
            report: ImportReport::default(),
            names,
            _scratch: scratch,
            target,
        };
        source::read(file, &folder, &mut |found| match found {
            Found::Event(Ok(incoming)) => {
                let row = incoming.row(&import.names)?;
                match import.new_days.take(row, &mut import.report)? {
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
        import.new_days.close(&mut import.report)?;
        Ok(import)
    }

    /// Brings what was read into the store, the oldest day first.
    fn bring(mut self) -> Result<ImportReport> {
        let mut days = self.staging.days()?;
        days.extend(self.new_days.days());
        let lost = self.target.lost_days()?;
        for day in days {
            if lost.contains(&day) && !self.target.dir.join(day.file_name()).exists() {
                // What comes is not all that was there: the day says so itself.
                let began = EventId::first_of_ms(day.start_ms());
                self.staging.add_gap(began, &Gap::over_lost(day))?;
            }
            let as_new = match self.new_days.hand_out(day) {
                Some(built) => self.put_in_place(day, &built)?,
                None => None,
            };
            let added = match as_new {
                Some(added) => added,
                None => self.merge(day)?,
            };
            if added > 0 {
                self.report.added += added;
                self.report.days.push(day);
            }
        }
        Ok(self.report)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_the_store_gets_while_the_file_is_read_is_merged_into() {
        let dir = tempfile::tempdir().unwrap();
        let (store, file) = (dir.path().join("store"), dir.path().join("in.csv"));
        let write = |rows: &[(i64, i64)]| {
            let rows = rows.iter().map(|(at, value)| format!("{at},A.a,{value}\n"));
            let text: String = rows.collect();
            std::fs::write(&file, format!("timestamp,control_path,value\n{text}")).unwrap();
        };
        // The last of them comes out of order.
        write(&[(10, 1), (20, 2), (30, 3), (15, 4)]);
        let target = Target::new(Destination::Folder(&store)).unwrap();
        let read = Import::read(target, &file).unwrap();
        let day = Day::of_ms(0);
        write(&[(20, 2), (25, 5)]);
        let between = Target::scratch(store.clone());
        Import::read(between, &file).unwrap().bring().unwrap();
        let report = read.bring().unwrap();
        assert_eq!((report.added, report.skipped), (3, 1));
        let mut there = Vec::new();
        let events = &mut |event: crate::store::event::Event| {
            there.push(event.at_ms);
            true
        };
        Store::open(&store)
            .unwrap()
            .each_of_day(day, events)
            .unwrap();
        assert_eq!(there, [10, 15, 20, 25, 30]);
    }
}
