//! Removing segments whose events a backup holds.

use std::collections::{BTreeMap, HashMap};

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment::{self, Record};
use crate::archive::place::interface::Place;
use crate::error::Result;
use crate::store::damaged::DamagedDay;
use crate::store::day::Day;
use crate::store::id::EventId;
use crate::store::identity::LineageId;

/// The last event of each day that a backup holds.
type Ends = BTreeMap<Day, i64>;

/// Removes segment files whose events are all in backups: in `made`, or, where another history ended, in the newest of
/// the earlier `proved` ones that was made in it. The newest file stays, as a shipper may be writing it. Segments of a
/// day that was damaged stay, too: the backup holds only the file begun after the damage.
pub(crate) fn remove(
    place: &dyn Place,
    made: &Manifest,
    proved: &[(Manifest, String)],
    damaged: &[DamagedDay],
) -> Result<()> {
    let newest = ends(made);
    let mut of_history: HashMap<LineageId, Ends> = HashMap::new();
    for manifest in std::iter::once(made).chain(proved.iter().map(|(manifest, _)| manifest)) {
        if let Some(lineage) = manifest.lineage {
            of_history.entry(lineage).or_insert_with(|| ends(manifest));
        }
    }
    let held = |record: &Record| match record.link() {
        Some(link) => of_history
            .get(&link.lineage)
            .is_some_and(|ends| holds(ends, record)),
        None => holds(&newest, record),
    };
    let mut files = segment::files(place)?;
    files.pop();
    for (number, name) in files {
        if number > made.segments_to {
            break;
        }
        // A link or a folder is left to its owner.
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
        let covered = segment::records(place, &name, 0)?
            .all(|record| record.is_ok_and(|record| held(&record)));
        if covered {
            place.remove(&[name])?;
        }
    }
    Ok(())
}

fn ends(manifest: &Manifest) -> Ends {
    manifest
        .days
        .iter()
        .filter_map(|part| Some((part.day.parse().ok()?, part.to_id?)))
        .collect()
}

fn holds(ends: &Ends, record: &Record) -> bool {
    let newest = ends.keys().next_back();
    newest.is_some_and(|newest| record.covers.day < *newest)
        || ends
            .get(&record.covers.day)
            .is_some_and(|end| record.covers.to <= *end)
}
