//! What a day gained since it was archived last: a small day file of its own, applied on top when the day comes back.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::manifest::DayPart;
use super::marks::{self, Mark};
use super::{fault, scratch, snapshot};
use crate::error::{Error, Result};
use crate::schema::{open_reader, open_writer, uri_path};

/// More pieces than this make a restore slower than a fresh whole copy makes a backup.
const MOST_PIECES: usize = 48;

/// What a delta holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gained {
    pub(crate) events: u64,
    pub(crate) to_id: Option<i64>,
    pub(crate) to_ms: Option<i64>,
    /// Of the whole dictionary as it is now.
    pub(crate) series: Vec<Mark>,
}

/// Writes what the live day has after `part` into a day file at `path`. `None` where the live file is not simply the
/// archived day and more: then a whole copy is due.
pub(crate) fn extract(live: &Path, part: &DayPart, path: &Path) -> Result<Option<Gained>> {
    let (Some(after), true) = (part.to_id, part.deltas.len() < MOST_PIECES) else {
        return Ok(None);
    };
    // Pieces together may reach a quarter of the day; then one whole copy is cheaper for every later restore.
    let pieces: u64 = part.deltas.iter().map(|delta| delta.object.raw_bytes).sum();
    if pieces > part.object.raw_bytes / 4 + (1 << 20) {
        return Ok(None);
    }
    let source = open_reader(live)?;
    let failed = || Error::sqlite(live, "compare it with the archived day");
    source.execute_batch("BEGIN").map_err(failed())?;
    if !continues(&source, "main", part).map_err(failed())? {
        return Ok(None);
    }
    drop(source);
    fault::step().map_err(Error::io(path, "create the delta"))?;
    drop(open_writer(path)?);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(path, flags).map_err(Error::sqlite(path, "open the delta"))?;
    snapshot::plain(&conn, path)?;
    let run = || -> rusqlite::Result<Option<Gained>> {
        conn.busy_timeout(std::time::Duration::from_secs(5))?;
        conn.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000;",
        )?;
        conn.execute(
            "ATTACH ?1 AS live",
            [format!("file:{}?mode=ro", uri_path(live))],
        )?;
        conn.execute_batch("BEGIN; SELECT count(*) FROM live.sqlite_schema;")?;
        let events = conn.execute(
            "INSERT INTO main.changes SELECT * FROM live.changes WHERE id > ?1 ORDER BY id",
            [after],
        )? as u64;
        conn.execute(
            "INSERT INTO main.keyframes SELECT * FROM live.keyframes WHERE id > ?1",
            [after],
        )?;
        conn.execute(
            "INSERT INTO main.keyframe_states SELECT * FROM live.keyframe_states WHERE keyframe > ?1",
            [after],
        )?;
        conn.execute(
            "INSERT INTO main.gaps SELECT * FROM live.gaps WHERE id > ?1",
            [after],
        )?;
        let series = marks::copy_unmarked(&conn, &part.series)?;
        conn.execute_batch(
            "INSERT INTO main.quarantine SELECT * FROM live.quarantine;
             INSERT OR REPLACE INTO main.meta SELECT key, value FROM live.meta;",
        )?;
        let last = conn
            .query_row(
                "SELECT id, coalesce(at, id >> 12) FROM main.changes ORDER BY id DESC LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        // Seen again in the transaction that the rows came from.
        let simple = continues(&conn, "live", part)?;
        conn.execute_batch("COMMIT; DETACH live;")?;
        Ok(simple.then_some(Gained {
            events,
            to_id: last.map(|(id, _)| id),
            to_ms: last.map(|(_, ms)| ms),
            series,
        }))
    };
    let gained = run().map_err(Error::sqlite(path, "copy what is new"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(path, "close the delta")(error))?;
    Ok(gained)
}

/// Puts a delta on top of the day at `base`. A row that is there already means that the two do not belong together.
pub(crate) fn apply(base: &Path, delta: &Path) -> Result<()> {
    let conn = scratch::open(base)?;
    let run = || -> rusqlite::Result<()> {
        conn.execute("ATTACH ?1 AS delta", [delta.to_string_lossy()])?;
        conn.execute_batch(
            "BEGIN;
             INSERT OR REPLACE INTO main.series SELECT * FROM delta.series;
             INSERT INTO main.changes SELECT * FROM delta.changes ORDER BY id;
             INSERT OR REPLACE INTO main.keyframes SELECT * FROM delta.keyframes;
             INSERT OR REPLACE INTO main.keyframe_states SELECT * FROM delta.keyframe_states;
             INSERT OR REPLACE INTO main.gaps SELECT * FROM delta.gaps;
             INSERT OR REPLACE INTO main.quarantine SELECT * FROM delta.quarantine;
             INSERT OR REPLACE INTO main.meta SELECT key, value FROM delta.meta;
             COMMIT;
             DETACH delta;",
        )
    };
    run().map_err(Error::sqlite(base, "put the day's later part on top"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(base, "close the built day")(error))
}

/// Is everything up to the part's end still there as it was archived, and nothing more? Blocks know their counts, so this reads
/// little.
pub(crate) fn continues(conn: &Connection, schema: &str, part: &DayPart) -> rusqlite::Result<bool> {
    let Some(last) = part.to_id else {
        return Ok(part.events == 0);
    };
    let there = conn
        .query_row(
            &format!("SELECT 1 FROM {schema}.changes WHERE id = ?1"),
            [last],
            |_| Ok(()),
        )
        .optional()?
        .is_some();
    // A change that was altered in place shows in no count; the file's own trigger tells.
    if !there || snapshot::edits(conn, schema)? != part.edits {
        return Ok(false);
    }
    let count: u64 = conn.query_row(
        &format!(
            "SELECT coalesce((SELECT sum(count) FROM {schema}.blocks WHERE last <= ?1), 0)
                  + (SELECT count(*) FROM {schema}.changes
                     WHERE id > coalesce((SELECT max(last) FROM {schema}.blocks WHERE last <= ?1), -1) AND id <= ?1)"
        ),
        [last],
        |row| row.get(0),
    )?;
    Ok(count == part.events)
}
