//! Follows the records that an older program shipped after a backup: version 1 knows them by the ids of their events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment;
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::tail::hole::{Cause, Hole};
use crate::archive::look::tail::reached::Reached;
use crate::archive::look::tail::run::Run;
use crate::archive::place::interface::Place;
use crate::error::Error;
use crate::store::day::Day;

/// Adds them to the tail, up to the first hole; whether there was none.
pub(super) fn walk(
    reached: &mut Reached,
    place: &Arc<dyn Place>,
    manifest: &Manifest,
    files: &[(u64, String)],
    ends: &mut BTreeMap<Day, i64>,
) -> bool {
    let newest = ends.keys().next_back().copied();
    let History {
        files,
        unread,
        hole,
    } = after(&**place, manifest, files);
    reached.holes.extend(hole);
    let mut expected = files.first().map_or(0, |(number, _)| *number);
    expected = expected.min(manifest.segments_to + 1);
    let mut incomplete = None;
    'files: for (number, name) in &files {
        let number = *number;
        if number > expected {
            incomplete = Some(Cause::Missing(place.path(&segment::file_name(expected))));
        }
        expected = number + 1;
        let mut records = match segment::records(&**place, name, 0) {
            Ok(records) => records,
            Err(error) => {
                end_unread(reached, name, place, manifest, &error);
                break;
            }
        };
        for record in &mut records {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    end_unread(reached, name, place, manifest, &error);
                    break 'files;
                }
            };
            let covers = record.covers;
            let cursor = ends.get(&covers.day).copied();
            if newest.is_some_and(|newest| covers.day < newest)
                || covers.to <= cursor.unwrap_or(-1) && covers.events > 0
            {
                continue;
            }
            if covers.after > cursor.unwrap_or(-1) {
                reached.holes.push(Hole {
                    what: format!(
                        "segments are missing between {} and {}",
                        rfc3339(reached.covers_to_ms.unwrap_or(manifest.covers_to_ms)),
                        rfc3339(covers.after >> 12)
                    ),
                    cause: incomplete.or_else(|| {
                        let last = cursor.unwrap_or(-1);
                        Some(Cause::Displaced {
                            file: place.path(name),
                            holder: holder(&**place, &files, covers.day, last)?,
                        })
                    }),
                    before: None,
                });
                break 'files;
            }
            reached.covers_to_ms = reached.covers_to_ms.max(Some(covers.at_ms));
            if covers.events == 0 {
                continue;
            }
            ends.insert(covers.day, covers.to);
            match reached.runs.last_mut() {
                Some(run) if run.name == *name && run.day == covers.day => {
                    run.end = record.offset + record.length as u64;
                }
                _ => reached.runs.push(Run {
                    place: Arc::clone(place),
                    name: name.clone(),
                    day: covers.day,
                    lineage: None,
                    after: cursor.unwrap_or(-1),
                    from: record.offset,
                    end: record.offset + record.length as u64,
                    bad: BTreeSet::new(),
                }),
            }
        }
        if records.torn() {
            incomplete.get_or_insert_with(|| Cause::Incomplete(place.path(name)));
        }
    }
    if let Some(unread) = unread
        && reached.holes.is_empty()
        // A record that goes on from the backup proves that none is missing between them.
        && (unread.number > manifest.segments_to || reached.covers_to_ms.is_none())
    {
        end_unread(reached, &unread.name, place, manifest, &unread.error);
    }
    reached.holes.is_empty()
}

/// Nothing is reached past a file that cannot be read.
fn end_unread(
    reached: &mut Reached,
    name: &str,
    place: &Arc<dyn Place>,
    from: &Manifest,
    error: &Error,
) {
    let reached_ms = reached.covers_to_ms.unwrap_or(from.covers_to_ms);
    reached.holes = vec![Hole::unread(&place.path(name), reached_ms, error)];
}

/// The file that continues a day's run of records.
fn holder(place: &dyn Place, files: &[(u64, String)], day: Day, last: i64) -> Option<PathBuf> {
    let goes_on = |name: &&String| {
        segment::records(place, name, 0).is_ok_and(|records| {
            let mut covers = records.flatten().map(|record| record.covers);
            covers.any(|covers| covers.day == day && covers.after <= last && covers.to > last)
        })
    };
    let mut names = files.iter().map(|(_, name)| name);
    names.find(goes_on).map(|name| place.path(name))
}

#[derive(Default)]
pub(super) struct History {
    /// Numbers and names, oldest first.
    pub(super) files: Vec<(u64, String)>,
    /// The last file that cannot be read and may hold what came after the backup.
    pub(super) unread: Option<Unread>,
    /// The store was put back after the backup.
    pub(super) hole: Option<Hole>,
}

pub(super) struct Unread {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) error: Error,
}

/// The files that may continue a backup. Nothing is taken from behind one that cannot be read and was begun after it.
pub(super) fn after(place: &dyn Place, manifest: &Manifest, files: &[(u64, String)]) -> History {
    let mut history = History::default();
    for (number, name) in files.iter().cloned() {
        let first = match segment::first(place, &name) {
            // What this program wrote follows what an older one did.
            Ok(Some(first)) if first.link().is_some() => continue,
            Ok(first) => first,
            Err(error) => {
                if number >= manifest.segments_to {
                    history.unread = Some(Unread {
                        number,
                        name,
                        error,
                    });
                }
                // Another history may begin in it. The backup holds what earlier files do.
                if number > manifest.segments_to {
                    break;
                }
                history.files.clear();
                continue;
            }
        };
        if first.is_some_and(|first| first.resets()) {
            if number > manifest.segments_to {
                history.hole = Some(Hole {
                    what: "the store was put back after this backup; make another one".into(),
                    cause: None,
                    before: None,
                });
                break;
            }
            // The backup was made in the history that begins here.
            history.files.clear();
        }
        history.files.push((number, name));
    }
    history
}
