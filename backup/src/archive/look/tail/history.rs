//! Which segments may follow a backup: those of the history that it was made in, as far as they can be read.

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment;
use crate::archive::look::tail::hole::Hole;
use crate::archive::place::verbs::Place;
use crate::error::{Error, Result};

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
pub(super) fn after(place: &dyn Place, manifest: &Manifest) -> Result<History> {
    let mut history = History::default();
    for (number, name) in segment::files(place)? {
        let first = match segment::first(place, &name) {
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
        if first.is_some_and(|first| first.covers.reset) {
            if number > manifest.segments_to {
                history.hole = Some(Hole {
                    what: "the store was put back after this backup; make another one".into(),
                    cause: None,
                });
                break;
            }
            // The backup was made in the history that begins here.
            history.files.clear();
        }
        history.files.push((number, name));
    }
    Ok(history)
}
