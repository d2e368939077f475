//! What segments add to a backup: the unbroken run of records after it, and putting them on top of built days.

pub(crate) mod hole;

mod history;
mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment::{self, Record};
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::tail::history::History;
use crate::archive::look::tail::hole::{Cause, Hole};
use crate::archive::look::tail::rows::{commit, insert};
use crate::archive::place::verbs::Place;
use crate::disk::{plain, scratch};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::day::Day;
use crate::store::id::EventId;
use crate::store::schema::open_writer;

/// The records that follow a backup without a hole.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    runs: Vec<Run>,
    /// Moments up to here can be reached.
    pub(crate) covers_to_ms: Option<i64>,
    /// Why it ends before the last record, if it does.
    pub(crate) hole: Option<Hole>,
}

/// Records of one file that belong to one day.
#[derive(Debug)]
struct Run {
    place: Arc<dyn Place>,
    name: String,
    day: Day,
    /// Ids up to here are in the backup already.
    after: i64,
    /// The bytes of the file that hold them; records between them may be none of the run.
    from: u64,
    end: u64,
}

impl Run {
    /// Its records, found again one at a time.
    fn records(&self) -> Result<impl Iterator<Item = Result<Record>> + '_> {
        let mut last = self.after;
        let within = |record: &Record| record.offset < self.end;
        let found = segment::records(&*self.place, &self.name, self.from)?
            .take_while(move |record| record.as_ref().map_or(true, within));
        Ok(found.filter(move |record| {
            let Ok(record) = record else { return true };
            let covers = record.covers;
            let belongs = covers.day == self.day && covers.events > 0 && covers.to > last;
            if belongs {
                last = covers.to;
            }
            belongs
        }))
    }

    fn read(&self, record: &Record) -> Result<String> {
        segment::read(&*self.place, &self.name, record)
    }

    fn path(&self) -> PathBuf {
        self.place.path(&self.name)
    }
}

impl Tail {
    /// Reads the records' headers after a backup. Ends before a segment that cannot be read and may follow the backup.
    pub(crate) fn of(place: &Arc<dyn Place>, manifest: &Manifest) -> Tail {
        let mut tail = Tail::default();
        let mut cursors: BTreeMap<Day, i64> = manifest
            .days
            .iter()
            .filter_map(|part| Some((part.day.parse().ok()?, part.to_id?)))
            .collect();
        let newest = cursors.keys().next_back().copied();
        let History {
            files,
            unread,
            hole,
        } = match history::after(&**place, manifest) {
            Ok(history) => history,
            Err(error) => {
                let folder = place.path(segment::SEGMENTS);
                tail.hole = Some(Hole::unread(&folder, manifest.covers_to_ms, &error));
                return tail;
            }
        };
        tail.hole = hole;
        let mut expected = files.first().map_or(0, |(number, _)| *number);
        expected = expected.min(manifest.segments_to + 1);
        let mut incomplete = None;
        'files: for (number, name) in &files {
            let number = *number;
            if number > expected {
                incomplete = Some(Cause::Missing(place.path(&segment::file_name(expected))));
            }
            expected = number + 1;
            let mut records = match segment::records(&**place, name, 0) {
                Ok(records) => records,
                Err(error) => {
                    tail.end_unread(name, place, manifest, &error);
                    break;
                }
            };
            for record in &mut records {
                let record = match record {
                    Ok(record) => record,
                    Err(error) => {
                        tail.end_unread(name, place, manifest, &error);
                        break 'files;
                    }
                };
                let covers = record.covers;
                let cursor = cursors.get(&covers.day).copied();
                if newest.is_some_and(|newest| covers.day < newest)
                    || covers.to <= cursor.unwrap_or(-1) && covers.events > 0
                {
                    continue;
                }
                if covers.after > cursor.unwrap_or(-1) {
                    tail.hole = Some(Hole {
                        what: format!(
                            "segments are missing between {} and {}",
                            rfc3339(tail.covers_to_ms.unwrap_or(manifest.covers_to_ms)),
                            rfc3339(covers.after >> 12)
                        ),
                        cause: incomplete.or_else(|| {
                            let last = cursor.unwrap_or(-1);
                            Some(Cause::Displaced {
                                file: place.path(name),
                                holder: holder(&**place, &files, covers.day, last)?,
                            })
                        }),
                    });
                    break 'files;
                }
                tail.covers_to_ms = tail.covers_to_ms.max(Some(covers.at_ms));
                if covers.events == 0 {
                    continue;
                }
                cursors.insert(covers.day, covers.to);
                match tail.runs.last_mut() {
                    Some(run) if run.name == *name && run.day == covers.day => {
                        run.end = record.offset + record.length as u64;
                    }
                    _ => tail.runs.push(Run {
                        place: Arc::clone(place),
                        name: name.clone(),
                        day: covers.day,
                        after: cursor.unwrap_or(-1),
                        from: record.offset,
                        end: record.offset + record.length as u64,
                    }),
                }
            }
            if records.torn() {
                incomplete.get_or_insert_with(|| Cause::Incomplete(place.path(name)));
            }
        }
        if let Some(unread) = unread
            && tail.hole.is_none()
            // A record that goes on from the backup proves that none is missing between them.
            && (unread.number > manifest.segments_to || tail.covers_to_ms.is_none())
        {
            tail.end_unread(&unread.name, place, manifest, &unread.error);
        }
        tail
    }

    /// Nothing is reached past a file that cannot be read.
    fn end_unread(&mut self, name: &str, place: &Arc<dyn Place>, from: &Manifest, error: &Error) {
        let reached_ms = self.covers_to_ms.unwrap_or(from.covers_to_ms);
        self.hole = Some(Hole::unread(&place.path(name), reached_ms, error));
    }

    /// Days with events in it, with the number of events (up to `until`) and the last id.
    pub(crate) fn days(&self, until: Option<EventId>) -> Result<BTreeMap<Day, (u64, i64)>> {
        let mut days: BTreeMap<Day, (u64, i64)> = BTreeMap::new();
        self.each(until, &|_| true, &mut |run, record| {
            let inside = record.covers.after >= run.after
                && until.is_none_or(|until| record.covers.to <= until.0);
            let (events, last) = if inside {
                (u64::from(record.covers.events), record.covers.to)
            } else {
                // The backup or the moment lies inside this record, so its events are counted one by one.
                let rows = run.read(record)?;
                let ids: Vec<i64> = rows
                    .lines()
                    .filter(|line| line.starts_with("[\"c\""))
                    .filter_map(|line| match segment::parse_row(line)?.1.first()? {
                        Sql::Integer(id) => Some(*id),
                        _ => None,
                    })
                    .filter(|id| *id > run.after && until.is_none_or(|until| *id <= until.0))
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
        let mut open: Option<(Day, PathBuf, Connection)> = None;
        self.each(until, wanted, &mut |run, record| {
            if open.as_ref().is_none_or(|(day, ..)| *day != run.day) {
                if let Some((_, path, conn)) = open.take() {
                    commit(&path, conn)?;
                }
                let path = new.join(run.day.file_name());
                if !path.exists() {
                    let conn = open_writer(&path)?;
                    plain::make(&conn, &path)?;
                }
                let conn = scratch::open(&path)?;
                conn.execute_batch("BEGIN")
                    .map_err(Error::sqlite(&path, "put segments on top"))?;
                touched.push(run.day);
                open = Some((run.day, path, conn));
            }
            let rows = run.read(record)?;
            let Some((_, path, conn)) = &open else {
                return Ok(());
            };
            for line in rows.lines() {
                let (table, columns) = segment::parse_row(line).ok_or_else(|| {
                    Finding::new(&run.path(), "damaged segment")
                        .expected("rows as FORMAT.md tells")
                        .found(format!(
                            "a line that is no row in the record at byte {}",
                            record.offset
                        ))
                        .hint("restore to a moment before it, or from a later backup")
                })?;
                insert(conn, &table, columns)
                    .map_err(Error::sqlite(path, "put a segment's row on top"))?;
            }
            Ok(())
        })?;
        if let Some((_, path, conn)) = open.take() {
            commit(&path, conn)?;
        }
        touched.sort_unstable();
        touched.dedup();
        Ok(touched)
    }

    fn each(
        &self,
        until: Option<EventId>,
        wanted: &dyn Fn(Day) -> bool,
        f: &mut dyn FnMut(&Run, &Record) -> Result<()>,
    ) -> Result<()> {
        for run in self.runs.iter().filter(|run| wanted(run.day)) {
            if until.is_some_and(|until| EventId::first_of_ms(run.day.start_ms()) > until) {
                continue;
            }
            for record in run.records()? {
                let record = record?;
                if until.is_some_and(|until| record.covers.after >= until.0) {
                    break;
                }
                f(run, &record)?;
            }
        }
        Ok(())
    }
}

/// The file that continues a day's run of records.
fn holder(place: &dyn Place, files: &[(u64, String)], day: Day, last: i64) -> Option<PathBuf> {
    let goes_on = |name: &&String| {
        segment::records(place, name, 0).is_ok_and(|records| {
            let mut covers = records.flatten().map(|record| record.covers);
            covers.any(|covers| covers.day == day && covers.after <= last && covers.to > last)
        })
    };
    let mut names = files.iter().map(|(_, name)| name);
    names.find(goes_on).map(|name| place.path(name))
}

impl Tail {
    /// Reads every record; gives how many runs there are, and what is wrong with which file.
    pub(crate) fn check(&self) -> (u64, Vec<(PathBuf, String)>) {
        let mut errors = Vec::new();
        let mut checked = 0;
        for run in &self.runs {
            checked += 1;
            let bad = run.records().and_then(|mut records| {
                records.try_for_each(|record| run.read(&record?).map(drop))
            });
            errors.extend(bad.err().map(|error| (run.path(), said(&error))));
        }
        (checked, errors)
    }

    /// Ends the tail before the first record that cannot be read.
    pub(crate) fn readable(mut self) -> Tail {
        let mut covers_to_ms = None;
        let mut broken = None;
        'runs: for (number, run) in self.runs.iter().enumerate() {
            let (mut end, mut last) = (run.from, run.after);
            let records = match run.records() {
                Ok(records) => records,
                Err(_) => {
                    broken = Some((number, end, last));
                    break;
                }
            };
            for record in records {
                let sound = record.and_then(|record| run.read(&record).map(|_| record));
                let Ok(record) = sound else {
                    broken = Some((number, end, last));
                    break 'runs;
                };
                end = record.offset + record.length as u64;
                last = record.covers.to;
                covers_to_ms = Some(record.covers.at_ms);
            }
        }
        if let Some((number, end, last)) = broken {
            let run = &mut self.runs[number];
            run.end = end;
            self.hole = Some(Hole {
                what: format!("segments from {} on cannot be read", rfc3339(last >> 12)),
                cause: Some(Cause::Incomplete(run.path())),
            });
            self.runs.truncate(number + 1);
            self.runs.retain(|run| run.from < run.end);
            self.covers_to_ms = covers_to_ms;
        }
        self
    }
}

/// An error's text without its problem, which the finding about the segment names already.
fn said(error: &Error) -> String {
    match error {
        Error::Found(finding) => {
            let (path, found) = (finding.path.display(), &finding.found);
            let (expected, hint) = (&finding.expected, &finding.hint);
            format!("{path}: found {found}, expected {expected}; {hint}")
        }
        other => other.to_string(),
    }
}
