//! Building a restore in a hidden folder inside the target, checked there before anything live is touched.

mod check;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use super::lock::Lock;
use super::manifest::DayPart;
use super::plan::{RestorePlan, Work};
use super::publish;
use super::swap::{self, RestoreReport, Swap};
use super::{Progress, assemble, lock, scratch, seed, snapshot};
use crate::day::Day;
use crate::day_file::DayFile;
use crate::error::{Error, Result};
use crate::id::EventId;
use crate::import::{Destination, import};
use crate::names::Names;
use crate::state_digest::{FORGET, StateDigest};
use crate::store::Store;

/// A restore that is built and checked, waiting to be swapped in. Dropped, it leaves the target as it was.
#[derive(Debug)]
pub struct Restored {
    plan: RestorePlan,
    /// Days whose present files have to go.
    replaces: BTreeSet<Day>,
    events: u64,
    to_ms: Option<i64>,
    begun: Instant,
    keep: Option<super::keep::Kept>,
    _lock: Lock,
}

impl RestorePlan {
    /// Builds what was planned beside the present files, in a hidden folder of the target, and checks it there.
    /// The present files are only read. Blocking.
    ///
    /// # Errors
    /// When the disk has too little room, the archive's files are not what they were, or what was built is not what
    /// the backup says.
    pub fn build(self, progress: &dyn Progress) -> Result<Restored> {
        let begun = Instant::now();
        publish::create_folder(&self.target)?;
        let restorer = lock::restorer(&self.target)?;
        swap::finish_locked(&self.target)?;
        let _reader = lock::reader(&self.archive)?;
        self.require_space(&self.target)?;
        let new = swap::fresh_build_folder(&self.target)?;
        let mut built = BTreeSet::new();
        match &self.work {
            Work::Backup { days, tail, until } => {
                for part in days {
                    built.insert(self.build_day(part, *until, &new, progress)?);
                }
                progress.step("apply segments", 0, 1);
                for day in tail.apply(*until, &new)? {
                    if let Some(until) = until {
                        cut(&new.join(day.file_name()), *until)?;
                    }
                    index(&new, day)?;
                    built.insert(day);
                }
            }
            Work::File { path, seed, until } => {
                progress.step(&format!("read {}", path.display()), 0, 1);
                let opened = seed::open(path, &scratch::place(&self.archive))?;
                if *seed {
                    built.extend(build_original(&opened.path, path, *until, &new)?);
                } else {
                    built.insert(self.build_copy(&opened, path, *until, &new)?);
                }
            }
        }
        let mut restored = Restored {
            replaces: self.replaced_days(&built)?,
            plan: self,
            events: 0,
            to_ms: None,
            begun,
            keep: None,
            _lock: restorer,
        };
        if restored.plan.keep_newer {
            restored.keep = Some(super::keep::merge(&restored.plan.target, &new, &built)?);
            for &day in &built {
                index(&new, day)?;
            }
            // Days that only the live store has stay where they are.
            restored.replaces = built.clone();
        }
        restored.check(&new, &built, progress)?;
        publish::sync_folder(&new)?;
        Ok(restored)
    }

    /// A whole backup replaces every day; a file only those it holds.
    fn replaced_days(&self, built: &BTreeSet<Day>) -> Result<BTreeSet<Day>> {
        let mut days = built.clone();
        if matches!(self.work, Work::Backup { .. }) {
            days.extend(Store::open(&self.target)?.days()?);
        }
        Ok(days)
    }

    fn build_day(
        &self,
        part: &DayPart,
        until: Option<EventId>,
        new: &Path,
        progress: &dyn Progress,
    ) -> Result<Day> {
        let day: Day = part.day.parse().map_err(|found| Error::Unexpected {
            path: self.archive.join(&part.object.file),
            found,
            expected: "a day as YYYY-MM-DD".into(),
        })?;
        let what = format!("restore {day}");
        assemble::day(
            &self.archive,
            part,
            until,
            new,
            &day.file_name(),
            &mut |done, total| {
                progress.step(&what, done, total);
            },
        )?;
        let crossing = until.filter(|until| part.to_id.is_none_or(|last| last > until.0));
        if let Some(until) = crossing {
            cut(&new.join(day.file_name()), until)?;
        }
        if crossing.is_some() || !part.deltas.is_empty() {
            index(new, day)?;
        }
        Ok(day)
    }

    fn build_copy(
        &self,
        opened: &seed::Opened,
        name: &Path,
        until: Option<EventId>,
        new: &Path,
    ) -> Result<Day> {
        let contents = snapshot::contents(&opened.conn, name)?;
        let by_name = name
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| Day::from_file_name(name.strip_suffix(".gz").unwrap_or(name)));
        let day = contents
            .from_id
            .map(|id| EventId(id).day())
            .or(by_name)
            .ok_or_else(|| Error::Unexpected {
                path: name.to_path_buf(),
                found: "a day file without events".into(),
                expected: "at least one event to tell its day".into(),
            })?;
        let path = new.join(day.file_name());
        snapshot::copy_from(&opened.conn, &opened.path, &path)?;
        if let Some(until) = until {
            cut(&path, until)?;
            index(new, day)?;
        }
        Ok(day)
    }
}

impl Restored {
    /// Events in what was built.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Swaps what was built in: a few renames, written down first so that a crash in between is finished or taken
    /// back by [`super::finish_interrupted`]. The files that were there are kept for [`super::undo`].
    ///
    /// The caller guarantees that nobody has the target's databases open for writing: the recorder is paused
    /// ([`crate::Recorder::pause_and`]) or the store's lock is held.
    ///
    /// # Errors
    /// When a file cannot be renamed; the state before is then put back by the next start.
    pub fn swap(mut self) -> Result<RestoreReport> {
        if let Some(kept) = self.keep.take() {
            self.events += kept.catch_up(&self.plan.target)?;
        }
        let undo = swap::run(Swap {
            target: &self.plan.target,
            from: swap::BUILD,
            days: &self.replaces,
            what: &format!("restore from {}", self.plan.from),
        })?;
        let to_ms = self
            .plan
            .would_restore_to_ms
            .filter(|_| !self.plan.keep_newer);
        Ok(RestoreReport {
            restored_to_ms: to_ms.or(self.to_ms),
            events: self.events,
            seconds: self.begun.elapsed().as_secs_f64(),
            verified: true,
            undo,
        })
    }

    /// Checks each built database and counts it; a plain backup must hold exactly what its manifest says.
    fn check(&mut self, new: &Path, built: &BTreeSet<Day>, progress: &dyn Progress) -> Result<()> {
        (self.events, self.to_ms) = check::days(new, built, self.plan.thorough, progress)?;
        let expected = self.plan.events;
        let exact = matches!(self.plan.work, Work::Backup { .. }) && !self.plan.keep_newer;
        if exact && self.events != expected {
            return Err(Error::Unexpected {
                path: new.to_path_buf(),
                found: format!("{} events", self.events),
                expected: format!("{expected} events; choose another backup"),
            });
        }
        Ok(())
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        // After a swap nothing is left there; before one, the target stays as it was.
        swap::discard_build(&self.plan.target);
    }
}

/// Builds the days of a database of the original by importing it, so that its events are the same ones whichever way
/// they come.
fn build_original(
    database: &Path,
    name: &Path,
    until: Option<EventId>,
    new: &Path,
) -> Result<BTreeSet<Day>> {
    let report = import(Destination::Folder(new), database)?;
    if report.rejected > 0 {
        return Err(Error::Unexpected {
            path: name.to_path_buf(),
            found: format!(
                "{} rows that are no events: {}",
                report.rejected,
                report.first_reasons.join("; ")
            ),
            expected: "events only; `import` takes the other rows over".into(),
        });
    }
    let mut days = BTreeSet::new();
    for day in report.days {
        let path = new.join(day.file_name());
        match until {
            Some(until) if EventId::first_of_ms(day.start_ms()) > until => {
                std::fs::remove_file(&path).map_err(Error::io(&path, "leave out the day"))?;
                continue;
            }
            Some(until) => cut(&path, until)?,
            None => {}
        }
        index(new, day)?;
        days.insert(day);
    }
    Ok(days)
}

/// Removes everything after an id from a built day file, exactly to the event.
fn cut(path: &Path, until: EventId) -> Result<()> {
    let conn = scratch::open(path)?;
    let ms = until.ms();
    let run = || -> rusqlite::Result<()> {
        // Without a journal there is no way back, and none is needed: the file is scratch until it is checked.
        conn.execute_batch("BEGIN")?;
        conn.execute("DELETE FROM changes WHERE id > ?1", [until.0])?;
        conn.execute(
            "DELETE FROM postings WHERE block IN (SELECT first FROM blocks WHERE last > ?1)",
            [until.0],
        )?;
        conn.execute("DELETE FROM blocks WHERE last > ?1", [until.0])?;
        conn.execute("DELETE FROM keyframe_states WHERE keyframe > ?1", [until.0])?;
        conn.execute("DELETE FROM keyframes WHERE id > ?1", [until.0])?;
        // A gap that was open at the moment is a gap up to the moment.
        conn.execute("DELETE FROM gaps WHERE from_ms >= ?1", [ms])?;
        conn.execute("UPDATE gaps SET to_ms = ?1 WHERE to_ms > ?1", [ms])?;
        conn.execute("DELETE FROM quarantine WHERE at_ms > ?1", [ms])?;
        conn.execute(
            "UPDATE meta SET value = min(value, ?1) WHERE key = 'alive_ms'",
            [ms],
        )?;
        conn.execute("DELETE FROM meta WHERE key = 'stopped'", [])?;
        if StateDigest::read(&conn)?.is_some_and(|state| state.id > until.0) {
            conn.execute_batch(FORGET)?;
        }
        conn.execute_batch("COMMIT")
    };
    run().map_err(Error::sqlite(path, "cut the day at the moment"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(path, "close the built database")(error))
}

/// Lists the changes that no block of the built day lists yet, and leaves the day sealed.
fn index(new: &Path, day: Day) -> Result<()> {
    let path = new.join(day.file_name());
    DayFile::open(new, day, &Names::default())?
        .seal()
        .map_err(Error::sqlite(&path, "index the built day"))
}
