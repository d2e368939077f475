//! The plan of a restore: which moment it reaches and what it would change. Writes nothing to the target or archive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::manifest::{self, DayPart, Manifest};
use super::seed::{self, Holds};
use super::stamp::rfc3339;
use super::tail::Tail;
use super::work::{self, Work};
use super::{Archive, lock, scratch, space};
use crate::day::Day;
use crate::error::{Error, Result};
use crate::event::Gap;
use crate::id::EventId;

mod compare;
mod reach;

pub use compare::ControlChange;
use compare::{Becomes, DayAfter, Origin};
pub use reach::Recoverable;
use reach::unreachable;

/// Bytes of day file restored per second on a small machine with a slow disk, checks included; for the estimate only.
const BYTES_PER_SECOND: f64 = 80e6;

/// What to restore from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreSource {
    /// The newest verified backup (with a moment: the newest that reaches it).
    Latest,
    /// The backup of this id, ours or a seed file in the archive.
    Id(String),
    /// A single file: a day file or a database of the seed original, `.db` or `.db.gz`. Other days stay as they are.
    File(PathBuf),
}

/// What a restore would do.
#[derive(Debug)]
pub struct RestorePlan {
    /// What it restores from, in words.
    pub from: String,
    /// The store's folder.
    pub target: PathBuf,
    /// The moment the store would be at, Unix milliseconds: the one asked for, else that of the last event.
    pub would_restore_to_ms: Option<i64>,
    /// Events the store would hold in the days that are restored.
    pub events: u64,
    /// Events that would come back.
    pub events_gained: u64,
    /// Events that would go (they are kept for undo).
    pub events_lost: u64,
    /// Disk space the restore needs beside the present files.
    pub bytes_needed: u64,
    /// About how long it takes.
    pub estimate_seconds: f64,
    /// Spans inside the restored range in which changes may have been missed.
    pub gaps: Vec<Gap>,
    /// What else one should know.
    pub notes: Vec<String>,
    days: BTreeMap<Day, Becomes>,
    /// Events that were altered by hand since; they are among those gained and those lost.
    altered: u64,
    pub(crate) archive: PathBuf,
    pub(crate) work: Work,
    pub(crate) keep_newer: bool,
    pub(crate) thorough: bool,
}

impl Archive {
    /// Plans a restore into the store at `target`, to the moment `at` (Unix milliseconds) if given.
    ///
    /// # Errors
    /// When there is no such backup, it is damaged, or the moment cannot be reached; then the nearest moments on both
    /// sides are named.
    pub fn plan(
        &self,
        source: RestoreSource,
        at: Option<i64>,
        target: &Path,
    ) -> Result<RestorePlan> {
        let _lock = lock::reader(&self.dir)?;
        match source {
            RestoreSource::File(path) => self.plan_file(path, at, target),
            RestoreSource::Id(id) => {
                let id = Manifest::id_of(&id).unwrap_or(&id).to_string();
                if seed::time_of_file(&id).is_some() {
                    return self.plan_file(self.dir.join(id), at, target);
                }
                let path = self.dir.join(Manifest::file_name(&id));
                let (manifest, _) = manifest::read(&path)?;
                let info = self.info(&manifest);
                let problem = info.problem.unwrap_or_default();
                if !info.restores {
                    return Err(Error::Unexpected {
                        path,
                        found: problem,
                        expected: "a backup whose days are all there and sound; choose another"
                            .into(),
                    });
                }
                let tail = match at {
                    Some(at) => self.reach(&manifest, at)?,
                    None => Tail::default(),
                };
                let notes = beside_the_record(&manifest.id, &problem)
                    .into_iter()
                    .collect();
                self.plan_backup(&manifest, tail, at, target, notes)
            }
            RestoreSource::Latest => self.plan_latest(at, target),
        }
    }

    pub(super) fn plan_backup(
        &self,
        manifest: &Manifest,
        tail: Tail,
        at: Option<i64>,
        target: &Path,
        notes: Vec<String>,
    ) -> Result<RestorePlan> {
        let until = at.map(EventId::last_of_ms);
        let mut plan = RestorePlan {
            from: format!("backup {}", manifest.id),
            target: target.to_path_buf(),
            would_restore_to_ms: at.or(manifest.to_ms),
            events: 0,
            events_gained: 0,
            events_lost: 0,
            bytes_needed: 0,
            estimate_seconds: 0.0,
            gaps: Vec::new(),
            notes,
            days: BTreeMap::new(),
            altered: 0,
            archive: self.dir.clone(),
            work: Work::Backup {
                days: Vec::new(),
                tail: Tail::default(),
                until,
            },
            keep_newer: false,
            thorough: false,
        };
        let mut shipped = tail.days(until)?;
        plan.bytes_needed += tail.bytes() * 8;
        if let (None, Some((_, (_, last)))) = (at, shipped.last_key_value()) {
            plan.would_restore_to_ms = plan.would_restore_to_ms.max(Some(EventId(*last).ms()));
        }
        let mut days = Vec::new();
        let mut after = Vec::new();
        for part in &manifest.days {
            let day = work::day_of(part, &self.dir)?;
            if until.is_some_and(|until| EventId::first_of_ms(day.start_ms()) > until) {
                continue;
            }
            let crossing = until.filter(|until| part.to_id.is_some_and(|last| last > until.0));
            let events = match crossing {
                None => part.events,
                Some(until) => self.count_until(part, until)?,
            };
            let (later, last) = shipped.remove(&day).unwrap_or((0, -1));
            let last = EventId(last.max(part.to_id.unwrap_or(-1)));
            after.push(DayAfter {
                day,
                events: events + later,
                origin: Origin::Archived(part, crossing.unwrap_or(last)),
            });
            plan.bytes_needed += part.raw_bytes();
            plan.gaps.extend(gaps_until(part, at));
            days.push(part.clone());
        }
        after.extend(shipped.into_iter().map(|(day, (events, last))| DayAfter {
            day,
            events,
            origin: Origin::Segments(EventId(last)),
        }));
        plan.work = Work::Backup { days, tail, until };
        plan.compare(&after, true);
        plan.finish();
        Ok(plan)
    }

    fn plan_file(&self, path: PathBuf, at: Option<i64>, target: &Path) -> Result<RestorePlan> {
        let opened = seed::open(&path, &scratch::place(&self.dir))?;
        let holds = opened.inspect(&path, false)?;
        let (seed, from_ms, to_ms) = match &holds {
            Holds::Day(contents) => (false, contents.from_ms, contents.to_ms),
            Holds::Seed(contents) => (true, contents.from_ms, contents.to_ms),
        };
        if let (Some(at), Some(from), Some(to)) = (at, from_ms, to_ms)
            && !(from..=to).contains(&at)
        {
            return Err(unreachable(&path, at, &[(from, to)]));
        }
        let until = at.map(EventId::last_of_ms);
        let counted = match &holds {
            Holds::Seed(_) => opened.days_until(at.unwrap_or(i64::MAX)),
            Holds::Day(contents) => {
                let day = work::day_of_file(contents, &path)?;
                let last = until.map_or(i64::MAX, |until| until.0);
                let sql = "SELECT count(*) FROM changes WHERE id <= ?1";
                let count = opened.conn.query_row(sql, [last], |row| row.get(0));
                count.map(|events| vec![(day, events)])
            }
        };
        let after: Vec<DayAfter<'_>> = counted
            .map_err(Error::sqlite(&path, "count its events"))?
            .into_iter()
            .map(|(day, events)| DayAfter {
                day,
                events,
                origin: Origin::File,
            })
            .collect();
        let mut plan = RestorePlan {
            from: path.display().to_string(),
            target: target.to_path_buf(),
            would_restore_to_ms: at.or(to_ms),
            events: 0,
            events_gained: 0,
            events_lost: 0,
            // A seed table shrinks to less than a quarter in our tables.
            bytes_needed: opened.raw_bytes,
            estimate_seconds: 0.0,
            gaps: Vec::new(),
            notes: Vec::new(),
            days: BTreeMap::new(),
            altered: 0,
            archive: self.dir.clone(),
            work: Work::File {
                path: path.clone(),
                seed,
                until,
            },
            keep_newer: false,
            thorough: false,
        };
        plan.compare(&after, false);
        plan.notes
            .push("days that the file does not cover stay as they are".into());
        plan.finish();
        Ok(plan)
    }
}

impl RestorePlan {
    /// Keeps what was recorded since the backup and puts back only what is missing. What was altered by hand comes
    /// back as it was archived.
    pub fn keep_newer(mut self) -> RestorePlan {
        if !self.keep_newer {
            self.keep_newer = true;
            self.events += self.events_lost - self.altered;
            self.events_lost = self.altered;
        }
        self
    }

    /// Checks every index of what was built (SQLite's `integrity_check`), not only its pages.
    pub fn thorough(mut self) -> RestorePlan {
        self.thorough = true;
        self
    }

    fn finish(&mut self) {
        self.estimate_seconds = 0.2 + self.bytes_needed as f64 / BYTES_PER_SECOND;
        if let Some(asked) = self.would_restore_to_ms
            && let Some(gap) = self
                .gaps
                .iter()
                .find(|gap| gap.from_ms < asked && asked < gap.to_ms)
        {
            self.notes.push(format!(
                "{} lies in a gap in the recording, {} to {} ({}); changes in it may be missing",
                rfc3339(asked),
                rfc3339(gap.from_ms),
                rfc3339(gap.to_ms),
                gap.why
            ));
        }
    }

    pub(crate) fn require_space(&self, folder: &Path) -> Result<()> {
        space::require(folder, self.bytes_needed, "this restore")
    }
}

/// What is wrong with a backup whose days are sound.
fn beside_the_record(id: &str, problem: &str) -> Option<String> {
    (!problem.is_empty()).then(|| format!("the days of backup {id} are sound, but {problem}"))
}

fn gaps_until(part: &DayPart, at: Option<i64>) -> impl Iterator<Item = Gap> {
    part.gaps
        .iter()
        .filter(move |gap| at.is_none_or(|at| gap.from_ms <= at))
        .map(|gap| Gap {
            from_ms: gap.from_ms,
            to_ms: gap.to_ms,
            why: gap.why.clone(),
        })
}
