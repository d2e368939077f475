//! A day's later part: a small day file of its own, put on top of the day, and whether a live day still begins with both.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use crate::archive::format::manifest::DayPart;
use crate::archive::look::contents;
use crate::disk::scratch;
use crate::error::{Error, Result};

/// Puts a delta on top of the day at `base`. Fails where a row is there already: then the two do not belong together.
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

/// Whether the day up to the part's end is exactly what was archived. Reads little, as blocks know their counts.
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
    // Counts do not show a change that was edited in place; a trigger in the file counts these.
    if !there || contents::edits(conn, schema)? != part.edits {
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
