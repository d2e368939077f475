//! What a restore would change: the events of archived and live days counted against each other.

use std::path::Path;

use rusqlite::Connection;

use super::RestorePlan;
use crate::archive::manifest::DayPart;
use crate::archive::{Archive, assemble, scratch, snapshot};
use crate::day::Day;
use crate::error::{Error, Result};
use crate::id::EventId;
use crate::store::Store;

impl Archive {
    /// How many events of an archived day lie at or before an id.
    pub(super) fn count_until(&self, part: &DayPart, until: EventId) -> Result<u64> {
        let scratch = scratch::folder(&scratch::place(&self.dir))?;
        assemble::day(
            &self.dir,
            part,
            Some(until),
            scratch.path(),
            "day.db",
            &mut |_, _| {},
        )?;
        let path = scratch.path().join("day.db");
        snapshot::open_plain(&path)?
            .query_row(
                "SELECT count(*) FROM changes WHERE id <= ?1",
                [until.0],
                |row| row.get(0),
            )
            .map_err(Error::sqlite(&path, "count its events"))
    }
}

impl RestorePlan {
    /// Compares one archived day with the live one. Both are prefixes of the same history, or one lacks a part of it:
    /// so counts on both sides of the last restored id tell what comes and goes.
    pub(super) fn compare(
        &mut self,
        live: Option<Day>,
        part: Option<&DayPart>,
        restored: u64,
        last: EventId,
    ) {
        let Some(day) = live else {
            self.events_gained += restored;
            return;
        };
        let path = self.target.join(day.file_name());
        let unchanged = part.is_some_and(|part| {
            restored == part.events
                && part.source.is_some()
                && part.source == snapshot::at_rest(&path)
        });
        if unchanged {
            return;
        }
        match self.live_counts(day, last) {
            Some((before, after)) => {
                self.events_gained += restored.saturating_sub(before);
                self.events_lost += before.saturating_sub(restored) + after;
            }
            None => self.events_gained += restored,
        }
    }

    pub(super) fn lose_all(&mut self, day: Day) {
        if let Some((total, _)) = self.live_count(day) {
            self.events_lost += total;
        }
    }

    pub(super) fn live_count(&mut self, day: Day) -> Option<(u64, u64)> {
        self.live_counts(day, EventId(i64::MAX))
    }

    /// Live events up to and after an id; `None`, with a note, where the file cannot be read: that is often why one
    /// restores.
    fn live_counts(&mut self, day: Day, last: EventId) -> Option<(u64, u64)> {
        let path = self.target.join(day.file_name());
        let counted = (|| -> Result<(u64, u64)> {
            let conn: Connection = crate::schema::open_reader(&path)?;
            let failed = || Error::sqlite(&path, "count its events");
            let total = crate::store::count_changes(&conn).map_err(failed())?;
            let after: u64 = conn
                .query_row(
                    "SELECT count(*) FROM changes WHERE id > ?1",
                    [last.0],
                    |row| row.get(0),
                )
                .map_err(failed())?;
            Ok((total.saturating_sub(after), after))
        })();
        counted
            .map_err(|error| {
                self.notes.push(format!(
                    "the present file of {day} cannot be counted: {error}"
                ));
            })
            .ok()
    }
}

pub(super) fn present_days(target: &Path) -> Vec<Day> {
    Store::open(target)
        .and_then(|store| store.days())
        .unwrap_or_default()
}
