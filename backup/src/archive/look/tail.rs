//! What segments add to a backup: the unbroken run of records after it, and putting them on top of built days.

pub(crate) mod hole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment::{self, Place};
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::tail::hole::{Cause, Hole};
use crate::disk::{plain, scratch};
use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::dictionary;
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
    path: PathBuf,
    day: Day,
    /// Ids up to here are in the backup already.
    after: i64,
    /// The bytes of the file that hold them; records between them may be none of the run.
    from: u64,
    end: u64,
}

impl Run {
    /// Its records, found again one at a time.
    fn places(&self) -> Result<impl Iterator<Item = Result<Place>> + '_> {
        let mut last = self.after;
        let found = segment::places(&self.path, self.from)?
            .take_while(|place| place.as_ref().map_or(true, |place| place.offset < self.end));
        Ok(found.filter(move |place| {
            let Ok(place) = place else { return true };
            let covers = place.covers;
            let belongs = covers.day == self.day && covers.events > 0 && covers.to > last;
            if belongs {
                last = covers.to;
            }
            belongs
        }))
    }
}

impl Tail {
    /// Reads the records' headers after a backup.
    pub(crate) fn of(archive: &Path, manifest: &Manifest) -> Result<Tail> {
        let mut tail = Tail::default();
        let mut cursors: BTreeMap<Day, i64> = manifest
            .days
            .iter()
            .filter_map(|part| Some((part.day.parse().ok()?, part.to_id?)))
            .collect();
        let newest = cursors.keys().next_back().copied();
        let mut history: Vec<(u64, PathBuf)> = Vec::new();
        for (number, path) in segment::files(archive)? {
            let first = segment::places(&path, 0)?.next().transpose()?;
            if first.is_some_and(|first| first.covers.reset) {
                if number > manifest.segments_to {
                    tail.hole = Some(Hole {
                        what: "the store was put back after this backup; make another one".into(),
                        cause: None,
                    });
                    break;
                }
                // The backup was made in the history that begins here.
                history.clear();
            }
            history.push((number, path));
        }
        let mut expected = history.first().map_or(0, |(number, _)| *number);
        expected = expected.min(manifest.segments_to + 1);
        let mut incomplete = None;
        'files: for (number, path) in &history {
            let number = *number;
            if number > expected {
                incomplete = Some(path.with_file_name(segment::file_name(expected)));
            }
            expected = number + 1;
            let mut places = segment::places(path, 0)?;
            for place in &mut places {
                let place = place?;
                let covers = place.covers;
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
                        cause: incomplete.map(Cause::Incomplete).or_else(|| {
                            Some(Cause::Displaced {
                                file: path.clone(),
                                holder: holder(&history, covers.day, cursor.unwrap_or(-1))?,
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
                    Some(run) if run.path == *path && run.day == covers.day => {
                        run.end = place.offset + place.length as u64;
                    }
                    _ => tail.runs.push(Run {
                        path: path.clone(),
                        day: covers.day,
                        after: cursor.unwrap_or(-1),
                        from: place.offset,
                        end: place.offset + place.length as u64,
                    }),
                }
            }
            if places.torn() {
                incomplete.get_or_insert_with(|| path.clone());
            }
        }
        Ok(tail)
    }

    /// Days with events in it, with the number of events (up to `until`) and the last id.
    pub(crate) fn days(&self, until: Option<EventId>) -> Result<BTreeMap<Day, (u64, i64)>> {
        let mut days: BTreeMap<Day, (u64, i64)> = BTreeMap::new();
        self.each(until, &|_| true, &mut |run, place| {
            let inside = place.covers.after >= run.after
                && until.is_none_or(|until| place.covers.to <= until.0);
            let (events, last) = if inside {
                (u64::from(place.covers.events), place.covers.to)
            } else {
                // A record that the backup or the moment cuts through: its events are counted one by one.
                let rows = segment::read(&run.path, place)?;
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
        self.each(until, wanted, &mut |run, place| {
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
            let rows = segment::read(&run.path, place)?;
            let Some((_, path, conn)) = &open else {
                return Ok(());
            };
            for line in rows.lines() {
                let (table, columns) =
                    segment::parse_row(line).ok_or_else(|| Error::Unexpected {
                        path: run.path.clone(),
                        found: format!(
                            "a line that is no row in the record at byte {}",
                            place.offset
                        ),
                        expected: "rows as FORMAT.md tells".into(),
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
        f: &mut dyn FnMut(&Run, &Place) -> Result<()>,
    ) -> Result<()> {
        for run in self.runs.iter().filter(|run| wanted(run.day)) {
            if until.is_some_and(|until| EventId::first_of_ms(run.day.start_ms()) > until) {
                continue;
            }
            for place in run.places()? {
                let place = place?;
                if until.is_some_and(|until| place.covers.after >= until.0) {
                    break;
                }
                f(run, &place)?;
            }
        }
        Ok(())
    }
}

/// The file that goes on where a day's run of records breaks off.
fn holder(files: &[(u64, PathBuf)], day: Day, last: i64) -> Option<PathBuf> {
    let goes_on = |path: &PathBuf| {
        segment::places(path, 0).is_ok_and(|places| {
            let mut covers = places.flatten().map(|place| place.covers);
            covers.any(|covers| covers.day == day && covers.after <= last && covers.to > last)
        })
    };
    let mut paths = files.iter().map(|(_, path)| path);
    paths.find(|path| goes_on(path)).cloned()
}

impl Tail {
    /// Reads every record; gives how many runs there are, and what is wrong with which file.
    pub(crate) fn check(&self) -> (u64, Vec<(PathBuf, String)>) {
        let mut errors = Vec::new();
        let mut checked = 0;
        for run in &self.runs {
            checked += 1;
            let bad = run.places().and_then(|mut places| {
                places.try_for_each(|place| segment::read(&run.path, &place?).map(drop))
            });
            errors.extend(bad.err().map(|error| (run.path.clone(), error.to_string())));
        }
        (checked, errors)
    }

    /// The same up to the first record that cannot be read: what comes before it is worth having.
    pub(crate) fn readable(mut self) -> Result<Tail> {
        let mut covers_to_ms = None;
        let mut broken = None;
        'runs: for (number, run) in self.runs.iter().enumerate() {
            for place in run.places()? {
                let place = place?;
                if segment::read(&run.path, &place).is_err() {
                    broken = Some((number, place));
                    break 'runs;
                }
                covers_to_ms = Some(place.covers.at_ms);
            }
        }
        if let Some((number, place)) = broken {
            let run = &mut self.runs[number];
            run.end = place.offset;
            self.hole = Some(Hole {
                what: format!(
                    "segments from {} on cannot be read",
                    rfc3339(place.covers.after >> 12)
                ),
                cause: Some(Cause::Incomplete(run.path.clone())),
            });
            self.runs.truncate(number + 1);
            self.runs.retain(|run| run.from < run.end);
            self.covers_to_ms = covers_to_ms;
        }
        Ok(self)
    }
}

fn commit(path: &Path, conn: Connection) -> Result<()> {
    conn.execute_batch("COMMIT")
        .map_err(Error::sqlite(path, "put segments on top"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(path, "close the built day")(error))
}

static PUT_SERIES: LazyLock<String> = LazyLock::new(|| {
    let columns = dictionary::listed(str::to_owned);
    let values = dictionary::listed(|_| "?".into());
    format!("INSERT OR REPLACE INTO series (id, {columns}) VALUES (?, {values})")
});

fn insert(conn: &Connection, table: &str, columns: Vec<Sql>) -> rusqlite::Result<()> {
    let sql: &str = match (table, columns.len()) {
        // A record may reach back over what the backup holds already.
        ("c", 6) => {
            "INSERT OR IGNORE INTO changes (id, series, value, string, position, at) VALUES (?, ?, ?, ?, ?, ?)"
        }
        ("s", 13) => &PUT_SERIES,
        ("k", 3) => "INSERT OR REPLACE INTO keyframes (id, reason, count) VALUES (?, ?, ?)",
        ("f", 5) => {
            "INSERT OR REPLACE INTO keyframe_states (keyframe, series, value, string, position) VALUES (?, ?, ?, ?, ?)"
        }
        ("g", 4) => "INSERT OR REPLACE INTO gaps (id, from_ms, to_ms, why) VALUES (?, ?, ?, ?)",
        // A later program may ship more kinds of rows; none of them is needed to have the events.
        _ => return Ok(()),
    };
    conn.prepare_cached(sql)?
        .execute(rusqlite::params_from_iter(columns))
        .map(drop)
}
