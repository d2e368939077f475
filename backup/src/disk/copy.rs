//! A consistent copy of a database, also of one that is being written, as a plain file that needs no companions.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode};

use crate::disk::{plain, scratch};
use crate::error::{Error, Result};

/// Pages between two looks at the clock.
const STEP: std::ffi::c_int = 2048;

/// A database that cannot be copied in this time says that the disk is in trouble.
const DEADLINE: Duration = Duration::from_secs(600);

/// Copies a database, as `source` sees it, to `copy` and makes that one plain: no WAL mode, no companions. `live` is
/// the database's own name.
///
/// One read transaction spans the whole copy, so that it is of one moment and no commit makes SQLite start again. The
/// steps only serve the deadline and `tick`.
pub(crate) fn of(
    source: &Connection,
    live: &Path,
    copy: &Path,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    within(DEADLINE, source, live, copy, tick)
}

fn within(
    deadline: Duration,
    source: &Connection,
    live: &Path,
    copy: &Path,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let until = Instant::now() + deadline;
    let failed = || Error::sqlite(live, "copy the day file");
    source
        .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")
        .map_err(failed())?;
    let mut target = scratch::create(copy)?;
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
                return Err(Error::TooLate {
                    path: live.to_path_buf(),
                    found: format!("{left} of {total} pages still to be copied"),
                    expected: "a copy within the deadline",
                });
            }
        }
    }
    source.execute_batch("COMMIT").map_err(failed())?;
    plain::make(&target, copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_is_not_done_at_its_deadline_is_too_late() {
        let dir = tempfile::tempdir().unwrap();
        let (live, copy) = (dir.path().join("live.db"), dir.path().join("copy.db"));
        let source = Connection::open(&live).unwrap();
        source
            .execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(16000000))")
            .unwrap();
        let error = within(Duration::ZERO, &source, &live, &copy, &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, Error::TooLate { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.starts_with(live.to_str().unwrap()), "{said}");
        assert!(said.contains("pages still to be copied"), "{said}");
        assert_eq!(error.hint(), Some("look at the disk's load"));
    }
}
