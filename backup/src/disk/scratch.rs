//! Scratch: folders that go away by themselves, and databases in them that need no protection against a crash.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::disk::draft::{self, TEMPORARY};
use crate::disk::{fault, owner, real};
use crate::error::{Error, Result};

/// A folder for scratch files; removed with all that is in it when dropped.
pub(crate) fn folder(folder: &Path) -> Result<TempDir> {
    fault::step()
        .and_then(|()| {
            tempfile::Builder::new()
                .prefix(TEMPORARY)
                .tempdir_in(folder)
        })
        .and_then(|made| owner::give_to_owner_of_folder(made.path()).map(|()| made))
        .map_err(Error::io(folder, "create a scratch folder in it"))
}

/// Removes what a killed process left in a store: the caller holds the store's lock, so that nobody works there. What
/// cannot be removed only takes up room.
pub(crate) fn clear(store: &Path) {
    if let Err(error) = draft::clean(store) {
        tracing::warn!(%error, "what a killed process left is not removed");
    }
}

/// Opens a scratch database for changes.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    fault::step().map_err(Error::io(path, "change the built database"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
        .and_then(|conn| {
            unprotected(&conn)?;
            // For live databases that are attached to it.
            conn.busy_timeout(Duration::from_secs(5))?;
            Ok(conn)
        })
        .map_err(Error::sqlite(path, "open the built database"))
}

/// Makes a scratch database that a copy comes into.
pub(crate) fn create(path: &Path) -> Result<Connection> {
    // SQLite gives what it keeps beside a database to the database's owner.
    fault::step()
        .and_then(|()| real::make_file(path))
        .map_err(Error::io(path, "create the copy"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(path, flags).map_err(Error::sqlite(path, "create the copy"))?;
    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -2000;")
        .map_err(Error::sqlite(path, "prepare the copy"))?;
    Ok(conn)
}

/// Turns journal and sync off: what a crash leaves of the database is never read.
pub(crate) fn unprotected(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000; PRAGMA foreign_keys = OFF;",
    )
}
