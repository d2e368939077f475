//! A restore that keeps newer events: merges the live days' rows into the built days by id.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use crate::disk::{scratch, uri};
use crate::error::{Error, Result};
use crate::restore::mended::{Mended, shorten_gaps};
use crate::restore::swap::built_path;
use crate::store::day::Day;
use crate::store::dictionary;
use crate::store::schema::check_schema;
use crate::store::state_digest::FORGET;

/// How far each day was merged. The rest follows while the recorder is paused.
#[derive(Debug)]
pub(crate) struct Kept {
    days: Vec<(Day, i64)>,
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
            let (_, seen) = merge_day(&live, &built, -1)?;
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
            came += merge_day(&target.join(day.file_name()), &built, seen)?.0;
            crate::disk::draft::sync_file(&built)?;
        }
        Ok(came)
    }
}

/// Gives the number of events that were added, and the highest id seen in the live file.
fn merge_day(live: &Path, built: &Path, after: i64) -> Result<(u64, i64)> {
    let conn = scratch::open(built)?;
    // A live day that cannot be read cannot be kept: fails before anything is changed.
    let readable = crate::store::schema::open_reader(live)?;
    check_schema(&readable, live)?;
    drop(readable);
    let run = || -> rusqlite::Result<(u64, i64)> {
        uri::attach(&conn, live, "live")?;
        conn.execute_batch("BEGIN")?;
        let seen: i64 = conn.query_row(
            "SELECT max(coalesce((SELECT max(id) FROM live.changes), -1), ?1)",
            [after],
            |row| row.get(0),
        )?;
        unite_series(&conn)?;
        let first_new: Option<i64> = conn.query_row(
            "SELECT min(id) FROM live.changes l WHERE l.id > ?1
             AND NOT EXISTS (SELECT 1 FROM main.changes c WHERE c.id = l.id)",
            [after],
            |row| row.get(0),
        )?;
        let mut added = 0;
        if let Some(first) = first_new {
            for sql in [SAME_RULE, OTHER_RULE] {
                added += conn.execute(sql, [first])? as u64;
            }
            // A block must list all its changes. Removes the blocks from the first new change on; the next writer makes
            // them again.
            conn.execute("DELETE FROM main.postings WHERE block IN (SELECT first FROM main.blocks WHERE last >= ?1)", [first])?;
            conn.execute("DELETE FROM main.blocks WHERE last >= ?1", [first])?;
        }
        conn.execute_batch(REST)?;
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

/// The same series may have another number and other rules in each file.
fn unite_series(conn: &Connection) -> rusqlite::Result<()> {
    let columns = dictionary::listed(str::to_owned);
    let alike = |columns: &[&str], is: &str| {
        let pairs = columns.iter().map(|name| format!("l.{name} {is} m.{name}"));
        pairs.collect::<Vec<_>>().join(" AND ")
    };
    let same_rules = alike(&dictionary::RULES, "IS");
    let same_name = alike(&dictionary::NAMED, "=");
    conn.execute_batch(&format!(
        "INSERT INTO main.series ({columns}) SELECT {columns} FROM live.series WHERE true ON CONFLICT DO NOTHING;
         CREATE TEMP TABLE same AS
         SELECT l.id AS live, m.id AS main, ({same_rules}) AS rules
         FROM live.series l JOIN main.series m ON {same_name};
         CREATE UNIQUE INDEX temp.same_live ON same (live);"
    ))
}

const SAME_RULE: &str = "
    INSERT OR IGNORE INTO main.changes (id, series, value, string, position, at)
    SELECT l.id, s.main, l.value, l.string, l.position, l.at
    FROM live.changes l JOIN temp.same s ON s.live = l.series WHERE l.id >= ?1 AND s.rules";

/// Where rules differ, strings and positions are written out.
const OTHER_RULE: &str = "
    INSERT OR IGNORE INTO main.changes (id, series, value, string, position, at)
    SELECT l.id, s.main, l.value, coalesce(e.string_value, x''), coalesce(e.position, x''), l.at
    FROM live.changes l JOIN temp.same s ON s.live = l.series JOIN live.events e ON e.id = l.id
    WHERE l.id >= ?1 AND NOT s.rules";

const REST: &str = "
    INSERT OR IGNORE INTO main.keyframes SELECT id, reason, count FROM live.keyframes;
    INSERT OR IGNORE INTO main.keyframe_states (keyframe, series, value, string, position)
    SELECT k.keyframe, s.main, k.value, k.string, k.position
    FROM live.keyframe_states k JOIN temp.same s ON s.live = k.series;
    INSERT OR IGNORE INTO main.gaps SELECT id, from_ms, to_ms, why FROM live.gaps;
    INSERT INTO main.quarantine (at_ms, series, value, string, reason)
    SELECT at_ms, series, value, string, reason FROM live.quarantine
    EXCEPT SELECT at_ms, series, value, string, reason FROM main.quarantine;
    INSERT OR REPLACE INTO main.meta SELECT key, value FROM live.meta;
    DROP TABLE temp.same;";
