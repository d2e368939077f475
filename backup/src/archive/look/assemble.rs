//! An archived day made whole again: its stored copy inflated and checked, its later parts put on top.

use std::io::BufReader;
use std::path::Path;

use crate::archive::format::gzip;
use crate::archive::format::manifest::{DayPart, Object};
use crate::archive::look::delta;
use crate::archive::place::interface::Place;
use crate::disk::draft::Draft;
use crate::disk::fault;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::id::EventId;

/// What the name of a later part ends with while it is put on top.
pub(crate) const PART: &str = ".delta";

/// Builds the day as `name` in `folder`. Parts that begin after `until` are left out. `tick` hears done and total bytes.
pub(crate) fn day(
    place: &dyn Place,
    part: &DayPart,
    until: Option<EventId>,
    folder: &Path,
    name: &str,
    tick: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let total = part.raw_bytes();
    inflate(place, &part.object, folder, name, &mut |done| {
        tick(done, total)
    })?;
    let mut before = part.object.raw_bytes;
    for piece in &part.deltas {
        if until.is_some_and(|until| piece.after_id >= until.0) {
            break;
        }
        let delta_name = format!("{name}{PART}");
        inflate(place, &piece.object, folder, &delta_name, &mut |done| {
            tick(before + done, total);
        })?;
        let path = folder.join(&delta_name);
        delta::apply(&folder.join(name), &path)?;
        std::fs::remove_file(&path).map_err(Error::io(&path, "remove the scratch file"))?;
        before += piece.object.raw_bytes;
    }
    Ok(())
}

fn inflate(
    place: &dyn Place,
    object: &Object,
    folder: &Path,
    name: &str,
    tick: &mut dyn FnMut(u64),
) -> Result<()> {
    let stored = place.path(&object.file);
    let from = place
        .get(&object.file)
        .map_err(Error::io(&stored, "read the archived day"))?;
    let mut draft = Draft::new(folder)?;
    let sizes = gzip::decompress(&mut BufReader::new(from), draft.file(), &mut |done| {
        tick(done);
        fault::step()
    })
    .map_err(|trouble| trouble.with(&stored, folder))?;
    if sizes.raw_sha256 != object.raw_sha256 || sizes.sha256 != object.sha256 {
        return Err(Finding::new(&stored, "altered")
            .expected(format!("SHA-256 {}", object.sha256))
            .found(format!("SHA-256 {}", sizes.sha256))
            .hint("verify the archive and choose another backup")
            .into());
    }
    draft.place(name).map(drop)
}
