//! A consistent copy of one day file while it is being recorded, as a plain file that needs no companions.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};

use super::fault;
use super::manifest::{GapPart, Source};
use crate::error::{Error, Result};
use crate::schema::{beside, check_schema, open_reader};
use crate::state_digest::StateDigest;
use crate::store::count_changes;

/// Pages between two looks at the clock.
const STEP: std::ffi::c_int = 2048;
/// A file changed more recently than this may change again within one tick of its time stamp.
const SETTLED: Duration = Duration::from_secs(2);

/// What a day's copy holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contents {
    pub(crate) events: u64,
    pub(crate) from_id: Option<i64>,
    pub(crate) to_id: Option<i64>,
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
    pub(crate) gaps: Vec<GapPart>,
    pub(crate) state: Option<StateDigest>,
    pub(crate) edits: Option<i64>,
}

/// How a live day file looks from outside, if it is at rest: nothing in its log, not touched just now.
/// Never opens it: closing a plain file handle would drop SQLite's locks on it.
pub(crate) fn at_rest(path: &Path) -> Option<Source> {
    if beside(path, "-wal")
        .metadata()
        .is_ok_and(|log| log.len() > 0)
        || beside(path, "-journal").exists()
    {
        return None;
    }
    let meta = path.metadata().ok()?;
    let modified = meta.modified().ok()?;
    if SystemTime::now().duration_since(modified).ok()? < SETTLED {
        return None;
    }
    Some(Source {
        bytes: meta.len(),
        modified_ns: meta.mtime().checked_mul(1_000_000_000)? + meta.mtime_nsec(),
        inode: meta.ino(),
    })
}

/// Copies a live database to `copy` and makes that one plain: no WAL mode, no companions.
///
/// The source's connection holds one read transaction over the whole copy, so all of it is one moment and no commit
/// of others can make SQLite begin again; taking it in steps only serves the deadline and `tick`.
pub(crate) fn copy(
    live: &Path,
    copy: &Path,
    deadline: Duration,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let until = Instant::now() + deadline;
    let source = open_reader(live)?;
    copy_within(&source, live, copy, until, tick)
}

/// The same from a connection that is open already, for files that are not being recorded.
pub(crate) fn copy_from(source: &Connection, name: &Path, copy: &Path) -> Result<()> {
    let until = Instant::now() + super::SNAPSHOT_DEADLINE;
    copy_within(source, name, copy, until, &mut |_, _| {})
}

fn copy_within(
    source: &Connection,
    live: &Path,
    copy: &Path,
    until: Instant,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let failed = || Error::sqlite(live, "copy the day file");
    fault::step().map_err(Error::io(copy, "create the copy"))?;
    source
        .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")
        .map_err(failed())?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target =
        Connection::open_with_flags(copy, flags).map_err(Error::sqlite(copy, "create the copy"))?;
    // The copy is scratch until it is checked and synced as a whole.
    target
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -2000;")
        .map_err(Error::sqlite(copy, "prepare the copy"))?;
    {
        let backup = Backup::new(source, &mut target).map_err(failed())?;
        loop {
            let step = backup
                .step(STEP)
                .map_err(|error| match error.sqlite_error_code() {
                    // Only the copy takes room.
                    Some(ErrorCode::DiskFull) => Error::sqlite(copy, "write the copy")(error),
                    _ => failed()(error),
                })?;
            let progress = backup.progress();
            let (total, left) = (progress.pagecount.max(0), progress.remaining.max(0));
            tick((total - left).max(0) as u64, total as u64);
            match step {
                StepResult::Done => break,
                StepResult::Busy | StepResult::Locked => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                _ => {}
            }
            if Instant::now() >= until {
                return Err(Error::Unexpected {
                    path: live.to_path_buf(),
                    found: format!("{left} of {total} pages still to be copied at the deadline"),
                    expected: "a copy within the deadline; look at the disk's load".into(),
                });
            }
        }
    }
    source.execute_batch("COMMIT").map_err(failed())?;
    plain(&target, copy)
}

/// Turns WAL mode off, so that the file alone is the database and opening it writes nothing beside it.
pub(crate) fn plain(conn: &Connection, path: &Path) -> Result<()> {
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

/// Opens a file that is nobody else's (a copy, something inflated from the archive) as it lies, writing nothing.
pub(crate) fn open_plain(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)
        .map_err(Error::sqlite(path, "open the database"))?;
    conn.execute_batch("PRAGMA cache_size = -4000; PRAGMA mmap_size = 0;")
        .map_err(Error::sqlite(path, "open the database"))?;
    Ok(conn)
}

/// SQLite's own check of a database: `quick_check`, or with `full` also every index entry.
/// The outer result is about reading at all; the inner one carries what the check said.
pub(crate) fn check(conn: &Connection, full: bool) -> std::result::Result<(), String> {
    let sql = if full {
        "PRAGMA integrity_check(20)"
    } else {
        "PRAGMA quick_check(20)"
    };
    let said = (|| -> rusqlite::Result<Vec<String>> {
        conn.prepare(sql)?
            .query_map([], |row| row.get(0))?
            .collect()
    })()
    .map_err(|error| error.to_string())?;
    if said.len() == 1 && said[0] == "ok" {
        Ok(())
    } else {
        Err(said.join("; "))
    }
}

/// How often rows of a day file were changed by hand; its schema counts.
pub(crate) fn edits(conn: &Connection, schema: &str) -> rusqlite::Result<Option<i64>> {
    conn.query_row(
        &format!(
            "SELECT value FROM {schema}.meta WHERE key = 'edits' AND typeof(value) = 'integer'"
        ),
        [],
        |row| row.get(0),
    )
    .optional()
}

/// Counts a day file of ours.
pub(crate) fn contents(conn: &Connection, path: &Path) -> Result<Contents> {
    check_schema(conn, path)?;
    let counted = || -> rusqlite::Result<Contents> {
        let bound = |order: &str| -> rusqlite::Result<(Option<i64>, Option<i64>)> {
            let sql = format!(
                "SELECT id, coalesce(at, id >> 12) FROM changes ORDER BY id {order} LIMIT 1"
            );
            let found = conn
                .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            Ok(found.map_or((None, None), |(id, at)| (Some(id), Some(at))))
        };
        let (from_id, from_ms) = bound("ASC")?;
        let (to_id, to_ms) = bound("DESC")?;
        let gaps = conn
            .prepare("SELECT from_ms, to_ms, why FROM gaps ORDER BY id LIMIT 10000")?
            .query_map([], |row| {
                Ok(GapPart {
                    from_ms: row.get(0)?,
                    to_ms: row.get(1)?,
                    why: row.get(2)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Contents {
            events: count_changes(conn)?,
            from_id,
            to_id,
            from_ms,
            to_ms,
            gaps,
            state: StateDigest::read(conn)?,
            edits: edits(conn, "main")?,
        })
    };
    counted().map_err(Error::sqlite(path, "count the events"))
}
