//! What a day gained since it was archived last, written into a small day file of its own.

use std::path::Path;

use rusqlite::OptionalExtension as _;

use crate::archive::format::manifest::DayPart;
use crate::archive::look::delta::continues;
use crate::disk::{fault, scratch, uri};
use crate::error::{Error, Result};
use crate::store::dictionary;
use crate::store::row_digest::{self, RowDigest, Trust};
use crate::store::schema::{open_reader, open_writer};

/// More pieces than this make a restore slower than a fresh whole copy makes a backup.
const MOST_PIECES: usize = 48;

/// What a delta holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gained {
    pub(crate) events: u64,
    pub(crate) to_id: Option<i64>,
    /// Over the whole day as it is now.
    pub(crate) digest: RowDigest,
}

/// Writes what the live day gained after `part` into a day file at `path`. `None` where the live day does not simply
/// continue the archived one: then a whole copy is due.
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
    // Takes it out of WAL mode, too: the file alone is the delta.
    let conn = scratch::open(path)?;
    let run = || -> rusqlite::Result<Option<Gained>> {
        // What moves from one page to another leaves no copy of itself behind, which would be pressed, too.
        conn.execute_batch("PRAGMA secure_delete = ON;")?;
        uri::attach(&conn, live, "live")?;
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
        // The part is read with its own dictionary: it brings every series that its rows are of.
        let columns = dictionary::listed(str::to_owned);
        conn.execute_batch(&format!(
            "INSERT INTO main.series (id, {columns}) SELECT id, {columns} FROM live.series
             WHERE id IN (SELECT series FROM main.changes UNION SELECT series FROM main.keyframe_states);"
        ))?;
        for table in ["origins", "clock_steps", "controls", "designs"] {
            conn.execute(
                &format!("INSERT INTO main.{table} SELECT * FROM live.{table} WHERE id > ?1"),
                [after],
            )?;
        }
        conn.execute_batch(
            "INSERT INTO main.quarantine SELECT * FROM live.quarantine;
             INSERT OR REPLACE INTO main.meta SELECT key, value FROM live.meta;",
        )?;
        let last = conn
            .query_row(
                "SELECT id FROM main.changes ORDER BY id DESC LIMIT 1",
                [],
                |row| row.get(0),
            )
            .optional()?;
        // Checked again in the transaction that read the rows.
        let simple = continues(&conn, "live", part)?;
        let end = last.unwrap_or(after);
        let digest = row_digest::until(&conn, "live", end, Trust::Kept, &mut |_| Ok(()))?.now();
        conn.execute_batch("COMMIT; DETACH live;")?;
        Ok(simple.then_some(Gained {
            events,
            to_id: last,
            digest,
        }))
    };
    let gained = run().map_err(Error::sqlite(path, "copy what is new"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(path, "close the delta")(error))?;
    Ok(gained)
}
