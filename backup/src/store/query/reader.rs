//! One day file open for reading: a consistent look at it, and its rows as events.

use std::path::{Path, PathBuf};

use compact_str::CompactString;
use globset::GlobSet;
use rusqlite::{Connection, Row};

use crate::error::{Error, Result};
use crate::store::cell::{Cell, position_out, string_out, value_out};
use crate::store::dictionary::{self, FileSeries};
use crate::store::event::Event;
use crate::store::id::EventId;
use crate::store::schema::open_reader;
use crate::store::value::Value;

/// A read transaction on a day file with its dictionary.
pub(crate) struct DayReader {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    pub(crate) series: Vec<Option<FileSeries>>,
}

/// The columns that [`DayReader::event`] reads, in its order.
pub(crate) const COLUMNS: &str =
    "changes.id, changes.series, changes.value, changes.string, changes.position, changes.at";

impl DayReader {
    /// Opens a day in one read transaction.
    pub(crate) fn open(path: &Path) -> Result<DayReader> {
        let path = path.to_path_buf();
        let conn = open_reader(&path)?;
        // Rules and rows must be of one moment: a rule may be settled between two statements.
        conn.execute_batch("BEGIN")
            .map_err(Error::sqlite(&path, "read the day file"))?;
        let list = dictionary::load(&conn).map_err(Error::sqlite(&path, "read its dictionary"))?;
        let mut series: Vec<Option<FileSeries>> = Vec::new();
        for entry in list {
            // Numbers are given out one by one; a very high one is damage and must not cost memory.
            let number = usize::try_from(entry.id).unwrap_or(usize::MAX);
            if number > 10_000_000 {
                return Err(Error::Unexpected {
                    path,
                    found: format!("series number {}", entry.id),
                    expected: "numbers from 1 on".into(),
                });
            }
            if series.len() <= number {
                series.resize(number + 1, None);
            }
            series[number] = Some(entry);
        }
        Ok(DayReader { conn, path, series })
    }

    pub(crate) fn series(&self, number: i64) -> Option<&FileSeries> {
        self.series.get(usize::try_from(number).ok()?)?.as_ref()
    }

    /// The numbers of the series whose path matches, ascending; `None` when all do.
    pub(crate) fn matching(&self, globs: Option<&GlobSet>) -> Option<Vec<i64>> {
        let globs = globs?;
        let matching = self
            .series
            .iter()
            .flatten()
            .filter(|entry| globs.is_match(entry.series.path.as_str()));
        Some(matching.map(|entry| entry.id).collect())
    }

    /// A row of [`COLUMNS`] as an event; `None` when its series is not in the dictionary, which only damage does.
    pub(crate) fn event(&self, row: &Row<'_>) -> rusqlite::Result<Option<Event>> {
        let Some(entry) = self.series(row.get(1)?) else {
            return Ok(None);
        };
        let id = EventId(row.get(0)?);
        let (value, string, position) = content(entry, row, 2)?;
        let at_ms = row.get::<_, Option<i64>>(5)?.unwrap_or(id.ms());
        Ok(Some(Event {
            id,
            at_ms,
            series: entry.series.clone(),
            value,
            string,
            position,
        }))
    }

    pub(crate) fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        Error::sqlite(&self.path, "read its events")
    }
}

/// The value, string and position of a row, derived where they follow.
type Content = (Option<Value>, Option<CompactString>, Option<f64>);

/// Reads the three columns from `first` on.
pub(crate) fn content(
    entry: &FileSeries,
    row: &Row<'_>,
    first: usize,
) -> rusqlite::Result<Content> {
    let value = value_out(row.get_ref(first)?);
    let string = match string_out(row.get_ref(first + 1)?) {
        Cell::Stored(text) => Some(text),
        Cell::Absent => None,
        Cell::Derived => entry
            .text
            .as_ref()
            .and_then(|rule| rule.text(value.as_ref())),
    };
    let position = match position_out(row.get_ref(first + 2)?) {
        Cell::Stored(position) => Some(position),
        Cell::Absent => None,
        Cell::Derived => match (&value, entry.range) {
            (Some(Value::Number(number)), Some(range)) => range.position(*number),
            _ => None,
        },
    };
    Ok((value, string, position))
}
