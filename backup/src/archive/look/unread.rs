//! Segments that cannot be read: links, pipes, folders and whatever the disk does not give.

use std::path::Path;

use crate::archive::format::segment::{self, SEGMENTS};
use crate::archive::place::interface::Place;
use crate::error::Error;
use crate::finding::Finding;
use crate::found;

/// A finding for each segment that cannot be opened.
pub(super) fn all(place: &dyn Place) -> Vec<Finding> {
    let files = match segment::files(place) {
        Ok(files) => files,
        Err(error) => return vec![mended(&place.path(SEGMENTS), &error)],
    };
    let bad = |(_, name): (u64, String)| {
        let error = segment::first(place, &name).err()?;
        Some(mended(&place.path(&name), &error))
    };
    files.into_iter().filter_map(bad).collect()
}

/// The finding about a segment, or the folder of them, that cannot be read, with the way to mend it.
pub(super) fn mended(file: &Path, error: &Error) -> Finding {
    let folder = file.ends_with(SEGMENTS);
    match error {
        Error::Found(finding) if folder => (**finding).clone(),
        Error::Found(finding) => {
            let hint =
                "put the segment's own file there, or remove what is there and make a backup now";
            (**finding).clone().hint(hint)
        }
        error => {
            let found = match error {
                Error::Io { source, .. } => found::by_system(source),
                other => found::by_us(other),
            };
            Finding::new(file, "unreadable")
                .expected(if folder { "the folder of the segments" } else { "a segment" })
                .found(found)
                .hint("look at its owner, its permissions and the disk; a backup made now holds what it held")
        }
    }
}
