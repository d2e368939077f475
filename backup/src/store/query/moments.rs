//! Moments looked up in the store's day files.

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::event::ClockStep;
use crate::store::folder::Store;
use crate::store::moment::{self, At, Cut, Record, Repeated};
use crate::store::stretches::{self, Stretch};

impl Store {
    /// What is to be said of a moment that happened more than once, as the clock was set back over it.
    ///
    /// # Errors
    /// When a day file cannot be read, or the moment did not happen as often as asked.
    pub fn repeated(&self, at: impl Into<At>) -> Result<Option<Repeated>> {
        Ok(moment::resolve(&mut Days::of(self), at.into())?.1)
    }

    /// The steps of the wall clock that the recorder saw, in their order. Day files of older versions have none.
    ///
    /// # Errors
    /// When a day file cannot be read.
    pub fn clock_steps(&self) -> Result<Vec<ClockStep>> {
        let mut steps = Vec::new();
        for day in self.days()? {
            steps.extend(self.day_clock_steps(day)?);
        }
        Ok(steps)
    }

    /// Those that stand in a day's file.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn day_clock_steps(&self, day: Day) -> Result<Vec<ClockStep>> {
        let conn = self.day_reader(day)?;
        let path = self.day_path(day);
        let read = || -> rusqlite::Result<Vec<ClockStep>> {
            let there = "SELECT 1 FROM sqlite_schema WHERE name = 'clock_steps'";
            if !conn.prepare(there)?.exists([])? {
                return Ok(Vec::new());
            }
            conn.prepare("SELECT from_ms, to_ms, how FROM clock_steps ORDER BY id")?
                .query_map([], |row| {
                    Ok(ClockStep {
                        from_ms: row.get(0)?,
                        to_ms: row.get(1)?,
                        how: row.get(2)?,
                    })
                })?
                .collect()
        };
        read().map_err(Error::sqlite(&path, "read the steps of the clock"))
    }

    /// A moment's place in the order of events.
    pub(crate) fn cut(&self, at: At) -> Result<Cut> {
        Ok(moment::resolve(&mut Days::of(self), at)?.0)
    }

    /// The first and last id that a span can hold.
    pub(crate) fn span(&self, since_ms: Option<i64>, until_ms: Option<i64>) -> Result<(i64, i64)> {
        let low = match since_ms {
            // Everything that does not belong to the moment before.
            Some(since_ms) => {
                let before = self.cut(since_ms.saturating_sub(1).into())?;
                before.until.0.saturating_add(1)
            }
            None => 0,
        };
        let high = match until_ms {
            Some(until_ms) => self.cut(until_ms.into())?.until.0,
            None => i64::MAX,
        };
        Ok((low, high))
    }
}

/// The day files, one of them open at a time.
struct Days<'s> {
    store: &'s Store,
    open: Option<(Day, Connection)>,
}

impl<'s> Days<'s> {
    fn of(store: &'s Store) -> Days<'s> {
        Days { store, open: None }
    }

    fn look<T>(
        &mut self,
        day: Day,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let conn = match self.open.take() {
            Some((open, conn)) if open == day => conn,
            _ => self.store.day_reader(day)?,
        };
        let answer = ask(&conn).map_err(Error::sqlite(
            &self.store.day_path(day),
            "look for a moment",
        ));
        self.open = Some((day, conn));
        answer
    }
}

impl Record for Days<'_> {
    fn days(&mut self) -> Result<Vec<Day>> {
        self.store.days()
    }

    fn stretches(&mut self, day: Day) -> Result<Vec<Stretch>> {
        self.look(day, stretches::of)
    }

    fn last_until(&mut self, day: Day, stretch: &Stretch, ms: i64) -> Result<Option<i64>> {
        self.look(day, |conn| stretches::last_until(conn, stretch, ms))
    }

    fn next_after(&mut self, day: Day, id: i64) -> Result<Option<i64>> {
        self.look(day, |conn| stretches::next_after(conn, id))
    }
}
