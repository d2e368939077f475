//! A restore that keeps newer events: merges the live days' rows into the built days by id.

use std::collections::BTreeSet;
use std::path::Path;

use crate::disk::{scratch, uri};
use crate::error::{Error, Result};
use crate::restore::mended::{Mended, shorten_gaps};
use crate::restore::swap::built_path;
use crate::store::day::Day;
use crate::store::id::EventId;
use crate::store::schema::{bring_up_to_date, check_schema};
use crate::store::state_digest::FORGET;
use crate::store::unite::{self, Taken};

/// How far each day was merged. The rest follows while the recorder is paused.
#[derive(Debug)]
pub(crate) struct Kept {
    days: Vec<(Day, i64)>,
}

/// What is merged of a live day.
pub(super) struct Since {
    /// Rows with later ids.
    pub(super) after: i64,
    /// A gap begins no earlier: what was recorded before this moment is in the built day.
    pub(super) gaps_from_ms: i64,
}

impl Since {
    pub(super) fn after(after: i64) -> Since {
        Since {
            after,
            gaps_from_ms: i64::MIN,
        }
    }
}

/// Merges the live rows of each built day into it; the live files are only read. Gaps that tell of a damaged day are
/// shortened.
pub(crate) fn merge(
    target: &Path,
    new: &Path,
    built: &BTreeSet<Day>,
    mends: &[Mended],
) -> Result<Kept> {
    let mut days = Vec::new();
    for &day in built {
        let live = target.join(day.file_name());
        if live.exists() {
            let built = new.join(day.file_name());
            let (_, seen) = merge_day(day, &live, &built, &Since::after(-1))?;
            shorten_gaps(&built, mends)?;
            days.push((day, seen));
        }
    }
    Ok(Kept { days })
}

impl Kept {
    /// Merges what was committed since; gives the number of events that came.
    pub(crate) fn catch_up(&self, target: &Path) -> Result<u64> {
        let mut came = 0;
        for &(day, seen) in &self.days {
            let built = built_path(target, day);
            let live = target.join(day.file_name());
            came += merge_day(day, &live, &built, &Since::after(seen))?.0;
            crate::disk::draft::sync_file(&built)?;
        }
        Ok(came)
    }
}

/// Gives the number of events that were added, and the highest id seen in the live file.
pub(super) fn merge_day(day: Day, live: &Path, built: &Path, since: &Since) -> Result<(u64, i64)> {
    let mut conn = scratch::open(built)?;
    bring_up_to_date(&mut conn, built)?;
    // A live day that cannot be read cannot be kept: fails before anything is changed.
    let readable = crate::store::schema::open_reader(live)?;
    check_schema(&readable, live)?;
    drop(readable);
    let run = || -> rusqlite::Result<(u64, i64)> {
        uri::attach(&conn, live, "live")?;
        conn.execute_batch("BEGIN")?;
        let seen: i64 = conn.query_row(
            "SELECT max(coalesce((SELECT max(id) FROM live.changes), -1), ?1)",
            [since.after],
            |row| row.get(0),
        )?;
        unite::series(&conn, "live")?;
        let same = since.after.max(unite::common(&conn, "live")?);
        let last = EventId::last_of_ms(day.end_ms() - 1).0;
        let mut added = unite::displaced(&conn, "live", same, last)?;
        let first_new: Option<i64> = conn.query_row(
            "SELECT min(id) FROM live.changes l WHERE l.id > ?1
             AND NOT EXISTS (SELECT 1 FROM main.changes c WHERE c.id = l.id)",
            [same],
            |row| row.get(0),
        )?;
        if let Some(first) = first_new {
            added += unite::changes(&conn, "live", first - 1, Taken::Keep)?;
        }
        if added > 0 {
            // Removes the blocks and digests from the first new change on; the next writer makes them again.
            conn.execute("DELETE FROM main.postings WHERE block IN (SELECT first FROM main.blocks WHERE last > ?1)", [same])?;
            conn.execute("DELETE FROM main.blocks WHERE last > ?1", [same])?;
            conn.execute("DELETE FROM main.digests WHERE id > ?1", [same])?;
        }
        unite::keyframes(&conn, "live", since.after, Taken::Keep)?;
        unite::rest(&conn, "live", since.after, since.gaps_from_ms)?;
        unite::forget(&conn)?;
        conn.execute_batch("INSERT OR REPLACE INTO main.meta SELECT key, value FROM live.meta;")?;
        // Neither recorder's digest holds for the merged day.
        conn.execute_batch(FORGET)?;
        conn.execute_batch("COMMIT; DETACH live;")?;
        Ok((added, seen))
    };
    let merged = run().map_err(Error::sqlite(built, "merge what was recorded since"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(built, "close the built day")(error))?;
    Ok(merged)
}
