//! What was recorded since a step was left: put on top of the kept day, beside the live files.

use std::fs;
use std::path::Path;

use crate::disk::{companions, draft, fault, plain};
use crate::error::{Error, Result};
use crate::restore::merge::{self, Since};
use crate::restore::steps::Step;
use crate::restore::undo::difference;
use crate::store::arrival;
use crate::store::day::Day;
use crate::store::day_file::file::DayFile;
use crate::store::names::Names;
use crate::store::schema::{check_schema, damage, open_reader, open_writer};

/// A day that was built of a kept file and what was recorded since.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) day: Day,
    /// The last id of the live file that is in it.
    seen: i64,
}

/// Builds a day in `new` where the live file holds events that the step does not and that came since.
pub(super) fn build(target: &Path, step: &Step, day: Day, new: &Path) -> Result<Option<Built>> {
    let live = target.join(day.file_name());
    if !live.exists() || since_in(target, step, day)? == 0 {
        return Ok(None);
    }
    let built = new.join(day.file_name());
    let kept = step.kept(target, day);
    match &kept {
        Some(kept) => fault::step()
            .and_then(|()| fs::copy(kept, &built))
            .map(drop)
            .map_err(Error::io(&built, "copy the kept day"))?,
        None => plain::make(&open_writer(&built)?, &built)?,
    }
    let conn = open_reader(&live)?;
    let after = difference::recorded_after(step, day, &conn)
        .map_err(Error::sqlite(&live, "look for what was recorded since"))?;
    drop(conn);
    let since = Since {
        after,
        gaps_from_ms: kept.as_deref().map_or(Ok(i64::MIN), known_to)?,
    };
    let (_, seen) = merge::merge_day(day, &live, &built, &since)?;
    Ok(Some(Built { day, seen }))
}

/// Adds what was committed since the day was built; gives the number of events that came.
pub(super) fn catch_up(target: &Path, new: &Path, built: &Built) -> Result<u64> {
    let (live, path) = (
        target.join(built.day.file_name()),
        new.join(built.day.file_name()),
    );
    let (came, _) = merge::merge_day(built.day, &live, &path, &Since::after(built.seen))?;
    if came > 0 {
        index(new, built.day)?;
    }
    Ok(came)
}

/// Lists the changes that no block of the built day lists yet, and leaves the day sealed.
fn index(new: &Path, day: Day) -> Result<()> {
    let path = new.join(day.file_name());
    DayFile::open(new, day, &Names::default())?
        .seal()
        .map_err(Error::sqlite(&path, "index the built day"))
}

/// How many events of a live day came since the step was left. A kept file that cannot be read is no obstacle where there
/// are none.
pub(super) fn since_in(target: &Path, step: &Step, day: Day) -> Result<u64> {
    let path = target.join(day.file_name());
    let live = open_reader(&path)?;
    let failed = || Error::sqlite(&path, "look for what was recorded since");
    let after = difference::recorded_after(step, day, &live).map_err(failed())?;
    if difference::count_after(&live, after).map_err(failed())? == 0 {
        return Ok(0);
    }
    drop(live);
    Ok(difference::of_day(target, step, day)?.since)
}

/// Up to when a kept day was recorded: a gap in what came since begins no earlier.
fn known_to(kept: &Path) -> Result<i64> {
    let conn = plain::open_foreign(kept).map_err(Error::sqlite(kept, "open the kept day"))?;
    check_schema(&conn, kept)?;
    conn.query_row(
        "SELECT max(coalesce((SELECT max(id) >> 12 FROM changes), 0),
                    coalesce((SELECT value FROM meta WHERE key = 'alive_ms'), 0))",
        [],
        |row| row.get(0),
    )
    .map_err(Error::sqlite(kept, "read its end"))
}

/// Notes in each kept day that the store does not hold that it comes just now, however old it is.
pub(super) fn note_arrivals(target: &Path, step: &Step, days: &[Day], came_ms: i64) -> Result<()> {
    for day in days {
        let (Some(kept), live) = (step.kept(target, *day), target.join(day.file_name())) else {
            continue;
        };
        // A damaged file returns as it was.
        if live.exists() || damage(&kept)?.is_some() {
            continue;
        }
        let noted = fault::step()
            .map_err(Error::io(&kept, "note when the day came"))
            .and_then(|()| open_writer(&kept))
            .and_then(|conn| {
                plain::make(&conn, &kept)?;
                arrival::note(&conn, came_ms)
                    .map_err(Error::sqlite(&kept, "note when the day came"))
            });
        noted?;
    }
    Ok(())
}

/// Folds each kept file's log into it where possible. A damaged file, which may be why the restore was made, returns
/// with its companions as it was.
pub(super) fn fold_logs(target: &Path, step: &Step, days: &[Day]) {
    for path in days.iter().filter_map(|day| step.kept(target, *day)) {
        if !companions::belong_to(&path) {
            continue;
        }
        let folded = rusqlite::Connection::open(&path)
            .map_err(Error::sqlite(&path, "open the kept day"))
            .and_then(|conn| plain::make(&conn, &path))
            .and_then(|()| draft::sync_file(&path));
        if let Err(error) = folded {
            tracing::warn!(%error, "a kept day returns with its log beside it");
        }
    }
}
