//! The tables of a day file, their numbered migrations, and how connections to one are opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::disk::{companions, fault, names, real, scratch, uri};
use crate::error::{Error, Result};

/// SQLite's `application_id` of our day files: "QSRA".
pub const APPLICATION_ID: i32 = 0x5153_5241;

/// The newest schema this program writes; SQLite's `user_version` of a day file.
pub const SCHEMA_VERSION: i32 = MIGRATIONS.len() as i32;

/// What is wrong with a file without tables.
const EMPTY: &str = "an empty file";

/// Below this, SQLite can lose a commit when two connections checkpoint at once (its 3.51.3 release notes).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Step n takes a file from version n to n + 1. Never edit one that was released; add another.
const MIGRATIONS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Lists the few events whose wall time is not that of their id, so that moments are found without reading all. Files of
/// older versions do without.
const LATE: &str = "CREATE INDEX IF NOT EXISTS late ON changes (id, at) WHERE at IS NOT NULL";

/// The SQLite that is linked in, e.g. `3.54.1`.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Opens a day file for writing, creates or migrates its tables, and sets WAL with full sync.
/// Only whoever holds the store's lock may write to a live store's file.
///
/// # Errors
/// When the file cannot be opened, is no day file, or is of a newer schema.
pub fn open_writer(path: &Path) -> Result<Connection> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::Unexpected {
            path: path.to_path_buf(),
            found: format!("SQLite {}", sqlite_version()),
            expected: "SQLite 3.51.3 or newer, which does not lose commits in WAL mode".into(),
        });
    }
    if !path.exists() {
        create(path, |fresh| migrate(fresh, path, 0))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)
        .map_err(Error::sqlite(path, "open the day file"))?;
    prepare_writer(&mut conn, path)?;
    Ok(conn)
}

/// Creates a day file: `fill` works on it under another name, so that no reader sees half of it.
pub(crate) fn create(path: &Path, fill: impl FnOnce(&mut Connection) -> Result<()>) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = dir.join(format!(".{name}.new"));
    // Removes what an interrupted creation left.
    for leftover in companions::and_database(&fresh) {
        let _ = std::fs::remove_file(leftover);
    }
    let made = real::make_file(&fresh)
        .map_err(Error::io(path, "create the day file"))
        .and_then(|()| Connection::open(&fresh).map_err(Error::sqlite(path, "create the day file")))
        .and_then(|mut fresh| fill(&mut fresh))
        .and_then(|()| give_name(&fresh, path));
    if made.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    made
}

/// Gives a day file that was built under another name its own.
fn give_name(built: &Path, path: &Path) -> Result<()> {
    // A log whose database is gone cannot be read, but could be replayed into the new one.
    for leftover in companions::of(path) {
        let _ = std::fs::remove_file(leftover);
    }
    std::fs::rename(built, path).map_err(Error::io(path, "create"))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    names::in_folder(dir).map_err(Error::io(dir, "sync the folder"))
}

/// Opens a day file that is being built in scratch; creates it where it is missing. What a crash leaves of it is never
/// read.
pub(crate) fn open_scratch(path: &Path) -> Result<Connection> {
    if path.exists() {
        return scratch::open(path);
    }
    real::make_file(path).map_err(Error::io(path, "create the day file"))?;
    let mut conn = scratch::open(path)?;
    migrate(&mut conn, path, 0)?;
    Ok(conn)
}

/// Puts a day file that was built in scratch in its place, and says whether it did: where a file has the place, it
/// stays.
pub(crate) fn put_in_place(built: &Path, path: &Path) -> Result<bool> {
    if path.exists() {
        return Ok(false);
    }
    fault::step()
        .map_err(Error::io(path, "put the day in its place"))
        .and_then(|()| give_name(built, path))?;
    Ok(true)
}

fn prepare_writer(conn: &mut Connection, path: &Path) -> Result<()> {
    let failed = |source| Error::Sqlite {
        path: path.to_path_buf(),
        doing: "prepare the day file",
        source,
    };
    conn.busy_timeout(Duration::from_millis(500))
        .map_err(failed)?;
    let found = user_version(conn).map_err(Error::sqlite(path, "read the day file"))?;
    check_schema(conn, path)?;
    let mode: String = conn
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        return Err(Error::Unexpected {
            path: path.to_path_buf(),
            found: format!("journal mode {mode}"),
            expected: "a file system on which SQLite's WAL works (not a network share)".into(),
        });
    }
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA cache_size = -6000; PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 16777216; PRAGMA foreign_keys = OFF;",
    )
    .map_err(failed)?;
    if found < SCHEMA_VERSION {
        migrate(conn, path, found)?;
    }
    Ok(())
}

/// Takes a file from version `found` to the newest.
fn migrate(conn: &mut Connection, path: &Path, found: i32) -> Result<()> {
    let failed = |source| Error::Sqlite {
        path: path.to_path_buf(),
        doing: "make the day file's tables",
        source,
    };
    let change = conn.transaction().map_err(failed)?;
    for step in &MIGRATIONS[found as usize..] {
        change.execute_batch(step).map_err(failed)?;
    }
    change.execute_batch(LATE).map_err(failed)?;
    change
        .pragma_update(None, "user_version", SCHEMA_VERSION)
        .map_err(failed)?;
    change
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(failed)?;
    change
        .execute(
            "INSERT INTO meta (key, value) VALUES ('sqlite_version', ?1), ('program_version', ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [sqlite_version(), env!("CARGO_PKG_VERSION")],
        )
        .map_err(failed)?;
    change.commit().map_err(failed)?;
    Ok(())
}

/// Takes a scratch day file of an older version to the newest.
pub(crate) fn bring_up_to_date(conn: &mut Connection, path: &Path) -> Result<()> {
    check_schema(conn, path)?;
    let found = user_version(conn).map_err(Error::sqlite(path, "read the day file"))?;
    if found < SCHEMA_VERSION {
        migrate(conn, path, found)?;
    }
    Ok(())
}

/// All tables, as a new day file has them, in a database of their own.
#[cfg(test)]
pub(crate) fn in_memory() -> Connection {
    let conn = Connection::open_in_memory().expect("memory");
    for step in MIGRATIONS {
        conn.execute_batch(step).expect("tables");
    }
    conn
}

/// Opens a day file for reading and checks that it is one that we understand. Never writes to it.
///
/// # Errors
/// When the file cannot be opened, is no day file, or is of a newer schema.
pub fn open_reader(path: &Path) -> Result<Connection> {
    let conn = open_any_reader(path)?;
    check_schema(&conn, path)?;
    Ok(conn)
}

/// Opens any database for reading.
pub(crate) fn open_any_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let opened = Connection::open_with_flags(path, flags)
        .map_err(Error::sqlite(path, "open the day file"))?;
    opened
        .busy_timeout(Duration::from_secs(5))
        .map_err(Error::sqlite(path, "open the day file"))?;
    let conn = match opened.query_row("PRAGMA user_version", [], |row| row.get::<_, i32>(0)) {
        // In a read-only folder SQLite cannot create the shared memory of a WAL-mode file. Where no log lies beside it,
        // the file alone is complete and can be read as immutable.
        Err(rusqlite::Error::SqliteFailure(failure, _))
            if matches!(
                failure.code,
                rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly
            ) && path.exists()
                && !companions::log(path).exists() =>
        {
            Connection::open_with_flags(uri::immutable(path), flags)
                .map_err(Error::sqlite(path, "open the day file"))?
        }
        _ => opened,
    };
    conn.pragma_update(None, "cache_size", -4000)
        .map_err(Error::sqlite(path, "open the day file"))?;
    Ok(conn)
}

/// Checks that an open database is a day file of ours in a version this program reads.
///
/// # Errors
/// When it is not, or cannot be read.
pub fn check_schema(conn: &Connection, path: &Path) -> Result<()> {
    let found = user_version(conn).map_err(Error::sqlite(path, "read the day file"))?;
    let application: i32 = conn
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(Error::sqlite(path, "read the day file"))?;
    if application == 0 && found == 0 && is_empty(conn).map_err(Error::sqlite(path, "read it"))? {
        return Err(Error::Damaged {
            path: path.to_path_buf(),
            found: EMPTY.into(),
        });
    }
    if application != APPLICATION_ID || found == 0 {
        return Err(foreign(path));
    }
    if found > SCHEMA_VERSION {
        Err(too_new(path, found))
    } else {
        Ok(())
    }
}

/// What is wrong with a file by SQLite's quick check, if anything; one without tables is damaged, too.
pub(crate) fn damage(path: &Path) -> Result<Option<String>> {
    let checked = open_any_reader(path).and_then(|conn| {
        if is_empty(&conn).map_err(Error::sqlite(path, "check the day file"))? {
            return Ok(EMPTY.to_owned());
        }
        conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
            .map_err(Error::sqlite(path, "check the day file"))
    });
    match checked {
        Ok(found) => Ok((found != "ok").then_some(found)),
        Err(error) if error.damaged_file().is_some() => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Whether a file is a sound database of another program, such as the original.
pub(crate) fn is_foreign(path: &Path) -> bool {
    let application = open_any_reader(path).and_then(|conn| {
        conn.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0))
            .map_err(Error::sqlite(path, "read it"))
    });
    // An empty file is one of ours that lost its content.
    let empty = std::fs::metadata(path).is_ok_and(|meta| meta.len() == 0);
    !empty && application.is_ok_and(|found| found != APPLICATION_ID)
}

/// A day file gets its name when its tables are there, so one without any lost them: a power cut can do that.
fn is_empty(conn: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
    conn.query_row(sql, [], |row| row.get(0))
}

fn user_version(conn: &Connection) -> rusqlite::Result<i32> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn foreign(path: &Path) -> Error {
    Error::Foreign {
        path: path.to_path_buf(),
    }
}

fn too_new(path: &Path, found: i32) -> Error {
    Error::Unreadable {
        path: path.to_path_buf(),
        found: format!("schema version {found}"),
        expected: format!("at most {SCHEMA_VERSION}; use the newer program that wrote it"),
    }
}
