//! Databases that stand alone: opened without writing anything beside them, and checked by SQLite.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::disk::{companions, uri};
use crate::error::{Error, Result};
use crate::found;

/// Turns WAL mode off, so that the file alone is the database and opening it writes nothing beside it.
pub(crate) fn make(conn: &Connection, path: &Path) -> Result<()> {
    let mode: String = conn
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
        .map_err(Error::sqlite(path, "make the copy a plain file"))?;
    if mode == "delete" {
        Ok(())
    } else {
        Err(Error::Unexpected {
            path: path.to_path_buf(),
            found: format!("journal mode {mode}"),
            expected: "journal mode delete".into(),
        })
    }
}

/// Opens a file that only this process uses (a copy, or a file inflated from the archive), without writing.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)
        .map_err(Error::sqlite(path, "open the database"))?;
    conn.execute_batch("PRAGMA cache_size = -4000; PRAGMA mmap_size = 0;")
        .map_err(Error::sqlite(path, "open the database"))?;
    Ok(conn)
}

/// Opens any database without leaving anything beside it. Where a log or journal lies beside it the database is in use,
/// and is read through them; otherwise the file alone is read.
pub(crate) fn open_foreign(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let name = if companions::belong_to(path) {
        uri::plain(path)
    } else {
        uri::immutable(path)
    };
    let conn = Connection::open_with_flags(name, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch(
        "PRAGMA cache_size = -4000; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    // Reads the header: a file that is no database is found here.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(conn)
}

/// SQLite's own check of a database: `quick_check`, or with `full` also every index entry. The error is what the check
/// said.
pub(crate) fn check(conn: &Connection, full: bool) -> std::result::Result<(), String> {
    let sql = if full {
        "PRAGMA integrity_check(20)"
    } else {
        "PRAGMA quick_check(20)"
    };
    said(conn, sql)
}

/// SQLite's quick check of one table.
pub(crate) fn check_table(conn: &Connection, table: &str) -> std::result::Result<(), String> {
    said(conn, &format!("PRAGMA quick_check({table})"))
}

fn said(conn: &Connection, sql: &str) -> std::result::Result<(), String> {
    let said = (|| -> rusqlite::Result<Vec<String>> {
        conn.prepare(sql)?
            .query_map([], |row| row.get(0))?
            .collect()
    })()
    .map_err(|error| found::by_sqlite(&error))?;
    if said.len() == 1 && said[0] == "ok" {
        Ok(())
    } else {
        Err(said.join("; "))
    }
}
