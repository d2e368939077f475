//! Which moments the archive reaches, and the backup that reaches one.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::look::tail::Tail;
use crate::archive::look::tail::hole::Hole;
use crate::archive::open::Archive;
use crate::error::{Error, Result};
use crate::out_of_reach::OutOfReach;
use crate::restore::left_out;
use crate::store::day::Day;
use crate::store::event::Gap;

/// The moments that `latest` can restore now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recoverable {
    /// The first event, Unix milliseconds.
    pub from_ms: i64,
    /// Everything that the recorder vouches for up to here is in the archive.
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
        let looks = Looks::read(&*self.place);
        let manifests = self.manifests()?;
        let all = || manifests.iter().map(|(manifest, _)| manifest);
        let sound = all().find(|manifest| self.info_by(manifest, &looks).restores);
        // Else the newest that brings back some of its days.
        let partly = || {
            all().find_map(|manifest| {
                let bad = self.bad_days(manifest, &looks)?;
                (bad.len() < manifest.days.len()).then_some((manifest, bad))
            })
        };
        let sound = sound.map(|manifest| (manifest, BTreeMap::new()));
        let Some((manifest, bad)) = sound.or_else(partly) else {
            return Ok(None);
        };
        let tail = Tail::of(&self.place, manifest).readable();
        let Some((from_ms, to_ms)) = with_tail(range(manifest), &tail)? else {
            return Ok(None);
        };
        let mut known = HashSet::new();
        let held = standing_gaps(&manifest.days, None);
        let missing = manifest.days.iter();
        let missing = missing.filter(|part| bad.contains_key(&part.day));
        Ok(Some(Recoverable {
            from_ms,
            to_ms,
            gaps: (held.into_iter())
                .chain(tail.gaps())
                .chain(missing.filter_map(left_out::gap))
                .filter(|gap| known.insert(gap.clone()))
                .collect(),
            hole: tail.hole().map(Hole::to_string),
        }))
    }

    /// The segments that a backup needs to reach a moment.
    pub(super) fn reach(&self, manifest: &Manifest, at: i64) -> Result<Tail> {
        let tail = Tail::of(&self.place, manifest).readable();
        if covers(manifest, at) {
            // After a step of the clock events that were shipped later may be earlier.
            let mut shipped = tail.events()?.into_values().flatten();
            let is_needed = shipped.any(|(_, at_ms)| at_ms <= at);
            return Ok(if is_needed { tail } else { Tail::default() });
        }
        let reached = with_tail(range(manifest), &tail)?;
        if reached.is_some_and(|(from, to)| (from..=to).contains(&at))
            || beyond(manifest, &tail, at)?.is_some()
        {
            return Ok(tail);
        }
        let ranges: Vec<(i64, i64)> = reached.into_iter().collect();
        let error = unreachable(self.dir(), at, &ranges);
        Err(with_hole(error, tail.hole()))
    }
}

/// The span of moments a backup can restore: from its earliest event to the end of what the recorder vouched for or, where
/// the clock was set back, to the latest event.
pub(super) fn range(manifest: &Manifest) -> Option<(i64, i64)> {
    let days = manifest.days.iter();
    let ends = days.flat_map(|day| [day.from_ms, day.to_ms]).flatten();
    let from = ends.clone().chain(manifest.from_ms).min()?;
    Some((from, ends.fold(manifest.covers_to_ms, i64::max).max(from)))
}

/// The same with the segments after it. After a step of the clock their events may be earlier than the backup's.
pub(super) fn with_tail(range: Option<(i64, i64)>, tail: &Tail) -> Result<Option<(i64, i64)>> {
    let Some((from, to)) = range else {
        return Ok(None);
    };
    let shipped = tail.events()?.into_values().flatten();
    let first = shipped.map(|(_, at_ms)| at_ms).min();
    let reached = tail.covers_to_ms.map_or(to, |shipped| shipped.max(to));
    Ok(Some((first.map_or(from, |first| first.min(from)), reached)))
}

/// The gap after all that a backup and its segments reach, where it is known that nothing was recorded from there up to
/// `at`.
pub(super) fn beyond(manifest: &Manifest, tail: &Tail, at: i64) -> Result<Option<Gap>> {
    let open = match (&tail.open_gap, &manifest.open_gap) {
        (Some(gap), _) => Some(gap.clone()),
        (None, Some(gap)) if !tail.follows() => Some(Gap {
            from_ms: gap.from_ms,
            to_ms: gap.to_ms,
            why: gap.why.clone(),
        }),
        _ => None,
    };
    let reached = with_tail(range(manifest), tail)?;
    Ok(match (open, reached) {
        (Some(gap), Some((_, to))) if to < at && at <= gap.to_ms => {
            Some(Gap { from_ms: to, ..gap })
        }
        _ => None,
    })
}

pub(super) fn covers(manifest: &Manifest, at: i64) -> bool {
    range(manifest).is_some_and(|(from, to)| (from..=to).contains(&at))
}

pub(super) fn with_hole(mut error: Error, hole: Option<&Hole>) -> Error {
    if let Error::Unreachable(moment) = &mut error {
        moment.why = hole.map(ToString::to_string).or(moment.why.take());
    }
    error
}

/// Says which moments around `at` can be reached.
pub(super) fn unreachable(path: &Path, at: i64, ranges: &[(i64, i64)]) -> Error {
    let before = ranges.iter().map(|(_, to)| *to).filter(|to| *to < at);
    let after = ranges
        .iter()
        .map(|(from, _)| *from)
        .filter(|from| *from > at);
    Error::Unreachable(Box::new(OutOfReach {
        path: path.to_path_buf(),
        at_ms: at,
        before_ms: before.max(),
        after_ms: after.min(),
        why: None,
    }))
}

/// The gaps in days of a backup that begin up to `at` and still tell of something missing beside these days.
pub(super) fn standing_gaps(parts: &[DayPart], at: Option<i64>) -> Vec<Gap> {
    let days: Vec<Day> = parts.iter().filter_map(|it| it.day.parse().ok()).collect();
    let mut standing = Vec::new();
    for part in parts {
        let Ok(day) = part.day.parse::<Day>() else {
            continue;
        };
        let gaps = part.gaps.iter().map(|gap| Gap {
            from_ms: gap.from_ms,
            to_ms: gap.to_ms,
            why: gap.why.clone(),
        });
        let begun = gaps.filter(|gap| at.is_none_or(|at| gap.from_ms <= at));
        standing.extend(begun.filter(|gap| gap.stands(day, &days)));
    }
    standing
}
