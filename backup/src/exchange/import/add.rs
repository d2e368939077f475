//! The missing events into a day file that is there, each under its own id or the next free one.

use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result};
use crate::exchange::import::report::ImportReport;
use crate::exchange::import::staging::Staging;
use crate::exchange::import::target::Target;
use crate::store::change::Row;
use crate::store::day::Day;
use crate::store::day_file::file::DayFile;
use crate::store::day_file::refusal::WriteError;
use crate::store::id::EventId;
use crate::store::identity::Identity;
use crate::store::names::Names;
use crate::store::reindex;

/// Rows handed to the store at a time.
const CHUNK: usize = 10_000;
/// Rows put in at once where all their ids are free.
const TOGETHER: usize = 256;

/// Adds what the staging found missing of a day, and gives the number of events. The day's index is to be built then.
pub(super) fn missing(
    target: &Target<'_>,
    staging: &Staging,
    day: Day,
    report: &mut ImportReport,
) -> Result<u64> {
    let (mut from, mut added) = (None, 0);
    loop {
        let (rows, next) = staging.missing(from, CHUNK)?;
        if rows.is_empty() {
            return Ok(added);
        }
        let names = Arc::clone(&staging.names);
        let first = from.is_none();
        let (put, rejected) = target.run(move |dir| add_rows(dir, day, &names, rows, first))??;
        added += put;
        rejected
            .into_iter()
            .for_each(|reason| report.reject(reason));
        match next {
            Some(next) => from = Some(next),
            None => return Ok(added),
        }
    }
}

/// Adds rows to a day's file in one transaction; gives the number added and the reasons of the others.
fn add_rows(
    dir: &Path,
    day: Day,
    names: &Names,
    mut rows: Vec<Row>,
    first: bool,
) -> Result<(u64, Vec<String>)> {
    let path = dir.join(day.file_name());
    let failed = || Error::sqlite(&path, "add the imported events");
    let is_new = !path.exists();
    if first {
        reindex::defer(dir, day)?;
    }
    let mut adding = Adding {
        file: DayFile::open(dir, day, names)?,
        day,
        names,
        added: 0,
        rejected: Vec::new(),
        taken: None,
    };
    adding.file.begin().map_err(failed())?;
    let came_ms = SystemClock.now_ms();
    adding.file.note_arrival(came_ms).map_err(failed())?;
    if is_new && let Some(identity) = Identity::read(dir)? {
        adding.file.note_store(&identity).map_err(failed())?;
    }
    for rows in rows.chunks_mut(TOGETHER) {
        adding.add(rows).map_err(|error| not_added(error, &path))?;
    }
    adding.file.commit().map_err(failed())?;
    adding.file.close().map_err(failed())?;
    Ok((adding.added, adding.rejected))
}

/// Why rows could not be added whose ids were free.
pub(super) fn not_added(error: WriteError, path: &Path) -> Error {
    match error {
        WriteError::Sqlite(source) => Error::sqlite(path, "add the imported events")(source),
        WriteError::Conflict => Error::Unexpected {
            path: path.to_path_buf(),
            found: "an id that was free a moment ago".into(),
            expected: "nobody else to write into the day".into(),
        },
    }
}

/// A day file that rows are added to, and what became of them.
struct Adding<'a> {
    file: DayFile,
    day: Day,
    names: &'a Names,
    added: u64,
    rejected: Vec<String>,
    /// First and last of ids that are all taken: where many share a millisecond, the search goes on where it ended.
    taken: Option<(EventId, EventId)>,
}

impl Adding<'_> {
    fn add(&mut self, rows: &mut [Row]) -> std::result::Result<(), WriteError> {
        if self.are_free(rows)? {
            return self.put(rows);
        }
        rows.iter_mut().try_for_each(|row| self.add_one(row))
    }

    /// Whether the rows' ids rise and no change in the file has one between them.
    fn are_free(&self, rows: &[Row]) -> rusqlite::Result<bool> {
        let rise = rows.windows(2).all(|pair| pair[0].id < pair[1].id);
        match (rows.first(), rows.last()) {
            (Some(first), Some(last)) if rise => self.file.is_free(first.id, last.id),
            _ => Ok(false),
        }
    }

    fn put(&mut self, rows: &[Row]) -> std::result::Result<(), WriteError> {
        let mut refused = Vec::new();
        self.file
            .put_changes(self.names, rows.iter(), |_, reason| refused.push(reason))?;
        self.added += (rows.len() - refused.len()) as u64;
        self.rejected.append(&mut refused);
        Ok(())
    }

    /// Adds a row under its id or the next free one in the same day.
    fn add_one(&mut self, row: &mut Row) -> std::result::Result<(), WriteError> {
        let wanted = row.id;
        loop {
            match self.put(std::slice::from_ref(row)) {
                Err(WriteError::Conflict) => {}
                outcome => return outcome,
            }
            let (first, last) = (self.taken)
                .filter(|(first, last)| (*first..=*last).contains(&row.id))
                .unwrap_or((row.id, row.id));
            row.id = EventId(last.0 + 1);
            if row.id.day() != self.day {
                let reason = format!("no id is free after {} in its day", wanted.0);
                self.rejected.push(reason);
                return Ok(());
            }
            self.taken = Some((first, row.id));
        }
    }
}
