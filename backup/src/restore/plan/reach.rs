//! Which moments the archive reaches, and the backup that reaches one.

use std::path::Path;

use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::look::tail::Tail;
use crate::archive::look::tail::hole::Hole;
use crate::archive::open::Archive;
use crate::error::{Error, Result};
use crate::out_of_reach::OutOfReach;
use crate::store::event::Gap;

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
        let tail = Tail::of(&self.place, manifest);
        Ok(Some(Recoverable {
            from_ms,
            to_ms: tail.covers_to_ms.map_or(to_ms, |to| to.max(to_ms)),
            gaps: manifest
                .days
                .iter()
                .flat_map(|part| gaps_until(part, None))
                .chain(tail.gaps())
                .collect(),
            hole: tail.hole().map(Hole::to_string),
        }))
    }

    /// The segments that a backup needs to reach a moment.
    pub(super) fn reach(&self, manifest: &Manifest, at: i64) -> Result<Tail> {
        if covers(manifest, at) {
            return Ok(Tail::default());
        }
        let tail = Tail::of(&self.place, manifest).readable();
        let own = range(manifest);
        let (from, to) = (own.map(|(from, _)| from), tail.covers_to_ms);
        if from.is_some_and(|from| from <= at) && to.is_some_and(|to| at <= to) {
            return Ok(tail);
        }
        let ranges = [own, from.zip(to)];
        let ranges: Vec<(i64, i64)> = ranges.into_iter().flatten().collect();
        let error = unreachable(self.dir(), at, &ranges);
        Err(with_hole(error, tail.hole()))
    }
}

/// The span of moments a backup can restore: from its first event to the time it was complete.
pub(super) fn range(manifest: &Manifest) -> Option<(i64, i64)> {
    Some((manifest.from_ms?, manifest.covers_to_ms))
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

pub(super) fn gaps_until(part: &DayPart, at: Option<i64>) -> impl Iterator<Item = Gap> {
    part.gaps
        .iter()
        .filter(move |gap| at.is_none_or(|at| gap.from_ms <= at))
        .map(|gap| Gap {
            from_ms: gap.from_ms,
            to_ms: gap.to_ms,
            why: gap.why.clone(),
        })
}
