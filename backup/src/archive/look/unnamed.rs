//! Stored days that no manifest names: nobody restores them by the name of a backup.

use std::collections::HashSet;
use std::path::Path;

use crate::archive::format::manifest::{self, DAYS, DayPart, Manifest};
use crate::archive::place::interface::Place;
use crate::error::Result;
use crate::finding::Finding;

/// The stored days that no manifest names. None where a manifest cannot be read: it may name them.
pub(super) fn days(place: &dyn Place) -> Result<Vec<String>> {
    let mut named = HashSet::new();
    for name in place.list("")? {
        if Manifest::id_of(&name).is_none() {
            continue;
        }
        let Ok((manifest, _)) = manifest::read(place, &name) else {
            return Ok(Vec::new());
        };
        let objects = manifest.days.iter().flat_map(DayPart::objects);
        named.extend(objects.map(|object| object.file.clone()));
    }
    // Something else than a folder is found where the days of the manifests are looked for.
    let mut stored = place.list(&format!("{DAYS}/")).unwrap_or_default();
    stored.retain(|name| !named.contains(name));
    Ok(stored)
}

/// The finding about an archive without a backup.
pub(super) fn no_backup(archive: &Path, stored: usize) -> Finding {
    let none = Finding::new(archive, "no backup").expected("at least one backup");
    match stored {
        0 => none
            .found("nothing to look at")
            .hint("make one; if there were some, look whether this is their folder and its disk is mounted"),
        stored => none
            .found(format!("{} but no manifest that names them", stored_days(stored)))
            .hint(
                "bring the manifests (backup-*.json) back from a copy of the archive; \
                 without them each file in days/ can still be restored by its path",
            ),
    }
}

/// What to note of such days beside sound backups.
pub(super) fn note(stored: usize) -> Option<String> {
    let days = stored_days(stored);
    let why = "left by a backup that was cut off or is being made, or their manifest is gone";
    (stored > 0).then(|| format!("{days} that no manifest names ({why})"))
}

fn stored_days(number: usize) -> String {
    match number {
        1 => "1 stored day".to_owned(),
        many => format!("{many} stored days"),
    }
}
