//! The read side of the store: which day files there are and what they hold. Never writes.

use std::ops::Not as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use crate::disk::companions;
use crate::disk::store_lock::StoreLock;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::event::Gap;
use crate::store::fresh::Fresh;
use crate::store::id::EventId;
use crate::store::schema::open_reader;
use crate::store::word::{OpenGap, RecordEnd, Vouched, Word};
use crate::store_use::StoreUse;

/// A folder of day files, opened for questions. Cheap to make; holds no connection and no lock.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    /// Those of the recorder that runs here, where the store was got from one.
    word: Option<Arc<Word>>,
    fresh: Option<Arc<Fresh>>,
}

/// What a store holds, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreSummary {
    /// Events in all day files.
    pub events: u64,
    /// Bytes on disk, write-ahead logs included.
    pub bytes: u64,
    /// Time of the first event, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// Time of the last event.
    pub to_ms: Option<i64>,
    /// Number of recorded gaps.
    pub gaps: u64,
}

impl StoreSummary {
    /// Adds what a later day holds.
    pub fn add_later(&mut self, later: &StoreSummary) {
        self.events += later.events;
        self.bytes += later.bytes;
        self.gaps += later.gaps;
        self.from_ms = self.from_ms.or(later.from_ms);
        self.to_ms = later.to_ms.or(self.to_ms);
    }
}

/// A change that no day file can hold, shortened for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Wall time as it was given, Unix milliseconds.
    pub at_ms: i64,
    /// The control's path.
    pub path: String,
    /// The value in words, cut short.
    pub value: Option<String>,
    /// The string, cut short.
    pub string: Option<String>,
    /// What was found and what was expected.
    pub reason: String,
}

impl Store {
    /// Opens a store's folder.
    ///
    /// # Errors
    /// When `dir` is not a folder that can be read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Store> {
        let dir = dir.into();
        std::fs::read_dir(&dir).map_err(Error::io(&dir, "read the store's folder"))?;
        Ok(Store {
            dir,
            word: None,
            fresh: None,
        })
    }

    /// The store of a running recorder, which gives its word and what it has just committed.
    pub(crate) fn of_recorder(dir: PathBuf, word: Arc<Word>, fresh: Arc<Fresh>) -> Store {
        Store {
            dir,
            word: Some(word),
            fresh: Some(fresh),
        }
    }

    /// What the running recorder has just committed, where the store was got from one.
    pub(crate) fn fresh(&self) -> Option<&Fresh> {
        self.fresh.as_deref()
    }

    /// What the record vouches for: the word of the running recorder where the store was got from one, else what the
    /// newest day says.
    ///
    /// # Errors
    /// When a day file cannot be read.
    pub fn vouched(&self) -> Result<Vouched> {
        if let Some(word) = &self.word {
            return Ok(word.now());
        }
        for day in self.days()?.into_iter().rev() {
            let path = self.day_path(day);
            let end = RecordEnd::of(&self.day_reader(day)?)
                .map_err(Error::sqlite(&path, "look for its end"))?;
            if let Some(until_ms) = end.ms() {
                let open_gap = self.is_recorded().not().then(|| OpenGap {
                    from_ms: until_ms,
                    why: "no agent was recording".into(),
                });
                return Ok(Vouched {
                    until_ms: Some(until_ms),
                    open_gap,
                });
            }
        }
        Ok(Vouched::default())
    }

    /// The store's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether a process records into it, or may do so where nothing can be found out.
    pub(crate) fn is_recorded(&self) -> bool {
        match StoreLock::look(&self.dir) {
            Ok(()) => false,
            Err(Error::Locked { what_for, .. }) => what_for.is_none_or(|it| it == StoreUse::Record),
            Err(_) => true,
        }
    }

    /// The days that have a file, oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn days(&self) -> Result<Vec<Day>> {
        let mut days: Vec<Day> = self
            .names()?
            .iter()
            .filter_map(|name| Day::from_file_name(name))
            .collect();
        days.sort_unstable();
        Ok(days)
    }

    /// Databases of the original that the recorder found in its folder and set aside; they can be imported.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn originals(&self) -> Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = self
            .names()?
            .iter()
            .filter(|name| {
                name.strip_prefix("original-")
                    .and_then(Day::from_file_name)
                    .is_some()
            })
            .map(|name| self.dir.join(name))
            .collect();
        files.sort_unstable();
        Ok(files)
    }

    /// Where a day's file is or would be.
    pub fn day_path(&self, day: Day) -> PathBuf {
        self.dir.join(day.file_name())
    }

    /// Opens a day's file for reading.
    ///
    /// # Errors
    /// When it is missing, damaged, or of a newer schema.
    pub fn day_reader(&self, day: Day) -> Result<Connection> {
        open_reader(&self.day_path(day))
    }

    /// Counts everything.
    ///
    /// # Errors
    /// When a day file cannot be read.
    pub fn summary(&self) -> Result<StoreSummary> {
        let mut sum = StoreSummary::default();
        for day in self.days()? {
            sum.add_later(&self.day_summary(day)?);
        }
        Ok(sum)
    }

    /// Counts one day.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn day_summary(&self, day: Day) -> Result<StoreSummary> {
        let path = self.day_path(day);
        let conn = self.day_reader(day)?;
        let failed = || Error::sqlite(&path, "count its events");
        let bound = |sql: &str| -> Result<Option<i64>> {
            conn.query_row(sql, [], |row| row.get(0))
                .optional()
                .map_err(failed())
        };
        let from = bound("SELECT id FROM changes ORDER BY id LIMIT 1")?;
        let to = bound("SELECT id FROM changes ORDER BY id DESC LIMIT 1")?;
        let gaps: u64 = conn
            .query_row("SELECT count(*) FROM gaps", [], |row| row.get(0))
            .map_err(failed())?;
        Ok(StoreSummary {
            events: count_changes(&conn).map_err(failed())?,
            bytes: companions::bytes(&path),
            from_ms: from.map(|id| EventId(id).ms()),
            to_ms: to.map(|id| EventId(id).ms()),
            gaps,
        })
    }

    /// The gaps that touch `from_ms..=to_ms`, oldest first.
    ///
    /// # Errors
    /// When a day file cannot be read.
    pub fn gaps(&self, from_ms: i64, to_ms: i64) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        let days = self.days()?;
        // A gap is written when it ends, so it may lie in any file from its first day on.
        for day in days.iter().filter(|day| day.end_ms() > from_ms) {
            let all = self.day_gaps(*day)?.into_iter();
            let all = all.filter(|gap| gap.stands(*day, &days));
            gaps.extend(all.filter(|gap| gap.to_ms >= from_ms && gap.from_ms <= to_ms));
        }
        gaps.sort_by_key(|gap| (gap.from_ms, gap.to_ms));
        Ok(gaps)
    }

    /// The gaps that were written into a day's file: those that ended on that day. Whether one of them still
    /// [stands](Gap::stands) depends on the other days.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn day_gaps(&self, day: Day) -> Result<Vec<Gap>> {
        let path = self.day_path(day);
        let conn = self.day_reader(day)?;
        let failed = || Error::sqlite(&path, "read its gaps");
        let mut query = conn
            .prepare("SELECT from_ms, to_ms, why FROM gaps ORDER BY id")
            .map_err(failed())?;
        let rows = query
            .query_map([], |row| {
                Ok(Gap {
                    from_ms: row.get(0)?,
                    to_ms: row.get(1)?,
                    why: row.get(2)?,
                })
            })
            .map_err(failed())?;
        rows.map(|gap| gap.map_err(failed())).collect()
    }

    /// The changes that could not be stored as they came, with the reasons, oldest file first.
    ///
    /// # Errors
    /// When a day file cannot be read.
    pub fn quarantined(&self) -> Result<Vec<Quarantined>> {
        let mut found = Vec::new();
        for day in self.days()? {
            let path = self.day_path(day);
            let conn = self.day_reader(day)?;
            let failed = || Error::sqlite(&path, "read its quarantine");
            let mut query = conn
                .prepare("SELECT at_ms, series, value, string, reason FROM quarantine ORDER BY id")
                .map_err(failed())?;
            let rows = query
                .query_map([], |row| {
                    Ok(Quarantined {
                        at_ms: row.get(0)?,
                        path: row.get(1)?,
                        value: row.get(2)?,
                        string: row.get(3)?,
                        reason: row.get(4)?,
                    })
                })
                .map_err(failed())?;
            for row in rows {
                found.push(row.map_err(failed())?);
            }
        }
        Ok(found)
    }

    /// The names of everything in the folder.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let failed = || Error::io(&self.dir, "read the store's folder");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(failed())? {
            if let Ok(name) = entry.map_err(failed())?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// Counts only what came after the last block, as blocks know their counts.
pub(crate) fn count_changes(conn: &Connection) -> rusqlite::Result<u64> {
    conn.query_row(
        "SELECT coalesce((SELECT sum(count) FROM blocks), 0)
              + (SELECT count(*) FROM changes WHERE id > coalesce((SELECT max(last) FROM blocks), -1))",
        [],
        |row| row.get(0),
    )
}
