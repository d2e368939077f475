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

mod frames;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result};
use crate::exchange::import::columns::Found;
use crate::exchange::import::report::ImportReport;
use crate::exchange::import::staging::Staging;
use crate::exchange::import::target::{Destination, Target};
use crate::store::change::Row;
use crate::store::day::Day;
use crate::store::day_file::file::DayFile;
use crate::store::day_file::refusal::WriteError;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::names::Names;
use crate::store::reindex;

/// Rows handed to the store at a time.
const CHUNK: usize = 10_000;

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
    let mut report = ImportReport::default();
    let names = Arc::new(Names::default());
    let mut staging = Staging::new(&target.dir, Arc::clone(&names))?;
    source::read(file, &target.dir, &mut |found| match found {
        Found::Event(Ok(incoming)) => staging.add(incoming),
        Found::Event(Err(reason)) => {
            report.reject(reason);
            Ok(())
        }
        Found::Gap(id, gap) => staging.add_gap(id, &gap),
        Found::Keyframe(keyframe) => staging.add_keyframe(keyframe),
    })?;
    for day in staging.days()? {
        let own = frames::own_range(&Store::open(&target.dir)?, day)?;
        staging.compare(&Store::open(&target.dir)?, day, &mut report)?;
        let mut from = None;
        let mut added = 0;
        loop {
            let (rows, next) = staging.missing(from, CHUNK)?;
            if rows.is_empty() {
                break;
            }
            let names = Arc::clone(&names);
            let first = from.is_none();
            let (put, rejected) =
                target.run(move |dir| add_rows(dir, day, &names, rows, first))??;
            added += put;
            rejected
                .into_iter()
                .for_each(|reason| report.reject(reason));
            match next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        let framed = frames::bring(&target, &staging, &names, day, own)?;
        if added > 0 || framed > 0 {
            target.run(move |dir| reindex::rebuild(dir, day))??;
        }
        if added > 0 {
            report.added += added;
            report.days.push(day);
        }
    }
    Ok(report)
}

/// Adds rows to a day's file in one transaction; gives the number added and the reasons of the others.
fn add_rows(
    dir: &Path,
    day: Day,
    names: &Names,
    rows: Vec<Row>,
    first: bool,
) -> Result<(u64, Vec<String>)> {
    let path = dir.join(day.file_name());
    let failed = || Error::sqlite(&path, "add the imported events");
    if first {
        reindex::defer(dir, day)?;
    }
    let mut file = DayFile::open(dir, day, names)?;
    let (mut added, mut rejected, mut resort) = (0, Vec::new(), None);
    file.begin().map_err(failed())?;
    file.note_arrival(SystemClock.now_ms()).map_err(failed())?;
    for mut row in rows {
        let wanted = row.id;
        loop {
            let mut poison = None;
            match file.put_changes(names, std::iter::once(&row), |_, reason| {
                poison = Some(reason)
            }) {
                Ok(()) => {
                    match poison {
                        Some(reason) => rejected.push(reason),
                        None => added += 1,
                    }
                    break;
                }
                // The next free id after it, in the same day.
                Err(WriteError::Conflict) if EventId(row.id.0 + 1).day() == day => {
                    // Where many share a millisecond, the search goes on where the last one ended.
                    row.id.0 += 1;
                    let resumed = resort
                        .filter(|last: &EventId| last.ms() == wanted.ms() && last.0 >= row.id.0);
                    row.id.0 = resumed.map_or(row.id.0, |last| last.0 + 1);
                    resort = Some(row.id);
                }
                Err(WriteError::Conflict) => {
                    rejected.push(format!("no id is free after {} in its day", wanted.0));
                    break;
                }
                Err(WriteError::Sqlite(source)) => return Err(failed()(source)),
            }
        }
    }
    file.commit().map_err(failed())?;
    file.close().map_err(failed())?;
    Ok((added, rejected))
}
