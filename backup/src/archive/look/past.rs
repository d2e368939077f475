//! Whether the newest backup holds the days of the past as they are now, told from outside: an import, a repair or
//! somebody's hand may change a day long after it was backed up, and shipping follows only what is recorded.

use std::collections::BTreeMap;

use crate::archive::format::manifest::{Manifest, Source};
use crate::archive::look::at_rest::at_rest;
use crate::archive::open::Archive;
use crate::error::Result;
use crate::store::day::Day;
use crate::store::folder::Store;

/// Looks again and again at the days before the newest backup's last one, by size and time of their files. Cheap while
/// nothing changes.
#[derive(Debug, Default)]
pub struct Past {
    /// The manifests that were there at the last look, and the newest of them.
    names: Vec<String>,
    newest: Option<Manifest>,
    /// Days that were found otherwise than in the newest backup: as they were then, and that backup's sequence.
    found: BTreeMap<Day, (Source, u64)>,
}

impl Past {
    /// The days that changed since the newest backup, oldest first. A day in which somebody wrote within the last two
    /// seconds is told by a later look. None where there is no backup, which says enough.
    ///
    /// # Errors
    /// When the archive or the store's folder cannot be read.
    pub fn changed(&mut self, archive: &Archive, store: &Store) -> Result<Vec<Day>> {
        let mut names = archive.place.list("backup-")?;
        names.retain(|name| Manifest::id_of(name).is_some());
        if names != self.names {
            self.newest = archive.manifests()?.into_iter().next().map(|(it, _)| it);
            self.names = names;
        }
        let Some(newest) = &self.newest else {
            return Ok(Vec::new());
        };
        let parts: BTreeMap<Day, Option<&Source>> = newest
            .days
            .iter()
            .filter_map(|part| Some((part.day.parse().ok()?, part.source.as_ref())))
            .collect();
        // What follows is shipped.
        let Some(last) = parts.keys().next_back().copied() else {
            return Ok(Vec::new());
        };
        let mut changed = Vec::new();
        for day in store.days()?.into_iter().filter(|day| *day < last) {
            let Some(now) = at_rest(&store.day_path(day)) else {
                continue;
            };
            if parts.get(&day).copied().flatten() == Some(&now) {
                self.found.remove(&day);
                continue;
            }
            // A backup that was made since then read the file as it is now, though its time may have been too fresh.
            let known = self.found.get(&day).filter(|(was, _)| *was == now);
            let since = known.map_or(newest.sequence, |(_, sequence)| *sequence);
            if newest.sequence <= since {
                changed.push(day);
            }
            self.found.insert(day, (now, since));
        }
        Ok(changed)
    }
}
