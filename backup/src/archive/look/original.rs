//! Single database files: the seed original's backups, and day files given by name.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::archive::format::gzip::{self, Trouble};
use crate::archive::format::proof::SeedContents;
use crate::archive::format::stamp;
use crate::archive::look::contents::{self, Contents};
use crate::disk::draft::Draft;
use crate::disk::plain;
use crate::finding::{Finding, NO_ROOM};
use crate::store::day::Day;
use crate::store::schema::APPLICATION_ID;

/// The time in the name of a seed backup, `events-backup-<time>.db` or `.db.gz`; `None` for other files.
pub(crate) fn time_of_file(name: &str) -> Option<i64> {
    let stem = name.strip_prefix("events-backup-")?;
    let stem = stem.strip_suffix(".gz").unwrap_or(stem);
    stamp::time_of(stem.strip_suffix(".db")?)
}

/// What kind of events a database holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Holds {
    /// One day file of ours.
    Day(Contents),
    /// The seed's table.
    Seed(SeedContents),
}

/// A database file, opened for reading; if it was compressed, inflated into scratch that goes away with this.
pub(crate) struct Opened {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    pub(crate) raw_bytes: u64,
    _scratch: Option<TempDir>,
}

/// Opens `FILE.db` or `FILE.db.gz`, the latter by way of a scratch folder made in `scratch_in`.
pub(crate) fn open(path: &Path, scratch_in: &Path) -> Result<Opened, Finding> {
    let meta = path.metadata().map_err(|error| {
        Finding::new(path, "missing")
            .expected("a database file")
            .found(error.to_string())
            .hint("check the path; `list` shows the backups there are")
    })?;
    if !meta.is_file() {
        return Err(Finding::new(path, "not a file")
            .expected("FILE.db or FILE.db.gz")
            .found("a folder or device")
            .hint("name one file"));
    }
    let compressed = path.extension().is_some_and(|end| end == "gz");
    if !compressed {
        return Ok(Opened {
            conn: plain::open_foreign(path).map_err(|error| not_database(path, &error))?,
            path: path.to_path_buf(),
            raw_bytes: meta.len(),
            _scratch: None,
        });
    }
    let scratch = crate::disk::scratch::folder(scratch_in)
        .map_err(|error| Finding::new(scratch_in, NO_ROOM).found(error.to_string()))?;
    let raw = scratch.path().join("events.db");
    let raw_bytes = inflate(path, &raw)?;
    Ok(Opened {
        conn: plain::open_foreign(&raw).map_err(|error| not_database(path, &error))?,
        path: raw,
        raw_bytes,
        _scratch: Some(scratch),
    })
}

fn inflate(path: &Path, raw: &Path) -> Result<u64, Finding> {
    let unwritable = |error: String| {
        Finding::new(raw, NO_ROOM)
            .found(error)
            .hint("free some space on that disk")
    };
    let from = File::open(path).map_err(|error| {
        Finding::new(path, "unreadable")
            .found(error.to_string())
            .hint("check owner and permissions")
    })?;
    let folder = raw.parent().unwrap_or(Path::new("."));
    let mut draft = Draft::new(folder).map_err(|error| unwritable(error.to_string()))?;
    let sizes = gzip::decompress(&mut BufReader::new(from), draft.file(), &mut |_| Ok(()));
    let sizes = sizes.map_err(|trouble| match trouble {
        Trouble::Read(error) => Finding::new(path, "unreadable")
            .found(error.to_string())
            .hint("check the disk"),
        Trouble::Write(error) => unwritable(error.to_string()),
        Trouble::Damaged(found) => Finding::new(path, "damaged")
            .expected("a whole gzip file")
            .found(found)
            .hint("use another backup, or bring this file back from a copy"),
    })?;
    let name = raw
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("events.db");
    draft
        .publish(name)
        .map_err(|error| unwritable(error.to_string()))?;
    Ok(sizes.raw_bytes)
}

fn not_database(path: &Path, error: &rusqlite::Error) -> Finding {
    Finding::new(path, "not a database")
        .expected("an SQLite database")
        .found(error.to_string())
        .hint("use another backup, or bring this file back from a copy")
}

impl Opened {
    /// Checks the database and counts what it holds. `name` is the file as the user knows it.
    pub(crate) fn inspect(&self, name: &Path, full: bool) -> Result<Holds, Finding> {
        plain::check(&self.conn, full).map_err(|said| {
            Finding::new(name, "damaged database")
                .expected("SQLite's check to say ok")
                .found(said)
                .hint("use another backup")
        })?;
        self.holds(name)
    }

    /// The days of the seed's events up to a moment, with how many there are in each.
    pub(crate) fn days_until(&self, until_ms: i64) -> rusqlite::Result<Vec<(Day, u64)>> {
        // From one event's day to the next event's: a clock that stood wrong may have left centuries between them.
        let mut next = self
            .conn
            .prepare("SELECT min(timestamp) FROM events WHERE timestamp BETWEEN ?1 AND ?2")?;
        let mut count = self
            .conn
            .prepare("SELECT count(*) FROM events WHERE timestamp BETWEEN ?1 AND ?2")?;
        let mut days = Vec::new();
        let mut from = i64::MIN;
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
    pub(crate) fn holds(&self, name: &Path) -> Result<Holds, Finding> {
        let application: i32 = self
            .conn
            .query_row("PRAGMA application_id", [], |row| row.get(0))
            .map_err(|error| not_database(name, &error))?;
        if application == APPLICATION_ID {
            return contents::of(&self.conn, name)
                .map(Holds::Day)
                .map_err(|error| {
                    Finding::new(name, "unreadable day file")
                        .expected("a day file that this program reads")
                        .found(error.to_string())
                        .hint("use the program that wrote it, or another backup")
                });
        }
        self.conn
            .query_row(
                "SELECT count(*), min(timestamp), max(timestamp) FROM events",
                [],
                |row| {
                    Ok(Holds::Seed(SeedContents {
                        events: row.get(0)?,
                        from_ms: row.get(1)?,
                        to_ms: row.get(2)?,
                    }))
                },
            )
            .map_err(|error| {
                Finding::new(name, "foreign database")
                    .expected("a day file, or a table `events` as the original has it")
                    .found(error.to_string())
                    .hint("this file holds no events of ours; choose another")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_a_seed_name_is_utc() {
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
