//! What a restore would change. Compares each day with the live one: by counts where one continues the other, otherwise
//! event by event.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use rusqlite::Connection;

use crate::archive::format::manifest::DayPart;
use crate::archive::look::at_rest::at_rest;
use crate::archive::look::delta;
use crate::disk::{space, uri};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::restore::days::IfSpoilt;
use crate::restore::plan::outline::{Becomes, RestorePlan};
use crate::restore::same_event;
use crate::store::day::Day;
use crate::store::folder::{Store, count_changes};
use crate::store::id::EventId;
use crate::store::schema::{check_schema, open_reader};
use crate::store::unite;

/// A day as it would be restored.
pub(super) struct DayAfter<'a> {
    pub(super) day: Day,
    pub(super) events: u64,
    pub(super) origin: Origin<'a>,
}

/// What a restored day is built from. Days that may continue the live one come with the highest id that their last
/// event can have.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// A backup, and segments if there are any.
    Archived(&'a DayPart, EventId),
    /// Segments alone: the day began after the backup.
    Segments(EventId),
    /// A file that came from anywhere.
    File,
}

/// How many events of a control a restore brings back and takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlChange {
    /// The control's path, as in the store.
    pub control: String,
    /// Events that would come back.
    pub gained: u64,
    /// Events that would go.
    pub lost: u64,
}

/// Events that come and go, by the control's path.
#[derive(Debug, Default)]
struct Tally(BTreeMap<String, Counts>);

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    /// Only in what is built.
    new: u64,
    /// Only in the live store.
    live: u64,
    /// In both, but edited by hand since: the archived event replaces the edited one.
    altered: u64,
}

impl RestorePlan {
    /// How the events that come and go are spread over the controls, the most affected first. Builds the days that
    /// come back in scratch, so it takes about as long as the restore.
    ///
    /// # Errors
    /// When the archive's disk has no room for that, or a file cannot be read.
    pub fn per_control(&self, progress: &dyn Progress) -> Result<Vec<ControlChange>> {
        let builds = |becomes: Becomes| matches!(becomes, Becomes::New | Becomes::Other);
        let mut tally = if self.days.values().copied().any(builds) {
            self.tally_built(&|day| self.becomes(day).is_some_and(builds), progress)?
        } else {
            Tally::default()
        };
        for (&day, becomes) in &self.days {
            if let Becomes::Shorter(last) = becomes {
                let path = self.target.join(day.file_name());
                tally
                    .lose_after(&path, *last)
                    .map_err(Error::sqlite(&path, "count its events"))?;
            }
        }
        let mut controls: Vec<ControlChange> = tally
            .0
            .into_iter()
            .map(|(control, counts)| ControlChange {
                control,
                gained: counts.new + counts.altered,
                lost: counts.altered + if self.keep_newer { 0 } else { counts.live },
            })
            .filter(|change| change.gained + change.lost > 0)
            .collect();
        controls.sort_by_key(|change| std::cmp::Reverse(change.gained + change.lost));
        Ok(controls)
    }

    fn becomes(&self, day: Day) -> Option<Becomes> {
        self.days.get(&day).copied()
    }

    /// Finds out what comes and goes in each restored day, and in the live days that a backup does not have.
    pub(super) fn compare(&mut self, restored: &[DayAfter<'_>], others_go: bool) {
        let mut others = BTreeSet::new();
        for after in restored {
            self.events += after.events;
            let becomes = self.look(after);
            match becomes {
                Becomes::Same => {}
                Becomes::New => self.events_gained += after.events,
                Becomes::Shorter(last) => self.lose(after.day, last),
                Becomes::Other => drop(others.insert(after.day)),
            }
            self.days.insert(after.day, becomes);
        }
        if !others.is_empty() {
            self.compare_others(restored, &others);
        }
        if others_go {
            let none = EventId(-1);
            for day in present_days(&self.target) {
                if !self.days.contains_key(&day) {
                    self.lose(day, none);
                    self.days.insert(day, Becomes::Shorter(none));
                }
            }
        }
    }

    /// Compares days of another history event by event. A day that cannot be compared counts as entirely different.
    fn compare_others(&mut self, restored: &[DayAfter<'_>], others: &BTreeSet<Day>) {
        match self.tally_built(&|day| others.contains(&day), &()) {
            Ok(tally) => {
                for counts in tally.0.values() {
                    self.events_gained += counts.new + counts.altered;
                    self.events_lost += counts.live + counts.altered;
                    self.altered += counts.altered;
                }
            }
            Err(error) => {
                self.notes.push(format!(
                    "the days were not compared event by event, so all of their events count as coming and going: {error}"
                ));
                for after in restored.iter().filter(|after| others.contains(&after.day)) {
                    self.events_gained += after.events;
                    self.lose(after.day, EventId(-1));
                }
            }
        }
    }

    fn look(&mut self, after: &DayAfter<'_>) -> Becomes {
        let path = self.target.join(after.day.file_name());
        if matches!(path.try_exists(), Ok(false)) {
            return Becomes::New;
        }
        let unchanged = matches!(after.origin, Origin::Archived(part, _)
            if after.events == part.events
                && part.source.is_some()
                && part.source == at_rest(&path));
        if unchanged {
            return Becomes::Same;
        }
        live_becomes(&path, after).unwrap_or_else(|error| {
            // An unreadable file is often the reason for the restore.
            self.notes.push(format!(
                "the present file of {} cannot be read, so what goes with it is not counted: {error}",
                after.day
            ));
            Becomes::New
        })
    }

    /// Everything after an id goes from a live day.
    fn lose(&mut self, day: Day, last: EventId) {
        let path = self.target.join(day.file_name());
        let counted = open_reader(&path).and_then(|conn| {
            count_after(&conn, last).map_err(Error::sqlite(&path, "count its events"))
        });
        match counted {
            Ok(lost) => self.events_lost += lost,
            Err(error) => self
                .notes
                .push(format!("what goes from {day} cannot be counted: {error}")),
        }
    }

    /// Builds the wanted days in scratch and holds them against the live ones.
    fn tally_built(&self, wanted: &dyn Fn(Day) -> bool, progress: &dyn Progress) -> Result<Tally> {
        let mut tally = Tally::default();
        let folder = self.archive.place.scratch_to_read()?;
        space::require(
            folder.path(),
            self.bytes_needed,
            "comparing with the live store",
        )?;
        let built = self.work.build(
            &self.archive,
            wanted,
            folder.path(),
            IfSpoilt::Fail,
            progress,
        )?;
        for day in built.days.into_iter().filter(|day| wanted(*day)) {
            let new = folder.path().join(day.file_name());
            let live = self.target.join(day.file_name());
            let live = (self.becomes(day) != Some(Becomes::New)).then_some(live.as_path());
            tally
                .add(&new, live)
                .map_err(Error::sqlite(&new, "compare it with the live day"))?;
        }
        Ok(tally)
    }
}

/// How a live day that can be read relates to what would be restored.
fn live_becomes(path: &Path, after: &DayAfter<'_>) -> Result<Becomes> {
    let conn = open_reader(path)?;
    check_schema(&conn, path)?;
    let look = || -> rusqlite::Result<Becomes> {
        // One transaction, so that all counts are of one moment.
        conn.execute_batch("BEGIN")?;
        let (begins_alike, last) = match after.origin {
            Origin::Archived(part, last) => (delta::continues(&conn, "main", part)?, last),
            // Segments belong to this very file: a restore begins new ones.
            Origin::Segments(last) => {
                let mut there = conn.prepare("SELECT 1 FROM changes WHERE id = ?1")?;
                (there.exists([last.0])?, last)
            }
            Origin::File => return Ok(Becomes::Other),
        };
        let up_to_last = count_changes(&conn)?.saturating_sub(count_after(&conn, last)?);
        Ok(if begins_alike && up_to_last == after.events {
            Becomes::Shorter(last)
        } else {
            Becomes::Other
        })
    };
    look().map_err(Error::sqlite(path, "compare it with the archived day"))
}

fn count_after(conn: &Connection, last: EventId) -> rusqlite::Result<u64> {
    if last.0 < 0 {
        return count_changes(conn);
    }
    conn.query_row(
        "SELECT count(*) FROM changes WHERE id > ?1",
        [last.0],
        |row| row.get(0),
    )
}

impl Tally {
    /// Compares a built day with the live one; without a live one all events are new.
    fn add(&mut self, built: &Path, live: Option<&Path>) -> rusqlite::Result<()> {
        let conn = Connection::open_in_memory()?;
        conn.execute_batch("PRAGMA trusted_schema = OFF")?;
        uri::attach(&conn, built, "new")?;
        let Some(live) = live else {
            return self.count(&conn, "new", "SELECT series FROM new.changes", |sum| {
                &mut sum.new
            });
        };
        uri::attach(&conn, live, "live")?;
        conn.execute_batch("BEGIN")?;
        unite::matches(&conn, "new", "live")?;
        let new = same_event::only_in("a.series", "new", "live");
        self.count(&conn, "new", &new, |sum| &mut sum.new)?;
        let gone = same_event::only_in("a.series", "live", "new");
        self.count(&conn, "live", &gone, |sum| &mut sum.live)?;
        let altered = same_event::altered("a.series", "new", "live");
        self.count(&conn, "new", &altered, |sum| &mut sum.altered)
    }

    /// Counts what a live day has after an id as lost.
    fn lose_after(&mut self, live: &Path, last: EventId) -> rusqlite::Result<()> {
        let conn = Connection::open_in_memory()?;
        uri::attach(&conn, live, "live")?;
        let sql = format!("SELECT series FROM live.changes WHERE id > {}", last.0);
        self.count(&conn, "live", &sql, |sum| &mut sum.live)
    }

    fn count(
        &mut self,
        conn: &Connection,
        schema: &str,
        series: &str,
        side: fn(&mut Counts) -> &mut u64,
    ) -> rusqlite::Result<()> {
        let mut counts: HashMap<i64, u64> = HashMap::new();
        let mut query = conn.prepare(series)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            *counts.entry(row.get(0)?).or_default() += 1;
        }
        let mut name = conn.prepare(&format!("SELECT path FROM {schema}.series WHERE id = ?1"))?;
        for (series, count) in counts {
            let path: String = name.query_row([series], |row| row.get(0))?;
            *side(self.0.entry(path).or_default()) += count;
        }
        Ok(())
    }
}

pub(super) fn present_days(target: &Path) -> Vec<Day> {
    Store::open(target)
        .and_then(|store| store.days())
        .unwrap_or_default()
}
