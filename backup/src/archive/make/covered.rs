//! Removing segments whose events a backup holds.

use std::collections::BTreeMap;
use std::path::Path;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment::{self, Place};
use crate::disk::fault;
use crate::error::{Error, Result};
use crate::store::damaged::DamagedDay;
use crate::store::day::Day;
use crate::store::id::EventId;

/// Removes segment files that hold nothing a backup does not hold. The newest stays: a shipper may be writing it. So
/// do those that hold what a damaged day held: the backup is of the file begun after it.
pub(crate) fn remove(archive: &Path, manifest: &Manifest, damaged: &[DamagedDay]) -> Result<()> {
    let ends: BTreeMap<Day, i64> = manifest
        .days
        .iter()
        .filter_map(|part| Some((part.day.parse().ok()?, part.to_id?)))
        .collect();
    let newest = ends.keys().next_back().copied();
    let mut files = segment::files(archive)?;
    files.pop();
    for (number, path) in files {
        let wanted = segment::places(&path, 0)?
            .flatten()
            .any(|Place { covers, .. }| {
                let held = |damaged: &DamagedDay| {
                    covers.day == damaged.day
                        && covers.events > 0
                        && EventId(covers.to).ms() < damaged.at_ms
                };
                damaged.iter().any(held)
            });
        if wanted {
            continue;
        }
        // What cannot be read is not known to be covered.
        let covered = segment::places(&path, 0)?.all(|place| {
            place.is_ok_and(|Place { covers, .. }| {
                newest.is_some_and(|newest| covers.day < newest)
                    || ends.get(&covers.day).is_some_and(|end| covers.to <= *end)
            })
        });
        // In order: a file in the middle would leave a hole between its neighbours.
        if !covered || number > manifest.segments_to {
            break;
        }
        fault::step()
            .and_then(|()| std::fs::remove_file(&path))
            .map_err(Error::io(&path, "remove the segment"))?;
    }
    Ok(())
}
