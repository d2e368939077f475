//! Which moments the archive reaches, and the backup that reaches one.

use std::path::Path;

use super::{RestorePlan, beside_the_record, gaps_until};
use crate::archive::Archive;
use crate::archive::list::{BackupInfo, BackupKind};
use crate::archive::manifest::Manifest;
use crate::archive::stamp::rfc3339;
use crate::archive::tail::{Hole, Tail};
use crate::error::{Error, Result};
use crate::event::Gap;

/// The moments that `latest` can restore now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recoverable {
    /// The first event, Unix milliseconds.
    pub from_ms: i64,
    /// Everything that happened up to here is in the archive.
    pub to_ms: i64,
    /// Spans inside in which changes may have been missed.
    pub gaps: Vec<Gap>,
    /// Why it ends before the last segment, if it does.
    pub hole: Option<String>,
}

impl Archive {
    /// The range of moments that a restore of the latest state can reach now; `None` without a sound backup.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn recoverable(&self) -> Result<Option<Recoverable>> {
        let manifests = self.manifests()?;
        let sound = manifests
            .iter()
            .map(|(manifest, _)| manifest)
            .find(|manifest| self.info(manifest).restores);
        let Some((manifest, (from_ms, to_ms))) = sound.and_then(|m| Some((m, range(m)?))) else {
            return Ok(None);
        };
        let tail = Tail::of(&self.dir, manifest)?;
        Ok(Some(Recoverable {
            from_ms,
            to_ms: tail.covers_to_ms.map_or(to_ms, |to| to.max(to_ms)),
            gaps: manifest
                .days
                .iter()
                .flat_map(|part| gaps_until(part, None))
                .collect(),
            hole: tail.hole.map(|hole| hole.to_string()),
        }))
    }

    pub(super) fn plan_latest(&self, at: Option<i64>, target: &Path) -> Result<RestorePlan> {
        let mut notes = Vec::new();
        let mut good = Vec::new();
        let manifests = self.manifests()?;
        for (manifest, _) in &manifests {
            let info = self.info(manifest);
            let problem = info.problem.unwrap_or_default();
            if !info.restores {
                notes.push(format!("backup {} is passed over: {problem}", manifest.id));
                continue;
            }
            if good.is_empty() {
                notes.extend(beside_the_record(&manifest.id, &problem));
            }
            good.push(manifest);
        }
        let list = self.list()?;
        for bad in list
            .iter()
            .filter(|info| info.kind == BackupKind::Ours && info.events.is_none())
        {
            if let Some(problem) = &bad.problem {
                notes.push(format!("backup {} is passed over: {problem}", bad.id));
            }
        }
        if good.is_empty() {
            return self.plan_latest_seed(&list, at, target, notes);
        }
        let tail = Tail::of(&self.dir, good[0])?.readable()?;
        let by_tail = |at: i64| {
            good[0].from_ms.is_some_and(|from| from <= at)
                && tail.covers_to_ms.is_some_and(|to| at <= to)
        };
        let chosen = match at {
            Some(at) if !by_tail(at) => {
                let mut ranges: Vec<(i64, i64)> = good.iter().copied().filter_map(range).collect();
                if let (Some(from), Some(to)) = (good[0].from_ms, tail.covers_to_ms) {
                    ranges.push((from, to));
                }
                good.iter()
                    .find(|manifest| covers(manifest, at))
                    .copied()
                    .ok_or_else(|| {
                        let error = unreachable(&self.dir, at, &ranges);
                        with_hole(error, tail.hole.as_ref())
                    })?
            }
            _ => good[0],
        };
        if let (None, Some(hole)) = (at, &tail.hole) {
            notes.push(hole.to_string());
        }
        let tail = if std::ptr::eq(chosen, good[0]) {
            tail
        } else {
            Tail::default()
        };
        self.plan_backup(chosen, tail, at, target, notes)
    }

    /// What a backup needs of the segments after it to reach a moment.
    pub(super) fn reach(&self, manifest: &Manifest, at: i64) -> Result<Tail> {
        if covers(manifest, at) {
            return Ok(Tail::default());
        }
        let tail = Tail::of(&self.dir, manifest)?.readable()?;
        let own = range(manifest);
        let (from, to) = (own.map(|(from, _)| from), tail.covers_to_ms);
        if from.is_some_and(|from| from <= at) && to.is_some_and(|to| at <= to) {
            return Ok(tail);
        }
        let ranges = [own, from.zip(to)];
        let ranges: Vec<(i64, i64)> = ranges.into_iter().flatten().collect();
        let error = unreachable(&self.dir, at, &ranges);
        Err(with_hole(error, tail.hole.as_ref()))
    }

    /// An archive that only the seed has written to.
    fn plan_latest_seed(
        &self,
        list: &[BackupInfo],
        at: Option<i64>,
        target: &Path,
        mut notes: Vec<String>,
    ) -> Result<RestorePlan> {
        for info in list.iter().filter(|info| info.kind == BackupKind::Seed) {
            match self.plan_file(self.dir.join(&info.id), at, target) {
                Ok(mut plan) => {
                    plan.notes.splice(0..0, notes);
                    return Ok(plan);
                }
                Err(error) => notes.push(format!("{} is passed over: {error}", info.id)),
            }
        }
        Err(Error::Unexpected {
            path: self.dir.clone(),
            found: if notes.is_empty() {
                "no backup".into()
            } else {
                notes.join("; ")
            },
            expected: "at least one sound backup; make one with `backup`".into(),
        })
    }
}

/// The span of moments a backup can restore: from its first event to the time it was complete.
fn range(manifest: &Manifest) -> Option<(i64, i64)> {
    Some((manifest.from_ms?, manifest.covers_to_ms))
}

fn covers(manifest: &Manifest, at: i64) -> bool {
    range(manifest).is_some_and(|(from, to)| (from..=to).contains(&at))
}

fn with_hole(error: Error, hole: Option<&Hole>) -> Error {
    match (error, hole) {
        (
            Error::Input {
                what,
                found,
                expected,
            },
            Some(hole),
        ) => Error::Input {
            what,
            found,
            expected: format!("{expected} ({hole})"),
        },
        (error, _) => error,
    }
}

/// Says which moments around `at` can be reached.
pub(super) fn unreachable(path: &Path, at: i64, ranges: &[(i64, i64)]) -> Error {
    let before = ranges.iter().map(|(_, to)| *to).filter(|to| *to < at).max();
    let after = ranges
        .iter()
        .map(|(from, _)| *from)
        .filter(|from| *from > at)
        .min();
    let nearest = match (before, after) {
        (Some(before), Some(after)) => {
            format!(
                "{} before it or {} after it",
                rfc3339(before),
                rfc3339(after)
            )
        }
        (Some(before), None) => format!("at the latest {}", rfc3339(before)),
        (None, Some(after)) => format!("at the earliest {}", rfc3339(after)),
        (None, None) => "a backup that holds events".into(),
    };
    Error::Input {
        what: format!("moment to restore from {}", path.display()),
        found: format!("{}, which nothing here reaches", rfc3339(at)),
        expected: nearest,
    }
}
