//! Single database files: the original's backups, and day files given by name.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::archive::format::gzip::{self, Trouble};
use crate::archive::format::proof::OriginalContents;
use crate::archive::format::stamp;
use crate::archive::look::contents::{self, Contents};
use crate::archive::place::interface::Place;
use crate::disk::draft::Draft;
use crate::disk::{companions, plain};
use crate::exchange::import;
use crate::finding::{Finding, NO_ROOM};
use crate::found;
use crate::irregular;
use crate::store::day::Day;
use crate::store::id::EventId;
use crate::store::schema::APPLICATION_ID;

/// The time in the name of a backup of the original, `events-backup-<time>.db` or `.db.gz`; `None` for other files.
pub(crate) fn time_of_file(name: &str) -> Option<i64> {
    let stem = name.strip_prefix("events-backup-")?;
    let stem = stem.strip_suffix(".gz").unwrap_or(stem);
    stamp::time_of(stem.strip_suffix(".db")?)
}

/// Whose database it is, and what it holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FileKind {
    /// One day file of ours.
    Day(Contents),
    /// The original's table.
    Original(OriginalContents),
}

/// A database file, opened for reading; if it was compressed, inflated into scratch that goes away with this.
pub(crate) struct Opened {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    pub(crate) raw_bytes: u64,
    _scratch: Option<TempDir>,
}

/// Which file a database is.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// One of the archive's.
    Stored(String),
    /// One that somebody names.
    Elsewhere(PathBuf),
}

impl Database {
    /// How people know it.
    pub(crate) fn path(&self, place: &dyn Place) -> PathBuf {
        match self {
            Database::Stored(name) => place.path(name),
            Database::Elsewhere(path) => path.clone(),
        }
    }

    /// Opens it, with the archive's scratch.
    pub(crate) fn open(&self, place: &dyn Place) -> Result<Opened, Finding> {
        match self {
            Database::Stored(name) => open_stored(place, name),
            Database::Elsewhere(path) => open(path, &|| place.scratch_to_read()),
        }
    }
}

/// Makes a folder for scratch files.
type MakeScratch<'a> = &'a dyn Fn() -> crate::error::Result<TempDir>;

/// Opens `FILE.db` or `FILE.db.gz`, wherever it lies; the latter by way of scratch.
pub(crate) fn open(path: &Path, scratch: MakeScratch<'_>) -> Result<Opened, Finding> {
    let meta = path.metadata().map_err(|error| missing(path, &error))?;
    if !meta.is_file() {
        return Err(Finding::new(path, "not a file")
            .expected("FILE.db or FILE.db.gz")
            .found("a folder or device")
            .hint("name one file"));
    }
    if is_compressed(path) {
        let from = File::open(path).map_err(|error| unreadable(path, &error))?;
        return inflate(from, path, scratch);
    }
    Ok(Opened {
        conn: plain::open_foreign(path).map_err(|error| not_database(path, &error))?,
        path: path.to_path_buf(),
        raw_bytes: meta.len(),
        _scratch: None,
    })
}

/// The same for a file of the archive: SQLite reads a copy of it in scratch.
pub(crate) fn open_stored(place: &dyn Place, name: &str) -> Result<Opened, Finding> {
    let path = place.path(name);
    let get = |name: &str, path: &Path| {
        place.get(name).map_err(|error| {
            irregular::finding(path, &error).unwrap_or_else(|| missing(path, &error))
        })
    };
    let from = get(name, &path)?;
    if is_compressed(&path) {
        return inflate(from, &path, &|| place.scratch_to_read());
    }
    let scratch = place
        .scratch_to_read()
        .map_err(|error| no_room(&path, &error))?;
    let raw = scratch.path().join(DATABASE);
    let raw_bytes = from.size();
    copy(from, &path, &raw)?;
    // A database that was copied here while in use has its log beside it.
    for (companion, beside) in companions::needed(&path).zip(companions::needed(&raw)) {
        let name = companion.file_name().unwrap_or_default().to_string_lossy();
        if place.has(&name) {
            copy(get(&name, &companion)?, &companion, &beside)?;
        }
    }
    Ok(Opened {
        conn: plain::open_foreign(&raw).map_err(|error| not_database(&path, &error))?,
        path: raw,
        raw_bytes,
        _scratch: Some(scratch),
    })
}

/// What a database is called in scratch.
const DATABASE: &str = "events.db";

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "gz")
}

fn inflate(from: impl Read, path: &Path, scratch: MakeScratch<'_>) -> Result<Opened, Finding> {
    let scratch = scratch().map_err(|error| no_room(path, &error))?;
    let raw = scratch.path().join(DATABASE);
    let unwritable = |error: &dyn fmt::Display| no_room(&raw, error);
    let mut draft = Draft::new(scratch.path()).map_err(|error| unwritable(&error))?;
    let sizes = gzip::decompress(&mut BufReader::new(from), draft.file(), &mut |_| Ok(()));
    let sizes = sizes.map_err(|trouble| match trouble {
        Trouble::Read(error) => Finding::new(path, "unreadable")
            .found(found::by_system(&error))
            .hint("check the disk"),
        Trouble::Write(error) => unwritable(&error),
        Trouble::Damaged(found) => Finding::new(path, "damaged")
            .expected("a whole gzip file")
            .found(found)
            .hint("use another backup, or bring this file back from a copy"),
    })?;
    draft.place(DATABASE).map_err(|error| unwritable(&error))?;
    Ok(Opened {
        conn: plain::open_foreign(&raw).map_err(|error| not_database(path, &error))?,
        path: raw,
        raw_bytes: sizes.raw_bytes,
        _scratch: Some(scratch),
    })
}

fn copy(mut from: impl Read, path: &Path, to: &Path) -> Result<(), Finding> {
    let mut file = File::create_new(to).map_err(|error| no_room(to, &error))?;
    let mut piece = vec![0; 256 * 1024];
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(path, &error)),
        };
        let written = file.write_all(&piece[..read]);
        written.map_err(|error| no_room(to, &error))?;
    }
}

fn missing(path: &Path, error: &io::Error) -> Finding {
    Finding::new(path, "missing")
        .expected("a database file")
        .found(found::by_system(error))
        .hint("check the path, or list the backups to see which there are")
}

fn unreadable(path: &Path, error: &io::Error) -> Finding {
    Finding::new(path, "unreadable")
        .found(found::by_system(error))
        .hint("check owner and permissions")
}

fn no_room(path: &Path, error: &dyn fmt::Display) -> Finding {
    Finding::new(path, NO_ROOM)
        .found(format!("an error ({error})"))
        .hint("free some space on that disk")
}

fn not_database(path: &Path, error: &rusqlite::Error) -> Finding {
    Finding::new(path, "not a database")
        .expected("an SQLite database")
        .found(found::by_sqlite(error))
        .hint("use another backup, or bring this file back from a copy")
}

impl Opened {
    /// Checks the database and counts what it holds. `name` is the file as the user knows it.
    pub(crate) fn inspect(&self, name: &Path, full: bool) -> Result<FileKind, Finding> {
        plain::check(&self.conn, full).map_err(|said| {
            Finding::new(name, "damaged database")
                .expected("SQLite's check to say ok")
                .found(said)
                .hint("use another backup")
        })?;
        let kind = self.kind(name)?;
        if let FileKind::Original(_) = kind {
            self.every_row_is_an_event(name)?;
        }
        Ok(kind)
    }

    /// A restore refuses a database of the original with a row that is no event, so no check may call it sound.
    fn every_row_is_an_event(&self, name: &Path) -> Result<(), Finding> {
        let unrestorable = |found: String| {
            Finding::new(name, "does not restore")
                .expected("a table of events and of nothing else")
                .found(found)
                .hint("import this file: that takes over each row that is an event")
        };
        let report =
            import::rejected(&self.conn, name).map_err(|error| unrestorable(error.to_string()))?;
        if report.rejected == 0 {
            return Ok(());
        }
        Err(unrestorable(format!(
            "{} rows that are no events: {}",
            report.rejected,
            report.first_reasons.join("; ")
        )))
    }

    /// The days of the original's events up to a moment, with how many there are in each.
    pub(crate) fn days_until(&self, until_ms: i64) -> rusqlite::Result<Vec<(Day, u64)>> {
        // Goes from one day with events to the next: a wrong clock may have left centuries between them.
        let mut next = self
            .conn
            .prepare("SELECT min(timestamp) FROM events WHERE timestamp BETWEEN ?1 AND ?2")?;
        let mut count = self
            .conn
            .prepare("SELECT count(*) FROM events WHERE timestamp BETWEEN ?1 AND ?2")?;
        let mut days = Vec::new();
        // No day holds what comes after the year 9999, and days end there.
        let until_ms = until_ms.min(EventId::MAX_MS);
        let mut from = 0;
        while let Some(ms) = next.query_row([from, until_ms], |row| row.get::<_, Option<i64>>(0))? {
            let day = Day::of_ms(ms);
            let last = until_ms.min(day.end_ms() - 1);
            let events = count.query_row([day.start_ms(), last], |row| row.get(0))?;
            days.push((day, events));
            from = day.end_ms();
        }
        Ok(days)
    }

    /// Counts what the database holds.
    pub(crate) fn kind(&self, name: &Path) -> Result<FileKind, Finding> {
        let application: i32 = self
            .conn
            .query_row("PRAGMA application_id", [], |row| row.get(0))
            .map_err(|error| not_database(name, &error))?;
        if application == APPLICATION_ID {
            return contents::of(&self.conn, name)
                .map(FileKind::Day)
                .map_err(|error| {
                    Finding::new(name, "unreadable day file")
                        .expected("a day file that this program reads")
                        .found(found::by_us(&error))
                        .hint("use the program that wrote it, or another backup")
                });
        }
        self.conn
            .query_row(
                "SELECT count(*), min(timestamp), max(timestamp) FROM events",
                [],
                |row| {
                    Ok(FileKind::Original(OriginalContents {
                        events: row.get(0)?,
                        from_ms: row.get(1)?,
                        to_ms: row.get(2)?,
                    }))
                },
            )
            .map_err(|error| {
                Finding::new(name, "foreign database")
                    .expected("a day file, or a table `events` as the original agent has it")
                    .found(format!("another database ({error})"))
                    .hint("this file holds no events of ours; choose another")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_a_name_of_the_original_is_utc() {
        let name = "events-backup-2025-08-08T02-50-45-359Z.db.gz";
        assert_eq!(time_of_file(name), Some(1_754_621_445_359));
        assert_eq!(
            time_of_file(&name[..name.len() - 3]),
            Some(1_754_621_445_359)
        );
        for other in [
            "events-backup-2025.db",
            "events-backup-2025-08-08T02-50-45-359Z",
            "events-export-1.json",
            "events-backup-2025-13-08T02-50-45-359Z.db",
            "events-backup-2025-08-08T02-50-45-é5Z.db",
        ] {
            assert_eq!(time_of_file(other), None, "{other}");
        }
    }
}
