//! What the archive held at the last look, by names and sizes: what goes or shrinks without a backup that covers it is
//! lost, and a restore would miss it.

use std::collections::BTreeMap;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment;
use crate::archive::open::Archive;
use crate::error::Result;

/// What stands in the archive.
#[derive(Debug)]
pub(super) struct Standing {
    /// The bytes of each segment.
    segments: BTreeMap<u64, u64>,
    /// The names of all manifests.
    manifests: Vec<String>,
    newest: Option<Newest>,
}

/// The newest backup of the archive's own store.
#[derive(Debug, Clone)]
struct Newest {
    name: String,
    bytes: u64,
    sequence: u64,
    segments_to: u64,
    shipped: u64,
}

impl Standing {
    pub(super) fn of(archive: &Archive) -> Result<Standing> {
        Standing::after(archive, None)
    }

    fn after(archive: &Archive, before: Option<&Standing>) -> Result<Standing> {
        let place = &*archive.place;
        // Segments first: a backup that removes some has written its manifest before.
        let segments = segment::files(place)?
            .into_iter()
            .map(|(number, name)| (number, bytes(archive, &name)))
            .collect();
        let mut manifests = place.list("backup-")?;
        manifests.retain(|name| Manifest::id_of(name).is_some());
        // Manifests are read only where another one is there.
        let newest = match before.filter(|before| before.manifests == manifests) {
            Some(before) => before.newest.clone().map(|newest| Newest {
                bytes: bytes(archive, &newest.name),
                ..newest
            }),
            None => archive.manifests()?.first().map(|(newest, _)| {
                let name = Manifest::file_name(&newest.id);
                Newest {
                    bytes: bytes(archive, &name),
                    name,
                    sequence: newest.sequence,
                    segments_to: newest.segments_to,
                    shipped: newest.shipped.as_ref().map_or(0, |shipped| shipped.number),
                }
            }),
        };
        Ok(Standing {
            segments,
            manifests,
            newest,
        })
    }

    /// What stands there now.
    pub(super) fn again(&self, archive: &Archive) -> Result<Standing> {
        Standing::after(archive, Some(self))
    }

    /// Whether another backup is the newest one than at the look `before`.
    pub(super) fn has_another_backup(&self, before: &Standing) -> bool {
        let sequence = |of: &Standing| of.newest.as_ref().map(|newest| newest.sequence);
        sequence(self) != sequence(before)
    }

    /// What became of something that was there at the look `before`.
    pub(super) fn lost_since(&self, before: &Standing) -> Option<String> {
        if let Some(then) = &before.newest {
            match &self.newest {
                Some(now) if now.sequence > then.sequence => {}
                Some(now) if now.sequence == then.sequence && now.bytes >= then.bytes => {}
                _ => return Some(format!("no whole {} any more", then.name)),
            }
        }
        let covered = self.newest.as_ref().map_or(0, |newest| newest.segments_to);
        let wanted = before.segments.iter();
        let mut wanted = wanted.filter(|(number, _)| **number >= covered);
        wanted.find_map(|(number, then)| {
            let name = segment::file_name(*number);
            match self.segments.get(number) {
                Some(now) if now >= then => None,
                Some(now) => Some(format!(
                    "{name} of {now} bytes, {} of them gone",
                    then - now
                )),
                None => Some(format!("no {name} any more")),
            }
        })
    }

    /// The last record that the newest backup says was shipped before it.
    pub(super) fn shipped(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.shipped)
    }
}

/// The bytes of a file; 0 where there is none that can be read.
fn bytes(archive: &Archive, name: &str) -> u64 {
    let found = archive.place.look(name).ok().flatten();
    found.map_or(0, |found| found.bytes)
}
