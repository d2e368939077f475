//! The audit's database: its place and its layout. Older layouts are brought up to date.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

/// In the store's folder; no day file has this name.
const FILE: &str = "audit.db";
/// Another process may be writing its row.
const PATIENCE: Duration = Duration::from_secs(2);
/// The layout that this version writes.
const VERSION: i64 = 2;

const CREATE: &str = "
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,   -- Unix milliseconds
    asker       TEXT NOT NULL,      -- panel, command line, schedule
    place       TEXT NOT NULL,      -- Core and control, or user and process: QRC and the system tell no person's name
    request     TEXT,               -- the panel's id of it
    what        TEXT NOT NULL,
    about       TEXT NOT NULL,
    outcome     TEXT NOT NULL,      -- begun, done, failed, refused, cut short
    said        TEXT NOT NULL,      -- what came of it, or why not
    ended_ms    INTEGER
);";

/// From layout 1.
const ADD_DESIGN_AND_TIME: &str = "
ALTER TABLE audit ADD COLUMN design TEXT;        -- that ran in the Core
ALTER TABLE audit ADD COLUMN design_code TEXT;
ALTER TABLE audit ADD COLUMN asked_ms INTEGER;   -- the request's own time, by the Core's clock";

pub(super) fn path(store: &Path) -> PathBuf {
    store.join(FILE)
}

/// Opens it to write a row, and makes it where there is none.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    if !path.exists() {
        // For the owner of the store's folder, who may be another than root. If it fails, SQLite says why.
        let _ = backup::make_file(path);
    }
    let mut conn = Connection::open(path)?;
    conn.busy_timeout(PATIENCE)?;
    if version(&conn)? < VERSION {
        // Looked at again with the lock: another process may have been faster.
        let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&change)?;
        if found < 1 {
            change.execute_batch(CREATE)?;
        }
        if found < 2 {
            change.execute_batch(ADD_DESIGN_AND_TIME)?;
            change.pragma_update(None, "user_version", VERSION)?;
        }
        change.commit()?;
    }
    Ok(conn)
}

/// Opens it to read; also returns its layout, 0 where it holds nothing yet.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_timeout(PATIENCE)?;
    let version = version(&conn)?;
    Ok((conn, version))
}

fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}
