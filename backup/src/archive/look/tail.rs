//! What segments add to a backup: the records after it, and putting them on top of built days.

pub(crate) mod hole;

mod run;
mod signs;

mod forms;
mod reached;
mod rows;

mod chained;
mod older;

mod readable;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::Value as Sql;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment::rows::parse_row;
use crate::archive::format::segment::{self, Record};
use crate::archive::look::tail::forms::Forms;
use crate::archive::look::tail::hole::Hole;
use crate::archive::look::tail::reached::Reached;
use crate::archive::look::tail::rows::DayInto;
use crate::archive::look::tail::run::Run;
use crate::archive::look::tail::signs::Sign;
use crate::archive::place::interface::Place;
use crate::disk::plain;
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::event::Gap;
use crate::store::id::EventId;
use crate::store::identity::StoreId;
use crate::store::schema::open_writer;

/// The records that follow a backup.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    runs: Vec<Run>,
    /// Whose record the backup is.
    store: Option<StoreId>,
    /// Moments up to here can be reached.
    pub(crate) covers_to_ms: Option<i64>,
    /// Where records are missing, in order. Behind the last one nothing may follow.
    pub(crate) holes: Vec<Hole>,
    /// Signs of life that no event of their day follows.
    signs: BTreeMap<Day, Sign>,
    /// The gaps that the records tell of, once they are read.
    told: Vec<Gap>,
    /// A gap that had not ended at its end, when the last record was written.
    pub(crate) open_gap: Option<Gap>,
}

impl Tail {
    /// Reads the records' headers after a backup.
    pub(crate) fn of(place: &Arc<dyn Place>, manifest: &Manifest) -> Tail {
        let mut reached = Reached::default();
        let files = match segment::files(&**place) {
            Ok(files) => files,
            Err(error) => {
                let folder = place.path(segment::SEGMENTS);
                let hole = Hole::unread(&folder, manifest.covers_to_ms, &error);
                reached.holes.push(hole);
                return Tail::new(reached, manifest);
            }
        };
        let mut ends: BTreeMap<Day, i64> = manifest
            .days
            .iter()
            .filter_map(|part| Some((part.day.parse().ok()?, part.to_id?)))
            .collect();
        if manifest.lineage.is_some()
            || older::walk(&mut reached, place, manifest, &files, &mut ends)
        {
            chained::walk(&mut reached, place, manifest, &files, &mut ends);
        }
        Tail::new(reached, manifest)
    }

    fn new(reached: Reached, manifest: &Manifest) -> Tail {
        Tail {
            runs: reached.runs,
            store: manifest.store.clone(),
            covers_to_ms: reached.covers_to_ms,
            holes: reached.holes,
            signs: reached.signs,
            told: Vec::new(),
            open_gap: None,
        }
    }

    /// The first hole.
    pub(crate) fn hole(&self) -> Option<&Hole> {
        self.holes.first()
    }

    /// Whether records are missing between others.
    pub(crate) fn breaks(&self) -> bool {
        self.holes.iter().any(|hole| hole.before.is_some())
    }

    /// Whether a record follows the backup.
    pub(crate) fn follows(&self) -> bool {
        self.covers_to_ms.is_some()
    }

    /// The gaps that were recorded, and what a restore notes where it goes on behind holes.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = Gap> {
        let told = self.told.iter().cloned();
        told.chain(self.holes.iter().filter_map(Hole::gap))
    }

    /// Days with events in it, with the number of events (up to `until`) and the last id.
    pub(crate) fn days(&self, until: Option<EventId>) -> Result<BTreeMap<Day, (u64, i64)>> {
        let mut days: BTreeMap<Day, (u64, i64)> = BTreeMap::new();
        self.each(until, &|_| true, &mut |run, record, after| {
            let inside = record.covers.after >= after
                && until.is_none_or(|until| record.covers.to <= until.0);
            let (events, last) = if inside {
                (u64::from(record.covers.events), record.covers.to)
            } else {
                // The backup or the moment lies inside this record, so its events are counted one by one.
                let ids: Vec<i64> = run
                    .read(record)?
                    .rows
                    .lines()
                    .filter(|line| line.starts_with("[\"c\""))
                    .filter_map(|line| match parse_row(line)?.1.first()? {
                        Sql::Integer(id) => Some(*id),
                        _ => None,
                    })
                    .filter(|id| *id > after && until.is_none_or(|until| *id <= until.0))
                    .collect();
                (ids.len() as u64, ids.last().copied().unwrap_or(-1))
            };
            let day = days.entry(run.day).or_insert((0, -1));
            day.0 += events;
            day.1 = day.1.max(last);
            Ok(())
        })?;
        days.retain(|_, (events, _)| *events > 0);
        Ok(days)
    }

    /// Ids and wall times of its events, in order.
    pub(crate) fn events(&self) -> Result<BTreeMap<Day, Vec<(i64, i64)>>> {
        let mut days: BTreeMap<Day, Vec<(i64, i64)>> = BTreeMap::new();
        self.each(None, &|_| true, &mut |run, record, after| {
            let events = days.entry(run.day).or_default();
            for line in run.read(record)?.rows.lines() {
                if let Some((table, columns)) = parse_row(line)
                    && table == "c"
                    && let [Sql::Integer(id), .., at] = columns.as_slice()
                    && *id > after
                {
                    let at_ms = match at {
                        Sql::Integer(at_ms) => *at_ms,
                        _ => EventId(*id).ms(),
                    };
                    events.push((*id, at_ms));
                }
            }
            Ok(())
        })?;
        Ok(days)
    }

    /// Stored bytes up to a moment.
    pub(crate) fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.end - run.from).sum()
    }

    /// Puts the records on top of the built days in `new`, in order. Rows after `until` may be among them: the caller
    /// cuts. Other days than those wanted are passed over. Gives the days touched.
    pub(crate) fn apply(
        &self,
        until: Option<EventId>,
        wanted: &dyn Fn(Day) -> bool,
        new: &Path,
    ) -> Result<Vec<Day>> {
        let mut touched: Vec<Day> = Vec::new();
        let mut open: Option<(Day, PathBuf, DayInto)> = None;
        let mut forms = Forms::default();
        self.each(until, wanted, &mut |run, record, after| {
            if open.as_ref().is_none_or(|(day, ..)| *day != run.day) {
                if let Some((_, path, into)) = open.take() {
                    into.end(&path)?;
                }
                let path = new.join(run.day.file_name());
                if !path.exists() {
                    let conn = open_writer(&path)?;
                    plain::make(&conn, &path)?;
                }
                let into = DayInto::begin(&path)?;
                self.note_gaps(run.day, &into)
                    .map_err(Error::sqlite(&path, "note what was not shipped"))?;
                touched.push(run.day);
                open = Some((run.day, path, into));
            }
            let rows = run.read(record)?.rows;
            let Some((_, path, into)) = &mut open else {
                return Ok(());
            };
            let put = if run.lineage.is_some() {
                forms.learn(&rows, run)?;
                into.put(&forms, &rows, after)
            } else {
                into.put_older(&rows, after)
            };
            put.map_err(|refused| refused.told(path, &run.path(), record.offset))
        })?;
        if let Some((_, path, into)) = open.take() {
            into.end(&path)?;
        }
        for (day, sign) in &self.signs {
            let later = until.is_some_and(|until| EventId::first_of_ms(day.start_ms()) > until);
            if !later && wanted(*day) && signs::gaps_in(&sign.rows).next().is_some() {
                self.put_gaps(sign, &new.join(day.file_name()))?;
                touched.push(*day);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        Ok(touched)
    }

    /// Puts the gaps that a sign of life brings into a built day.
    fn put_gaps(&self, sign: &Sign, path: &Path) -> Result<()> {
        if !path.exists() {
            let conn = open_writer(path)?;
            plain::make(&conn, path)?;
        }
        let mut into = DayInto::begin(path)?;
        into.put(&Forms::default(), &sign.rows, -1)
            .map_err(|refused| refused.told(path, &sign.path(), sign.record.offset))?;
        into.end(path)
    }

    fn note_gaps(&self, day: Day, into: &DayInto) -> rusqlite::Result<()> {
        for hole in &self.holes {
            if let (Some(before), Some(gap)) = (hole.before, hole.gap())
                && before.day == day
            {
                into.gap(before.after, &gap)?;
            }
        }
        Ok(())
    }

    fn each(
        &self,
        until: Option<EventId>,
        wanted: &dyn Fn(Day) -> bool,
        f: &mut dyn FnMut(&Run, &Record, i64) -> Result<()>,
    ) -> Result<()> {
        for run in self.runs.iter().filter(|run| wanted(run.day)) {
            if until.is_some_and(|until| EventId::first_of_ms(run.day.start_ms()) > until) {
                continue;
            }
            run.each(until, &mut |record, after| f(run, record, after))?;
        }
        Ok(())
    }
}
