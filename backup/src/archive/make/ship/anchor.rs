//! Whether a backup covers the beginning of what is shipped: nothing is reached where none does.

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment;
use crate::archive::open::Archive;
use crate::error::Result;
use crate::store::identity::Identity;

/// Whether the present history left another one, of which backups and segments may tell.
pub(super) fn broke_off(identity: &Identity) -> bool {
    identity
        .lineages
        .last()
        .is_some_and(|last| last.left.is_some())
}

/// Whether a backup is of the present history. What an older program made belongs to the store's first one.
pub(super) fn is_under(backup: &Manifest, identity: &Identity) -> bool {
    backup
        .lineage
        .map_or(!broke_off(identity), |of| of == identity.present())
}

/// Whether no backup covers the beginning of what is shipped, or a file between cannot be read, as nothing is reached past
/// it. `broken_after` is the newest backup that was there when the day was found not to go on from what was shipped.
pub(super) fn is_missing(
    archive: &Archive,
    identity: &Identity,
    broken_after: &mut Option<u64>,
) -> Result<bool> {
    let manifests = archive.manifests()?;
    let newest = manifests.first().map(|(newest, _)| newest);
    if let (Some(broken), Some(newest)) = (*broken_after, newest)
        && newest.sequence > broken
    {
        *broken_after = None;
    }
    if broken_after.is_some() {
        return Ok(true);
    }
    let held = newest.map_or(0, |newest| newest.segments_to);
    if !newest.map_or(!broke_off(identity), |newest| is_under(newest, identity)) {
        return Ok(true);
    }
    let place = &*archive.place;
    let later = segment::files(place)?.into_iter();
    let breaks = later.filter(|(number, _)| *number > held).any(|(_, name)| {
        let first = segment::first(place, &name);
        first.map_or(true, |first| first.is_some_and(|first| first.resets()))
    });
    Ok(breaks)
}
