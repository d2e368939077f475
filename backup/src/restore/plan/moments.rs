//! Moments looked up in a backup with the segments after it, and in a single day file.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::archive::format::manifest::DayPart;
use crate::archive::look::assemble;
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::disk::plain;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::id::EventId;
use crate::store::moment::Record;
use crate::store::stretches::{self, Stretch, Stretches};

const NAME: &str = "day.db";

/// What a restore can bring back. Days are inflated into scratch where their stretches do not tell enough.
pub(super) struct Archived<'a> {
    archive: &'a Archive,
    parts: BTreeMap<Day, &'a DayPart>,
    /// Ids and wall times of what segments add, in order.
    shipped: BTreeMap<Day, Vec<(i64, i64)>>,
    /// The day inflated last.
    open: Option<(Day, Connection, TempDir)>,
}

impl<'a> Archived<'a> {
    pub(super) fn new(
        archive: &'a Archive,
        parts: BTreeMap<Day, &'a DayPart>,
        tail: &Tail,
    ) -> Result<Archived<'a>> {
        Ok(Archived {
            archive,
            parts,
            shipped: tail.events()?,
            open: None,
        })
    }

    /// How many events of a part lie at or before an id.
    pub(super) fn count_until(&mut self, day: Day, until: EventId) -> Result<u64> {
        let count = self.look(day, |conn| {
            let sql = "SELECT count(*) FROM changes WHERE id <= ?1";
            conn.query_row(sql, [until.0], |row| row.get(0))
        })?;
        Ok(count.unwrap_or(0))
    }

    /// Asks the day as the backup holds it; `None` where it does not hold it.
    fn look<T>(
        &mut self,
        day: Day,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let Some(part) = self.parts.get(&day) else {
            return Ok(None);
        };
        let (conn, scratch) = match self.open.take() {
            Some((open, conn, scratch)) if open == day => (conn, scratch),
            _ => {
                let place = &*self.archive.place;
                let scratch = place.scratch_to_read()?;
                assemble::day(place, part, None, scratch.path(), NAME, &mut |_, _| {})?;
                (plain::open(&scratch.path().join(NAME))?, scratch)
            }
        };
        let path = scratch.path().join(NAME);
        let answer = ask(&conn).map_err(Error::sqlite(&path, "look for a moment"));
        self.open = Some((day, conn, scratch));
        answer.map(Some)
    }

    /// The last event that the backup itself holds of a day.
    fn held_to(&self, day: Day) -> i64 {
        let part = self.parts.get(&day);
        part.and_then(|part| part.to_id).unwrap_or(-1)
    }
}

impl Record for Archived<'_> {
    fn days(&mut self) -> Result<Vec<Day>> {
        let days: BTreeSet<Day> = self
            .parts
            .keys()
            .chain(self.shipped.keys())
            .copied()
            .collect();
        Ok(days.into_iter().collect())
    }

    fn stretches(&mut self, day: Day) -> Result<Vec<Stretch>> {
        let known = self.parts.get(&day).map(|part| part.stretches.clone());
        let held = match known {
            Some(None) => self.look(day, stretches::of)?.unwrap_or_default(),
            known => known.flatten().unwrap_or_default(),
        };
        let mut stretches = Stretches::from(&held);
        for (id, at_ms) in self.shipped.get(&day).into_iter().flatten() {
            stretches.push_event(*id, *at_ms);
        }
        Ok(stretches.finish())
    }

    fn last_until(&mut self, day: Day, stretch: &Stretch, ms: i64) -> Result<Option<i64>> {
        let shipped = self.shipped.get(&day).into_iter().flatten().rev();
        let mut within = shipped.filter(|(id, _)| (stretch.first..=stretch.last).contains(id));
        if let Some((id, _)) = within.find(|(_, at_ms)| *at_ms <= ms) {
            return Ok(Some(*id));
        }
        let held = Stretch {
            last: stretch.last.min(self.held_to(day)),
            ..*stretch
        };
        if held.last < held.first {
            return Ok(None);
        }
        if stretch.high_ms.saturating_add(stretches::STEP_MS) <= ms {
            return Ok(Some(held.last));
        }
        let found = self.look(day, |conn| stretches::last_until(conn, &held, ms))?;
        Ok(found.flatten())
    }

    fn next_after(&mut self, day: Day, id: i64) -> Result<Option<i64>> {
        let part = self.parts.get(&day);
        let (first, last) = (part.and_then(|part| part.from_id), self.held_to(day));
        if let Some(first) = first.filter(|first| *first > id) {
            return Ok(Some(first));
        }
        if id < last {
            return Ok(self
                .look(day, |conn| stretches::next_after(conn, id))?
                .flatten());
        }
        let mut shipped = self.shipped.get(&day).into_iter().flatten();
        Ok(shipped
            .find(|(shipped, _)| *shipped > id)
            .map(|(id, _)| *id))
    }
}

/// One day file that lies anywhere.
pub(super) struct SingleDay<'c> {
    pub(super) conn: &'c Connection,
    pub(super) path: &'c std::path::Path,
    pub(super) day: Day,
}

impl SingleDay<'_> {
    fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        Error::sqlite(self.path, "look for a moment")
    }
}

impl Record for SingleDay<'_> {
    fn days(&mut self) -> Result<Vec<Day>> {
        Ok(vec![self.day])
    }

    fn stretches(&mut self, _: Day) -> Result<Vec<Stretch>> {
        stretches::of(self.conn).map_err(self.failed())
    }

    fn last_until(&mut self, _: Day, stretch: &Stretch, ms: i64) -> Result<Option<i64>> {
        stretches::last_until(self.conn, stretch, ms).map_err(self.failed())
    }

    fn next_after(&mut self, _: Day, id: i64) -> Result<Option<i64>> {
        stretches::next_after(self.conn, id).map_err(self.failed())
    }
}
