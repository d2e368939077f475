//! What a restore builds: the days of a backup with what segments add, or those of one file, up to a moment.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::config::DbConfig;

use crate::archive::format::manifest::DayPart;
use crate::archive::look::assemble;
use crate::archive::look::contents::{self, Contents};
use crate::archive::look::delta;
use crate::archive::look::original::{self, Database};
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::disk::{companions, copy, scratch};
use crate::error::{Error, Result};
use crate::exchange::import::import;
use crate::exchange::import::target::Destination;
use crate::finding::Finding;
use crate::progress::Progress;
use crate::store::arrival;
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::moment::{At, Cut};
use crate::store::row_digest::RowDigest;
use crate::store::schema::bring_up_to_date;
use crate::store::state_digest::{FORGET, StateDigest};

/// What has to be built.
#[derive(Debug)]
pub(crate) enum Work {
    /// A backup's days up to a moment, or all; the store becomes exactly that.
    Backup {
        days: Vec<DayPart>,
        /// What segments add.
        tail: Tail,
        until: Option<Cut>,
        /// Days of which nothing is built: what the store has of them stays.
        staying: BTreeSet<Day>,
    },
    /// One database of ours or of the original.
    File {
        database: Database,
        is_original: bool,
        /// In a day file of ours.
        until: Option<Cut>,
        /// In a database of the original, whose events get their ids only when it is built.
        at: Option<At>,
    },
}

/// What to do about a day whose stored files turn out to be damaged.
#[derive(Clone, Copy)]
pub(crate) enum IfSpoilt<'a> {
    /// Nothing is built.
    Fail,
    /// It is built from another backup's files with the same rows, else left out; the function says whether the store's
    /// own file stays.
    LeaveOut(&'a dyn Fn(Day) -> bool),
}

/// What was built.
#[derive(Debug, Default)]
pub(crate) struct Built {
    pub(crate) days: BTreeSet<Day>,
    /// Days that were built from other files than planned: the day, what was wrong, and whose files were taken.
    pub(crate) elsewhere: Vec<(DayPart, String, String)>,
    /// Days that could not be built, and what was wrong.
    pub(crate) left_out: Vec<(DayPart, Day, String)>,
}

impl Built {
    /// Builds a day; one whose own files are damaged from another backup's with the same rows, else it is left out.
    fn day(
        &mut self,
        archive: &Archive,
        part: &DayPart,
        day: Day,
        if_spoilt: IfSpoilt<'_>,
        folder: &Path,
        build: &dyn Fn(&DayPart) -> Result<()>,
    ) -> Result<()> {
        let why = match if_spoilt {
            IfSpoilt::Fail => build(part).map(|()| None)?,
            IfSpoilt::LeaveOut(_) => spoilt(archive, part, build(part))?,
        };
        let Some(why) = why else {
            self.days.insert(day);
            return Ok(());
        };
        remove_half(folder, day)?;
        for (id, other) in archive.held_elsewhere(part)? {
            if spoilt(archive, &other, build(&other))?.is_none() {
                self.elsewhere.push((part.clone(), why, id));
                self.days.insert(day);
                return Ok(());
            }
            remove_half(folder, day)?;
        }
        self.left_out.push((part.clone(), day, why));
        Ok(())
    }
}

impl Work {
    /// Builds the days that are wanted, each a file in `folder`; gives those there were.
    pub(crate) fn build(
        &self,
        archive: &Archive,
        wanted: &dyn Fn(Day) -> bool,
        folder: &Path,
        if_spoilt: IfSpoilt<'_>,
        progress: &dyn Progress,
    ) -> Result<Built> {
        match self {
            Work::Backup {
                days,
                tail,
                until,
                staying,
            } => {
                let mut built = Built::default();
                for part in days {
                    let day = day_of(part, archive)?;
                    if wanted(day) {
                        let build = |from: &DayPart| {
                            build_day(archive, from, day, *until, folder, progress)
                        };
                        built.day(archive, part, day, if_spoilt, folder, &build)?;
                    }
                }
                let mut staying = staying.clone();
                if let IfSpoilt::LeaveOut(stays) = if_spoilt {
                    let left_out = built.left_out.iter().map(|(_, day, _)| *day);
                    staying.extend(left_out.filter(|day| stays(*day)));
                }
                progress.step("apply segments", 0, 1);
                let wanted = |day| wanted(day) && !staying.contains(&day);
                for day in tail.apply(until.map(|cut| cut.until), &wanted, folder)? {
                    if let Some(until) = until {
                        cut(&folder.join(day.file_name()), *until)?;
                    }
                    built.days.insert(day);
                }
                Ok(built)
            }
            Work::File {
                database,
                is_original,
                until,
                at,
            } => {
                let path = &database.path(&*archive.place);
                progress.step(&format!("read {}", path.display()), 0, 1);
                let opened = database.open(&*archive.place)?;
                let days = if *is_original {
                    build_original(&opened.path, path, *at, folder)?
                } else {
                    BTreeSet::from([build_copy(&opened, path, *until, folder)?])
                };
                Ok(Built {
                    days,
                    ..Built::default()
                })
            }
        }
    }
}

/// What was wrong with a day's stored files, if that is why it was not built.
fn spoilt(archive: &Archive, part: &DayPart, built: Result<()>) -> Result<Option<String>> {
    let is_stored = |path: &Path| {
        let mut objects = part.objects();
        objects.any(|object| archive.place.path(&object.file) == path)
    };
    match built {
        Ok(()) => Ok(None),
        Err(Error::Found(finding))
            if is_stored(&finding.path) || finding.problem == delta::OTHER_DICTIONARY =>
        {
            Ok(Some(finding.to_string()))
        }
        Err(Error::Io { path, source, .. }) if is_stored(&path) => {
            Ok(Some(format!("{}: {source}", path.display())))
        }
        Err(error) => Err(error),
    }
}

/// Removes what was built of a day that could not be built.
fn remove_half(folder: &Path, day: Day) -> Result<()> {
    let path = folder.join(day.file_name());
    let part = companions::beside(&path, assemble::PART);
    for file in companions::and_database(&path).chain([part]) {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(&file, "remove what was built of a damaged day")(
                    error,
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The day of a backup's part.
pub(super) fn day_of(part: &DayPart, archive: &Archive) -> Result<Day> {
    part.day.parse().map_err(|found: String| {
        Finding::new(&archive.place.path(&part.object.file), "altered")
            .expected("a day as YYYY-MM-DD")
            .found(found)
            .hint("choose another backup")
            .into()
    })
}

/// The day of a day file of ours that may have another name.
pub(super) fn day_of_file(contents: &Contents, name: &Path) -> Result<Day> {
    let by_name = name
        .file_name()
        .and_then(|name| name.to_str())
        .and_then(|name| Day::from_file_name(name.strip_suffix(".gz").unwrap_or(name)));
    let by_events = contents.from_id.map(|id| EventId(id).day());
    by_events.or(by_name).ok_or_else(|| Error::Unreadable {
        path: name.to_path_buf(),
        found: "a day file without events".into(),
        expected: "at least one event to tell its day".into(),
    })
}

fn build_day(
    archive: &Archive,
    part: &DayPart,
    day: Day,
    until: Option<Cut>,
    new: &Path,
    progress: &dyn Progress,
) -> Result<()> {
    let what = format!("restore {day}");
    assemble::day(
        &*archive.place,
        part,
        until.map(|cut| cut.until),
        new,
        &day.file_name(),
        &mut |done, total| {
            progress.step(&what, done, total);
        },
    )?;
    let crossing = until.filter(|cut| part.to_id.is_none_or(|last| last > cut.until.0));
    if let Some(until) = crossing {
        cut(&new.join(day.file_name()), until)?;
    }
    Ok(())
}

fn build_copy(
    opened: &original::Opened,
    name: &Path,
    until: Option<Cut>,
    new: &Path,
) -> Result<Day> {
    let day = day_of_file(&contents::of(&opened.conn, name)?, name)?;
    let path = new.join(day.file_name());
    copy::of(&opened.conn, &opened.path, &path, &mut |_, _| {})?;
    if let Some(until) = until {
        cut(&path, until)?;
    }
    Ok(day)
}

/// Builds the days of the original's database by an import, so that events get the same ids either way.
fn build_original(
    database: &Path,
    name: &Path,
    at: Option<At>,
    new: &Path,
) -> Result<BTreeSet<Day>> {
    let report = import(Destination::Folder(new), database)?;
    if report.rejected > 0 {
        return Err(Error::Unreadable {
            path: name.to_path_buf(),
            found: format!(
                "{} rows that are no events: {}",
                report.rejected,
                report.first_reasons.join("; ")
            ),
            expected: "events only; an import takes the other rows over".into(),
        });
    }
    let until = match at {
        Some(at) => Some(Store::open(new)?.cut(at)?),
        None => None,
    };
    let mut days = BTreeSet::new();
    for day in report.days {
        let path = new.join(day.file_name());
        match until {
            Some(cut) if EventId::first_of_ms(day.start_ms()) > cut.until => {
                std::fs::remove_file(&path).map_err(Error::io(&path, "leave out the day"))?;
                continue;
            }
            Some(until) => cut(&path, until)?,
            None => {}
        }
        days.insert(day);
    }
    Ok(days)
}

/// Removes everything after a moment from a built day file, exactly to the event.
fn cut(path: &Path, moment: Cut) -> Result<()> {
    let mut conn = scratch::open(path)?;
    bring_up_to_date(&mut conn, path)?;
    let (until, ms) = (moment.until.0, moment.at_ms);
    let run = || -> rusqlite::Result<()> {
        // These triggers are for hands: whatever is cut here is cut from the digests, too.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        // No journal is needed: the file is scratch until it is checked.
        conn.execute_batch("BEGIN")?;
        conn.execute("DELETE FROM changes WHERE id > ?1", [until])?;
        for table in ["digests", "origins", "clock_steps", "controls", "designs"] {
            conn.execute(&format!("DELETE FROM {table} WHERE id > ?1"), [until])?;
        }
        conn.execute(
            "DELETE FROM postings WHERE block IN (SELECT first FROM blocks WHERE last > ?1)",
            [until],
        )?;
        conn.execute("DELETE FROM blocks WHERE last > ?1", [until])?;
        conn.execute("DELETE FROM keyframe_states WHERE keyframe > ?1", [until])?;
        conn.execute("DELETE FROM keyframes WHERE id > ?1", [until])?;
        // Of the gaps written later, one that holds the moment now ends there.
        conn.execute(
            "DELETE FROM gaps WHERE id > ?1 AND from_ms >= ?2",
            [until, ms],
        )?;
        conn.execute(
            "UPDATE gaps SET to_ms = ?2 WHERE id > ?1 AND to_ms > ?2",
            [until, ms],
        )?;
        conn.execute("DELETE FROM quarantine WHERE at_ms > ?1", [ms])?;
        conn.execute(
            "UPDATE meta SET value = min(value, ?1) WHERE key = 'alive_ms'",
            [ms],
        )?;
        conn.execute("DELETE FROM meta WHERE key = 'stopped'", [])?;
        if StateDigest::read(&conn)?.is_some_and(|state| state.id > until)
            || RowDigest::vouched(&conn)?.is_some_and(|rows| rows.id > until)
        {
            conn.execute_batch(FORGET)?;
        }
        conn.execute_batch("COMMIT")
    };
    run().map_err(Error::sqlite(path, "cut the day at the moment"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(path, "close the built database")(error))
}

/// Notes in a built day when it came.
pub(super) fn note_arrival(path: &Path, came_ms: i64) -> Result<()> {
    let conn = scratch::open(path)?;
    arrival::note(&conn, came_ms).map_err(Error::sqlite(path, "note when the day came"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(path, "close the built day")(error))
}

/// Takes out of a built day whose record it is.
pub(super) fn disown(path: &Path) -> Result<()> {
    let conn = scratch::open(path)?;
    conn.execute_batch("DELETE FROM meta WHERE key IN ('store', 'lineage')")
        .map_err(Error::sqlite(path, "take out whose record it is"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(path, "close the built day")(error))
}
