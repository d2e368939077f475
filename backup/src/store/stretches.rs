//! The stretches of a record: runs of events, in the order of ids, in which nobody set the wall clock back.

use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

use crate::store::id::EventId;

/// Wall times of neighbours differ by as much in either direction without a step of the clock.
pub(crate) const STEP_MS: i64 = 1_000;
/// A wall time that is ahead of the one before by more begins a stretch, too: what lies between did not happen there.
const HOLE_MS: i64 = 86_400_000;

/// A run of events whose wall time only rises, save by less than a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    /// The ids of its first and last event.
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// The wall times in it, from the earliest to the latest, to a second.
    pub(crate) low_ms: i64,
    pub(crate) high_ms: i64,
}

impl Stretch {
    /// Whether a later one goes on where this one ends.
    pub(crate) fn goes_on_in(&self, later: &Stretch) -> bool {
        let ahead = later.low_ms.saturating_sub(self.high_ms);
        (-STEP_MS..=HOLE_MS).contains(&ahead)
    }
}

/// Stretches in the making, from runs of events in the order of ids.
#[derive(Debug, Default)]
pub(crate) struct Stretches(Vec<Stretch>);

impl Stretches {
    /// Those that are known so far.
    pub(crate) fn from(known: &[Stretch]) -> Stretches {
        Stretches(known.to_vec())
    }

    /// Adds a run of events in which the clock was not set.
    pub(crate) fn push(&mut self, run: Stretch) {
        match self.0.last_mut() {
            Some(last) if last.goes_on_in(&run) => {
                last.last = run.last;
                last.low_ms = last.low_ms.min(run.low_ms);
                last.high_ms = last.high_ms.max(run.high_ms);
            }
            _ => self.0.push(run),
        }
    }

    /// Adds one event.
    pub(crate) fn push_event(&mut self, id: i64, at_ms: i64) {
        self.push(Stretch {
            first: id,
            last: id,
            low_ms: at_ms,
            high_ms: at_ms,
        });
    }

    pub(crate) fn finish(self) -> Vec<Stretch> {
        self.0
    }
}

/// The stretches of a day file. Events whose wall time is that of their id need not be read one by one.
pub(crate) fn of(conn: &Connection) -> rusqlite::Result<Vec<Stretch>> {
    let mut stretches = Stretches::default();
    let mut between = conn.prepare(
        "SELECT (SELECT id FROM changes WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT 1),
                (SELECT id FROM changes WHERE id > ?1 AND id < ?2 ORDER BY id DESC LIMIT 1)",
    )?;
    let mut push_between = |stretches: &mut Stretches, after, before| -> rusqlite::Result<()> {
        let ends = between.query_row([after, before], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let (Some(first), Some(last)) = ends {
            stretches.push(Stretch {
                first,
                last,
                low_ms: EventId(first).ms(),
                high_ms: EventId(last).ms(),
            });
        }
        Ok(())
    };
    let index = if has_index(conn)? {
        "INDEXED BY late"
    } else {
        ""
    };
    let mut stepped = conn.prepare(&format!(
        "SELECT id, at FROM changes {index} WHERE at IS NOT NULL AND abs((id >> 12) - at) > {STEP_MS} ORDER BY id"
    ))?;
    let mut rows = stepped.query([])?;
    let mut seen = -1;
    while let Some(row) = rows.next()? {
        let (id, at_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
        if id > seen + 1 {
            push_between(&mut stretches, seen, id)?;
        }
        stretches.push_event(id, at_ms);
        seen = id;
    }
    push_between(&mut stretches, seen, i64::MAX)?;
    Ok(stretches.finish())
}

/// Passes on the events of a span whose wall time is not that of their id: id, series, wall time.
pub(crate) fn each_late(
    conn: &Connection,
    low: i64,
    high: i64,
    note: &mut dyn FnMut(i64, i64, i64),
) -> rusqlite::Result<()> {
    let index = if has_index(conn)? {
        "INDEXED BY late"
    } else {
        ""
    };
    let mut query = conn.prepare(&format!(
        "SELECT id, series, at FROM changes {index} WHERE at IS NOT NULL AND id BETWEEN ?1 AND ?2 ORDER BY id"
    ))?;
    let mut rows = query.query([low, high])?;
    while let Some(row) = rows.next()? {
        note(row.get(0)?, row.get(1)?, row.get(2)?);
    }
    Ok(())
}

/// Day files of older versions have no index of the events whose wall time is not that of their id.
fn has_index(conn: &Connection) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'late'")?
        .exists([])
}

/// The last event of a stretch at or before a moment. Searches by halves, as the wall time rises.
pub(crate) fn last_until(
    conn: &Connection,
    stretch: &Stretch,
    ms: i64,
) -> rusqlite::Result<Option<i64>> {
    let mut wall = conn.prepare_cached(
        "SELECT id, coalesce(at, id >> 12) FROM changes WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1",
    )?;
    // Behind the first event that is later by a second none is at or before the moment.
    let (mut low, mut high) = (stretch.first, stretch.last);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = wall
            .query_row([middle, high], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match found {
            Some((id, at_ms)) if at_ms <= ms.saturating_add(STEP_MS) => low = id + 1,
            _ => high = middle,
        }
    }
    conn.prepare_cached(
        "SELECT id FROM changes WHERE id BETWEEN ?1 AND ?2 AND coalesce(at, id >> 12) <= ?3 ORDER BY id DESC LIMIT 1",
    )?
    .query_row([stretch.first, high.min(stretch.last), ms], |row| row.get(0))
    .optional()
}

/// The first event after an id.
pub(crate) fn next_after(conn: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT id FROM changes WHERE id > ?1 ORDER BY id LIMIT 1")?
        .query_row([id], |row| row.get(0))
        .optional()
}
