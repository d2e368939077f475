//! Scratch: folders that go away by themselves, and databases in them that need no protection against a crash.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::disk::draft::TEMPORARY;
use crate::disk::fault;
use crate::error::{Error, Result};

/// A folder for scratch files; removed with all that is in it when dropped.
pub(crate) fn folder(folder: &Path) -> Result<TempDir> {
    fault::step()
        .and_then(|()| {
            tempfile::Builder::new()
                .prefix(TEMPORARY)
                .tempdir_in(folder)
        })
        .map_err(Error::io(folder, "create a scratch folder in it"))
}

/// The archive's folder, or the system's for temporary files where the archive may only be read.
pub(crate) fn place(archive: &Path) -> PathBuf {
    match folder(archive) {
        Ok(_) => archive.to_path_buf(),
        Err(_) => std::env::temp_dir(),
    }
}

/// Opens a scratch database for changes that need no protection against a crash.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    fault::step().map_err(Error::io(path, "change the built database"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)
        .map_err(Error::sqlite(path, "open the built database"))?;
    conn.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8000; PRAGMA foreign_keys = OFF;",
    )
    .map_err(Error::sqlite(path, "open the built database"))?;
    Ok(conn)
}
