//! What a day file that is opened says of itself: its notes, its digest, and the changes that no block covers yet.

use rusqlite::{Connection, OptionalExtension as _};

use crate::store::postings::BlockBuilder;
use crate::store::row_digest::{self, Running, Trust};

/// Goes on from the digests that the file keeps; keeps those that it lacks.
pub(super) fn digest(conn: &mut Connection) -> rusqlite::Result<Running> {
    let mut lacking = Vec::new();
    let digest = row_digest::until(conn, "main", i64::MAX, Trust::Kept, &mut |kept| {
        lacking.push(kept);
        Ok(())
    })?;
    if !lacking.is_empty() {
        let change = conn.transaction()?;
        lacking.iter().try_for_each(|kept| kept.write(&change))?;
        change.commit()?;
    }
    Ok(digest)
}

/// Reads the changes that no block covers yet. Where there are many (an import was cut short) the blocks are made.
pub(super) fn tail(conn: &Connection, block: &mut BlockBuilder) -> rusqlite::Result<()> {
    let mut from: i64 =
        conn.query_row("SELECT coalesce(max(last), -1) FROM blocks", [], |row| {
            row.get(0)
        })?;
    loop {
        {
            let mut tail =
                conn.prepare("SELECT id, series FROM changes WHERE id > ?1 ORDER BY id")?;
            let mut rows = tail.query([from])?;
            while !block.is_full()
                && let Some(row) = rows.next()?
            {
                from = row.get(0)?;
                block.push(from, row.get(1)?);
            }
        }
        if !block.is_full() {
            return Ok(());
        }
        conn.execute_batch("BEGIN IMMEDIATE")?;
        block.write(conn)?;
        conn.execute_batch("COMMIT")?;
    }
}

/// What was noted of the file under a key.
pub(super) fn meta(conn: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    conn.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
        row.get(0)
    })
    .optional()
}
