//! What taking a step would bring and drop of one day: by digests where one file continues the other, otherwise event by
//! event.

use std::path::Path;

use rusqlite::Connection;

use crate::disk::{companions, plain, uri};
use crate::error::{Error, Result};
use crate::restore::same_event;
use crate::restore::steps::Step;
use crate::store::day::Day;
use crate::store::folder::count_changes;
use crate::store::id::EventId;
use crate::store::row_digest::{self, RowDigest, Trust};
use crate::store::schema::{check_schema, open_reader};
use crate::store::unite;

/// Events that come and go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Difference {
    /// Only in the kept file.
    pub(super) gained: u64,
    /// Only in the live one.
    pub(super) lost: u64,
    /// Of those the ones that were recorded since the step was left.
    pub(super) since: u64,
}

/// Before this id the live day is what the exchange brought in.
const ALL: i64 = -1;

/// Compares a day's kept file with its live one.
pub(super) fn of_day(target: &Path, step: &Step, day: Day) -> Result<Difference> {
    let kept = step.kept(target, day);
    let live = target.join(day.file_name());
    let live = live.exists().then_some(live);
    let kept_conn = kept.as_deref().map(open_kept).transpose()?;
    let live_conn = live.as_deref().map(open_reader).transpose()?;
    let counted = match (&kept_conn, &live_conn) {
        (None, None) => return Ok(Difference::default()),
        (Some(kept), None) => count_changes(kept).map(|gained| Difference {
            gained,
            ..Difference::default()
        }),
        (None, Some(live)) => only_live(step, day, live),
        (Some(kept), Some(live)) => both(target, step, day, kept, live),
    };
    let path = live.or(kept).unwrap_or_default();
    counted.map_err(Error::sqlite(&path, "compare it with the kept file"))
}

/// The id after which the rows of a live day were recorded since the step was left.
pub(super) fn recorded_after(step: &Step, day: Day, live: &Connection) -> rusqlite::Result<i64> {
    let Some(brought) = &step.record.brought else {
        // A step of an older program.
        return Ok(EventId::last_of_ms(step.record.made_at_ms).0);
    };
    let name = day.to_string();
    let Some(part) = brought.iter().find(|part| part.day == name) else {
        return Ok(ALL);
    };
    let to_id = part.to_id.unwrap_or(ALL);
    // Where something was added or removed by hand, nobody knows what is of when.
    let untouched = count_until(live, to_id)? == part.events;
    Ok(if untouched { to_id } else { ALL })
}

/// Opens a kept file, which nobody writes to.
fn open_kept(path: &Path) -> Result<Connection> {
    let conn = plain::open_foreign(path).map_err(Error::sqlite(path, "open the kept day"))?;
    check_schema(&conn, path)?;
    Ok(conn)
}

fn only_live(step: &Step, day: Day, live: &Connection) -> rusqlite::Result<Difference> {
    let after = recorded_after(step, day, live)?;
    Ok(Difference {
        gained: 0,
        lost: count_changes(live)?,
        since: count_after(live, after)?,
    })
}

fn both(
    target: &Path,
    step: &Step,
    day: Day,
    kept: &Connection,
    live: &Connection,
) -> rusqlite::Result<Difference> {
    let after = recorded_after(step, day, live)?;
    if digest(kept, i64::MAX)? == digest(live, last_id(kept)?)? {
        return Ok(Difference {
            gained: 0,
            lost: count_changes(live)? - count_changes(kept)?,
            since: count_after(live, after.max(last_id(kept)?))?,
        });
    }
    if digest(live, i64::MAX)? == digest(kept, last_id(live)?)? {
        return Ok(Difference {
            gained: count_changes(kept)? - count_changes(live)?,
            ..Difference::default()
        });
    }
    event_by_event(target, step, day, after)
}

fn event_by_event(
    target: &Path,
    step: &Step,
    day: Day,
    after: i64,
) -> rusqlite::Result<Difference> {
    let conn = Connection::open_in_memory()?;
    conn.execute_batch("PRAGMA trusted_schema = OFF")?;
    let kept = target.join(step.files()).join(day.file_name());
    // Read as it lies there: nothing may appear beside it.
    let kept = match companions::belong_to(&kept) {
        true => uri::plain(&kept),
        false => uri::immutable(&kept),
    };
    conn.execute("ATTACH ?1 AS kept", [kept])?;
    uri::attach(&conn, &target.join(day.file_name()), "live")?;
    conn.execute_batch("BEGIN")?;
    unite::matches(&conn, "kept", "live")?;
    let count = |query: &str, after: i64| {
        let sql = format!("SELECT count(*) FROM ({query}) WHERE id > {after}");
        conn.query_row(&sql, [], |row| row.get::<_, u64>(0))
    };
    let altered = count(&same_event::altered("a.id", "kept", "live"), ALL)?;
    let only_live = same_event::only_in("a.id", "live", "kept");
    Ok(Difference {
        gained: count(&same_event::only_in("a.id", "kept", "live"), ALL)? + altered,
        lost: count(&only_live, ALL)? + altered,
        since: count(&only_live, after)?,
    })
}

/// The digest of what a day holds up to an id.
fn digest(conn: &Connection, until: i64) -> rusqlite::Result<RowDigest> {
    let all = row_digest::until(conn, "main", until, Trust::Kept, &mut |_| Ok(()))?;
    Ok(all.now())
}

fn last_id(conn: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(id), -1) FROM changes";
    conn.query_row(sql, [], |row| row.get(0))
}

fn count_until(conn: &Connection, last: i64) -> rusqlite::Result<u64> {
    Ok(count_changes(conn)?.saturating_sub(count_after(conn, last)?))
}

pub(super) fn count_after(conn: &Connection, last: i64) -> rusqlite::Result<u64> {
    if last < 0 {
        return count_changes(conn);
    }
    let sql = "SELECT count(*) FROM changes WHERE id > ?1";
    conn.query_row(sql, [last], |row| row.get(0))
}
