//! Removing segments whose events a backup holds.

use std::collections::BTreeMap;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment::{self, Record};
use crate::archive::place::verbs::Place;
use crate::error::Result;
use crate::store::damaged::DamagedDay;
use crate::store::day::Day;
use crate::store::id::EventId;

/// Removes segment files whose events are all in the backup. The newest stays, as a shipper may be writing it. Segments
/// of a day that was damaged stay, too: the backup holds only the file begun after the damage.
pub(crate) fn remove(place: &dyn Place, manifest: &Manifest, damaged: &[DamagedDay]) -> Result<()> {
    let ends: BTreeMap<Day, i64> = manifest
        .days
        .iter()
        .filter_map(|part| Some((part.day.parse().ok()?, part.to_id?)))
        .collect();
    let newest = ends.keys().next_back().copied();
    let mut files = segment::files(place)?;
    files.pop();
    for (number, name) in files {
        // A link or a folder is left to its owner; what follows it is covered all the same.
        let Ok(records) = segment::records(place, &name, 0) else {
            continue;
        };
        let wanted = records.flatten().any(|Record { covers, .. }| {
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
        let covered = segment::records(place, &name, 0)?.all(|record| {
            record.is_ok_and(|Record { covers, .. }| {
                newest.is_some_and(|newest| covers.day < newest)
                    || ends.get(&covers.day).is_some_and(|end| covers.to <= *end)
            })
        });
        // In order: a file in the middle would leave a hole between its neighbours.
        if !covered || number > manifest.segments_to {
            break;
        }
        place.remove(&[name])?;
    }
    Ok(())
}
