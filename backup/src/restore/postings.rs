//! Makes the postings of a built day, which the archive leaves out: from its rows, while the day is checked.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::disk::{companions, plain, scratch, uri};
use crate::error::{Error, Result};
use crate::store::postings::BlockBuilder;
use crate::store::row_digest::{self, Trust};

/// What the name of a built day's postings ends with while the day is checked.
const BESIDE: &str = ".postings";

/// What is made, in tables as a day file has them.
const TABLES: &str = "
    CREATE TABLE blocks (first INTEGER PRIMARY KEY, last, count);
    CREATE TABLE postings (block, series, count, ids, PRIMARY KEY (block, series)) WITHOUT ROWID;
    CREATE TABLE digests (count INTEGER PRIMARY KEY, id, sha256);";

/// Postings, and digests where they are lacking, in a database beside the built day.
pub(super) struct Made {
    day: PathBuf,
    beside: PathBuf,
    any: bool,
}

/// Lists the changes that no block of the day lists yet. Only reads the day.
pub(super) fn make(day: &Path) -> Result<Made> {
    let beside = companions::beside(day, BESIDE);
    let from = plain::open(day)?;
    let to = scratch::create(&beside)?;
    let made = || -> rusqlite::Result<bool> {
        // Both are read and written from front to back, which needs no cache.
        from.execute_batch("PRAGMA cache_size = -500;")?;
        to.execute_batch(&format!(
            "PRAGMA journal_mode = OFF; PRAGMA cache_size = -500; {TABLES} BEGIN;"
        ))?;
        let any = list(&from, &to)?;
        if any {
            keep_digests(&from, &to)?;
        }
        to.execute_batch("COMMIT")?;
        Ok(any)
    };
    let any = made().map_err(Error::sqlite(day, "list its changes by series"))?;
    Ok(Made {
        day: day.to_path_buf(),
        beside,
        any,
    })
}

fn list(from: &Connection, to: &Connection) -> rusqlite::Result<bool> {
    // Whoever ends an import that was cut short makes them.
    let deferred = "SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'importing')";
    if from.query_row(deferred, [], |row| row.get(0))? {
        return Ok(false);
    }
    let mut block = BlockBuilder::default();
    let mut query = from.prepare(
        "SELECT id, series FROM changes WHERE id > coalesce((SELECT max(last) FROM blocks), -1) ORDER BY id",
    )?;
    let mut rows = query.query([])?;
    let mut any = false;
    while let Some(row) = rows.next()? {
        any = true;
        block.push(row.get(0)?, row.get(1)?);
        if block.is_full() {
            block.write(to)?;
        }
    }
    block.write(to)?;
    Ok(any)
}

/// Those that the day lacks. A day of version 1 keeps none.
fn keep_digests(from: &Connection, to: &Connection) -> rusqlite::Result<()> {
    if row_digest::keeps(from, "main")? {
        row_digest::until(from, "main", i64::MAX, Trust::Kept, &mut |kept| {
            kept.write(to)
        })?;
    }
    Ok(())
}

impl Made {
    /// Puts them into the day, which nobody reads now; says whether the day was written to.
    pub(super) fn put(self) -> Result<bool> {
        if self.any {
            let failed = || Error::sqlite(&self.day, "put its postings in");
            let conn = scratch::open(&self.day)?;
            uri::attach(&conn, &self.beside, "beside").map_err(failed())?;
            conn.execute_batch(
                "PRAGMA cache_size = -1000; BEGIN;
                 INSERT INTO main.blocks SELECT * FROM beside.blocks;
                 INSERT INTO main.postings SELECT * FROM beside.postings ORDER BY block, series;",
            )
            .map_err(failed())?;
            if row_digest::keeps(&conn, "main").map_err(failed())? {
                conn.execute_batch(
                    "INSERT OR REPLACE INTO main.digests SELECT * FROM beside.digests;",
                )
                .map_err(failed())?;
            }
            conn.execute_batch("COMMIT; DETACH beside;")
                .map_err(failed())?;
            conn.close()
                .map_err(|(_, error)| Error::sqlite(&self.day, "close the built day")(error))?;
        }
        Ok(self.any)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What cannot be removed now goes with the folder that the day is built in.
        let _ = std::fs::remove_file(&self.beside);
    }
}
