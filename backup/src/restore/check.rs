//! Checks what was built, makes its postings and brings it to the disk: several days and all three at the same time.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use rusqlite::Connection;

use crate::archive::look::contents::{self, Contents};
use crate::disk::lanes::{self, WorkerGone};
use crate::disk::{companions, draft, plain};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::progress::Progress;
use crate::restore::postings;
use crate::store::day::Day;

/// Checks each built database, and syncs it; gives the number of events and the time of the last. Postings that are
/// lacking are made, save for a `thorough` check of what nobody will use.
pub(super) fn days(
    new: &Path,
    built: &BTreeSet<Day>,
    thorough: bool,
    progress: &dyn Progress,
) -> Result<(u64, Option<i64>)> {
    let paths: Vec<PathBuf> = built.iter().map(|day| new.join(day.file_name())).collect();
    thread::scope(|scope| {
        // Most of each file stays as it is, so it can be synced while it is checked.
        let synced = scope.spawn(|| paths.iter().try_for_each(|path| draft::sync_file(path)));
        let checked = checked(&paths, thorough, progress, new);
        synced
            .join()
            .unwrap_or_else(|_| Err(gone(new, WorkerGone)))?;
        checked
    })
}

fn checked(
    paths: &[PathBuf],
    thorough: bool,
    progress: &dyn Progress,
    new: &Path,
) -> Result<(u64, Option<i64>)> {
    let (mut events, mut to_ms, mut done, mut failed) = (0, None, 0, None);
    lanes::in_order(
        |lane| paths.iter().try_for_each(|path| lane.send(path)),
        |path| day(path, thorough),
        |contents| {
            progress.step("check", done, paths.len() as u64);
            done += 1;
            match contents {
                Ok(contents) => {
                    events += contents.events;
                    to_ms = to_ms.max(contents.to_ms);
                }
                Err(error) => failed = failed.take().or(Some(error)),
            }
            Ok(())
        },
    )
    .map_err(|error| gone(new, error))?;
    progress.step("check", done, paths.len() as u64);
    match failed {
        None => Ok((events, to_ms)),
        Some(error) => Err(error),
    }
}

fn day(path: &Path, thorough: bool) -> Result<Contents> {
    let (checked, made) = thread::scope(|scope| {
        let made = (!thorough).then(|| scope.spawn(|| postings::make(path)));
        let checked = check(path, |conn| plain::check(conn, thorough));
        let made = made.map(|made| {
            let ended = made.join();
            ended.unwrap_or_else(|_| Err(gone(path, WorkerGone)))
        });
        (checked, made.transpose())
    });
    checked?;
    if let Some(made) = made?
        && made.put()?
    {
        for table in ["blocks", "postings"] {
            check(path, |conn| plain::check_table(conn, table))?;
        }
        draft::sync_file(path)?;
    }
    let conn = plain::open(path)?;
    let contents = contents::of(&conn, path)?;
    drop(conn);
    match companions::of(path).find(|companion| companion.exists()) {
        None => Ok(contents),
        Some(leftover) => Err(Error::Unexpected {
            path: leftover,
            found: "a leftover of a database".into(),
            expected: "a restored database that stands alone".into(),
        }),
    }
}

fn check(
    path: &Path,
    by: impl FnOnce(&Connection) -> std::result::Result<(), String>,
) -> Result<()> {
    by(&plain::open(path)?).map_err(|said| {
        Finding::new(path, "damaged database")
            .expected("a sound one")
            .found(said)
            .hint("choose another backup")
            .into()
    })
}

fn gone(new: &Path, error: WorkerGone) -> Error {
    Error::io(new, "check what was built")(io::Error::other(error))
}
