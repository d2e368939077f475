//! Reads what was committed after an id, as the rows of a record.

use hashbrown::HashSet;
use rusqlite::{Connection, OptionalExtension as _};

use crate::archive::format::segment::rows::{push_json, push_row};
use crate::archive::make::ship::dictionary::{Dictionary, Key};
use crate::archive::make::ship::open::Open;
use crate::archive::make::ship::rows::{Changes, Listed, MOST_ROWS, Rows};
use crate::store::cell::StoredChange;
use crate::store::identity::LineageId;
use crate::store::word::OpenGap;

/// Keyframes taken at once: a link that comes and goes all night without one change would leave thousands.
const MOST_KEYFRAMES: i64 = 16;

/// The committed rows after an id, all from one moment; series with keys in `described` are not described again.
/// `None` where the recorder writes another history into the file than `lineage`.
pub(super) fn committed(
    open: &mut Open,
    after: i64,
    lineage: LineageId,
    described: &HashSet<Key>,
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
    described: &HashSet<Key>,
) -> rusqlite::Result<Rows> {
    let mut list = Listed::with_room(0);
    let mut changes = Changes::after(after, 0);
    {
        let mut query = conn.prepare_cached(&format!(
            // SQLite prepares a statement anew whenever a LIMIT is bound to it.
            "SELECT id, series, value, string, position, at FROM changes WHERE id > ?1 ORDER BY id LIMIT {MOST_ROWS}"
        ))?;
        let mut rows = query.query([after])?;
        while let Some(row) = rows.next()? {
            let change = StoredChange {
                id: row.get(0)?,
                series: row.get(1)?,
                value: row.get_ref(2)?,
                string: row.get_ref(3)?,
                position: row.get_ref(4)?,
                at: row.get_ref(5)?,
            };
            changes.push(&mut list, &change);
        }
    }
    let mut head = Vec::new();
    if changes.events == 0 {
        // Keyframes come with the next event; a restore needs them only then. So do gaps, but nobody may take the moments
        // in them for seen until then.
        let last = push_gaps(conn, &mut head, after, i64::MAX)?;
        return Ok(Rows {
            head,
            text: Vec::new(),
            events: 0,
            to: after,
            to_ms: last.map(|(_, to_ms)| to_ms),
            gap: last.map(|(id, _)| id),
            describes: Vec::new(),
            whole: false,
        });
    }
    let mut frames = Vec::new();
    let pushed = push_frames(conn, &mut frames, &mut list, after, &changes)?;
    dictionary.refresh(conn)?;
    let mut describes = Vec::new();
    list.describe(dictionary, described, &mut head, &mut describes)?;
    head.append(&mut frames);
    let whole = changes.is_all() && pushed.last <= Some(changes.to);
    Ok(Rows {
        head,
        text: changes.text,
        events: changes.events,
        to: changes.to,
        to_ms: changes.to_ms,
        gap: pushed.gap,
        describes,
        whole,
    })
}

/// Appends the gaps between two ids; gives the last one's id and end.
fn push_gaps(
    conn: &Connection,
    text: &mut Vec<u8>,
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
pub(super) fn push_open(text: &mut Vec<u8>, open: &OpenGap, now_ms: i64) {
    let (from_ms, to_ms) = (open.from_ms, now_ms.max(open.from_ms));
    text.extend(b"[\"n\",");
    push_json(text, &from_ms);
    text.push(b',');
    push_json(text, &to_ms);
    text.push(b',');
    push_json(text, &open.why);
    text.extend(b"]\n");
}

/// What belongs before changes.
struct Frames {
    /// The id of the last gap.
    gap: Option<i64>,
    /// The greatest id of all.
    last: Option<i64>,
}

/// Appends keyframes, gaps and what else belongs before the changes with the same or a greater id. The last piece brings all of
/// them, an earlier one those up to its end.
fn push_frames(
    conn: &Connection,
    text: &mut Vec<u8>,
    list: &mut Listed,
    after: i64,
    changes: &Changes,
) -> rusqlite::Result<Frames> {
    let until = match changes.is_all() {
        true => i64::MAX,
        false => changes.to,
    };
    let mut last = None;
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
            last = last.max(Some(row.get(0)?));
            if table == "f" {
                list.push_state(text, row)?;
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
    let gap = push_gaps(conn, text, after, until)?.map(|(id, _)| id);
    Ok(Frames {
        gap,
        last: last.max(gap),
    })
}
