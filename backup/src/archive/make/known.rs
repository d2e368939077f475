//! What earlier backups already hold, so that a new one stores only what is not there.

use std::collections::HashSet;
use std::path::Path;

use crate::archive::format::gzip::Sizes;
use crate::archive::format::manifest::{DayPart, Manifest, Object};
use crate::archive::format::proof;
use crate::archive::look::at_rest::at_rest;
use crate::archive::make::read_back::ReadBack;
use crate::archive::place::interface::Place;
use crate::store::day::Day;

/// What earlier backups already hold.
pub(super) struct Known<'a> {
    days: Vec<&'a DayPart>,
    read_back: &'a ReadBack<'a>,
}

impl<'a> Known<'a> {
    /// Counts only objects that still have their full size, and none that was seen damaged when it was read last, or that
    /// belongs to a backup whose verification failed: those are stored anew, which also repairs them.
    pub(super) fn of(
        earlier: &'a [(Manifest, String)],
        read_back: &'a ReadBack<'a>,
        place: &dyn Place,
    ) -> Known<'a> {
        let doubtful = doubtful(earlier, place);
        let mut seen = HashSet::new();
        let days = earlier
            .iter()
            .flat_map(|(manifest, _)| &manifest.days)
            .filter(|part| {
                seen.insert((
                    &part.object.file,
                    &part.day,
                    &part.source,
                    part.deltas.len(),
                ))
            })
            .filter(|part| {
                part.objects().all(|object| {
                    let found = place.look(&object.file).ok().flatten();
                    !doubtful.contains(object.file.as_str())
                        && !read_back.is_damaged(object)
                        && found.is_some_and(|found| found.bytes == object.bytes)
                })
            })
            .collect();
        Known { days, read_back }
    }

    /// The part of an earlier backup for this very file, by size and time, whose stored files are whole.
    pub(super) fn unchanged(&self, day: Day, live: &Path) -> Option<&'a DayPart> {
        let day = day.to_string();
        let source = at_rest(live)?;
        self.days
            .iter()
            .find(|part| part.day == day && part.source.as_ref() == Some(&source))
            // The parts of an older program are read by numbers: such a day is stored whole once.
            .filter(|part| part.digest.is_some() || part.deltas.is_empty())
            .filter(|part| self.read_back.is_whole(part))
            .copied()
    }

    /// The day in the newest backup that has it whole.
    pub(super) fn newest(&self, day: Day) -> Option<&'a DayPart> {
        let day = day.to_string();
        let mut days = self.days.iter().filter(|part| part.day == day);
        days.find(|part| self.read_back.is_whole(part)).copied()
    }

    /// A stored file with this content that was read back lately.
    pub(super) fn same_content(&self, sizes: &Sizes) -> Option<&'a Object> {
        self.days
            .iter()
            .flat_map(|part| part.objects())
            .find(|object| object.sha256 == sizes.sha256 && object.raw_sha256 == sizes.raw_sha256)
            // What is not surely whole is replaced by what was written just now.
            .filter(|object| self.read_back.is_fresh(object))
    }

    /// A file that was read back just now has its name.
    pub(super) fn stored(&self, object: &Object) {
        self.read_back.stored(object);
    }
}

/// The files that a failed verification of a backup found damaged, or where it does not say which, all files of that
/// backup; unless they were written since.
fn doubtful<'a>(earlier: &'a [(Manifest, String)], place: &dyn Place) -> HashSet<&'a str> {
    let mut files = HashSet::new();
    for (manifest, _) in earlier {
        let failed =
            proof::read(place, &Manifest::file_name(&manifest.id)).filter(|proof| !proof.ok);
        let Some(failed) = failed else { continue };
        let written_since = |file: &str| {
            let found = place.look(file).ok().flatten();
            let checked_ns = failed.checked_at_ms.max(0).saturating_mul(1_000_000);
            found.is_some_and(|found| found.modified_ns > checked_ns)
        };
        let is_meant = |file: &str| {
            let damaged = failed.damaged.as_ref();
            damaged.is_none_or(|damaged| damaged.iter().any(|name| name == file))
        };
        let named = manifest.files().map(|(file, _)| file);
        files.extend(named.filter(|file| is_meant(file) && !written_since(file)));
    }
    files
}
