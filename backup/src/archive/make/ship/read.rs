//! Reads what was committed after an id, as the rows of a record.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::archive::format::segment::rows::{push_columns, push_row};
use crate::archive::make::ship::dictionary::Dictionary;
use crate::archive::make::ship::open::Open;
use crate::store::identity::LineageId;
use crate::store::word::OpenGap;

/// Rows taken at once: bounds memory when there is much to catch up. Stands in the statements as a number: SQLite
/// prepares a statement anew whenever a LIMIT is bound to it.
pub(super) const MOST_ROWS: usize = 20_000;
/// Keyframes taken at once: a link that comes and goes all night without one change would leave thousands.
const MOST_KEYFRAMES: i64 = 16;

/// The rows of a record.
pub(super) struct Rows {
    pub(super) text: String,
    pub(super) events: u32,
    /// The last event's id; where there is none, that of the last one before.
    pub(super) to: i64,
    /// The latest wall time of its events or, where there are none, the end of the last gap.
    pub(super) to_ms: Option<i64>,
    /// The id of the last gap in it.
    pub(super) gap: Option<i64>,
    /// The keys of the series that it describes.
    pub(super) describes: Vec<String>,
}

/// The committed rows after an id, all from one moment; series with keys in `described` are not described again.
/// `None` where the recorder writes another history into the file than `lineage`.
pub(super) fn committed(
    open: &mut Open,
    after: i64,
    lineage: LineageId,
    described: &HashSet<String>,
) -> rusqlite::Result<Option<Rows>> {
    let conn = &open.conn;
    conn.execute_batch("BEGIN")?;
    let read = match written_in(conn)? {
        Some(other) if other != lineage.to_string() => Ok(None),
        _ => read_in(conn, &mut open.dictionary, after, described).map(Some),
    };
    conn.execute_batch("COMMIT")?;
    read
}

/// The history that the file says it belongs to.
fn written_in(conn: &Connection) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached("SELECT value FROM meta WHERE key = 'lineage' AND typeof(value) = 'text'")?
        .query_row([], |row| row.get(0))
        .optional()
}

fn read_in(
    conn: &Connection,
    dictionary: &mut Dictionary,
    after: i64,
    described: &HashSet<String>,
) -> rusqlite::Result<Rows> {
    let mut list = Listed::default();
    let mut changes = String::new();
    let (mut events, mut to, mut to_ms) = (0u32, after, None);
    {
        let mut query = conn.prepare_cached(&format!(
            "SELECT id, series, value, string, position, at FROM changes WHERE id > ?1 ORDER BY id LIMIT {MOST_ROWS}"
        ))?;
        let mut rows = query.query([after])?;
        while let Some(row) = rows.next()? {
            to = row.get(0)?;
            to_ms = to_ms.max(Some(row.get::<_, Option<i64>>(5)?.unwrap_or(to >> 12)));
            list.push(&mut changes, "c", row, 6)?;
            events += 1;
        }
    }
    if events == 0 {
        // Keyframes come with the next event; a restore needs them only then. So do gaps, but nobody may take the moments
        // in them for seen until then.
        let mut text = String::new();
        let last = push_gaps(conn, &mut text, after, i64::MAX)?;
        return Ok(Rows {
            text,
            events,
            to,
            to_ms: last.map(|(_, to_ms)| to_ms),
            gap: last.map(|(id, _)| id),
            describes: Vec::new(),
        });
    }
    let mut frames = String::new();
    let gap = push_frames(conn, &mut frames, &mut list, after, events, to)?;
    dictionary.refresh(conn)?;
    let (mut text, mut describes) = (String::new(), Vec::new());
    list.describe(dictionary, described, &mut text, &mut describes)?;
    text.push_str(&frames);
    text.push_str(&changes);
    Ok(Rows {
        text,
        events,
        to,
        to_ms,
        gap,
        describes,
    })
}

/// Appends the gaps between two ids; gives the last one's id and end.
fn push_gaps(
    conn: &Connection,
    text: &mut String,
    after: i64,
    until: i64,
) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut query = conn.prepare_cached(
        "SELECT id, from_ms, to_ms, why FROM gaps WHERE id > ?1 AND id <= ?2 ORDER BY id",
    )?;
    let mut rows = query.query([after, until])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        push_row(text, "g", row, 4)?;
        last = Some((row.get(0)?, row.get(2)?));
    }
    Ok(last)
}

/// Appends a gap that has not ended at `now_ms`.
pub(super) fn push_open(text: &mut String, open: &OpenGap, now_ms: i64) {
    let (from_ms, to_ms) = (open.from_ms, now_ms.max(open.from_ms));
    let why = serde_json::Value::String(open.why.clone());
    text.push_str(&format!("[\"n\",{from_ms},{to_ms},{why}]\n"));
}

/// Appends keyframes, gaps and what else belongs before the changes with the same or a greater id. The last piece brings all of
/// them, an earlier one those up to its end. Gives the last gap's id.
fn push_frames(
    conn: &Connection,
    text: &mut String,
    list: &mut Listed,
    after: i64,
    events: u32,
    to: i64,
) -> rusqlite::Result<Option<i64>> {
    let until = if events as usize >= MOST_ROWS {
        to
    } else {
        i64::MAX
    };
    let first: i64 = conn
        .prepare_cached(&format!(
            "SELECT coalesce(min(id), ?1 + 1) FROM (SELECT id FROM keyframes WHERE id > ?1 AND id <= ?2
             ORDER BY id DESC LIMIT {MOST_KEYFRAMES})"
        ))?
        .query_row([after, until], |row| row.get(0))?;
    let mut rows_of = |table: &str, from: i64, columns: usize, sql: &str| -> rusqlite::Result<()> {
        let mut query = conn.prepare_cached(sql)?;
        let mut rows = query.query([from, until])?;
        while let Some(row) = rows.next()? {
            if table == "f" {
                list.push(text, table, row, columns)?;
            } else {
                push_row(text, table, row, columns)?;
            }
        }
        Ok(())
    };
    rows_of(
        "k",
        first - 1,
        3,
        "SELECT id, reason, count FROM keyframes WHERE id > ?1 AND id <= ?2",
    )?;
    rows_of(
        "f",
        first - 1,
        5,
        "SELECT keyframe, series, value, string, position FROM keyframe_states WHERE keyframe > ?1 AND keyframe <= ?2",
    )?;
    let newer: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'origins')")?
        .query_row([], |row| row.get(0))?;
    if newer {
        rows_of(
            "o",
            after,
            3,
            "SELECT id, \"by\", since FROM origins WHERE id > ?1 AND id <= ?2",
        )?;
        rows_of(
            "t",
            after,
            4,
            "SELECT id, from_ms, to_ms, how FROM clock_steps WHERE id > ?1 AND id <= ?2",
        )?;
    }
    Ok(push_gaps(conn, text, after, until)?.map(|(id, _)| id))
}

/// The series of a record's rows, in the order in which they came.
#[derive(Default)]
struct Listed {
    places: HashMap<i64, usize>,
    numbers: Vec<i64>,
}

impl Listed {
    /// Appends a row whose second column is a series.
    fn push(
        &mut self,
        text: &mut String,
        table: &str,
        row: &Row<'_>,
        columns: usize,
    ) -> rusqlite::Result<()> {
        use std::fmt::Write as _;
        let number: i64 = row.get(1)?;
        let place = *self.places.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            self.numbers.len() - 1
        });
        let _ = write!(text, "[\"{table}\",");
        push_columns(text, row, 0..1)?;
        let _ = write!(text, ",{place},");
        push_columns(text, row, 2..columns)?;
        text.push_str("]\n");
        Ok(())
    }

    /// Appends the descriptions that the file lacks, and the list.
    fn describe(
        &self,
        dictionary: &Dictionary,
        described: &HashSet<String>,
        text: &mut String,
        describes: &mut Vec<String>,
    ) -> rusqlite::Result<()> {
        let mut list = String::from("[\"s\"");
        for number in &self.numbers {
            let Some(form) = dictionary.get(*number) else {
                let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
                let what = format!("a change is of series {number}, which the file does not know");
                return Err(rusqlite::Error::SqliteFailure(damaged, Some(what)));
            };
            if !described.contains(&form.key) {
                text.push_str(&format!("[\"d\",\"{}\",{}]\n", form.key, form.description));
                describes.push(form.key.clone());
            }
            list.push_str(&format!(",\"{}\"", form.key));
        }
        text.push_str(&list);
        text.push_str("]\n");
        Ok(())
    }
}
