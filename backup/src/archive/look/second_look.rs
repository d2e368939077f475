//! Looks again at what was said to be damaged: a file may only have been away, or was written anew since.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::archive::format::looks::{Looks, Seen};
use crate::archive::format::manifest::{DayPart, Manifest};
use crate::archive::format::proof::{self, Proof};
use crate::archive::look::report::Depth;
use crate::archive::look::verify::objects::Objects;
use crate::archive::open::Archive;
use crate::clock::{Clock as _, SystemClock};
use crate::error::Result;

/// What is known of the backups after the second look.
pub(crate) struct SecondLook {
    looks: Looks,
    /// Files were seen whole that were said to be damaged.
    learned: bool,
    /// Backups whose failed proof no longer holds, by id.
    refuted: HashSet<String>,
}

impl SecondLook {
    pub(crate) fn is_proved(&self, archive: &Archive, manifest: &Manifest) -> bool {
        self.refuted.contains(&manifest.id) || archive.info_by(manifest, &self.looks).verified
    }

    /// As [`Archive::bad_days`].
    pub(crate) fn bad_days(
        &self,
        archive: &Archive,
        manifest: &Manifest,
    ) -> Option<BTreeMap<String, String>> {
        if self.refuted.contains(&manifest.id) {
            return Some(BTreeMap::new());
        }
        archive.bad_days(manifest, &self.looks)
    }

    /// Writes down what was seen, and removes the proofs that no longer hold. The caller holds the archive for writing.
    pub(crate) fn keep(&self, archive: &Archive) -> Result<()> {
        let proof = |id: &String| proof::name(&Manifest::file_name(id));
        let refuted: Vec<String> = self.refuted.iter().map(proof).collect();
        if self.learned {
            self.looks.write(&*archive.place)?;
        }
        archive.place.remove(&refuted)
    }
}

impl Archive {
    /// Reads again the days and settings files that a failed proof or an earlier reading says are damaged, and no others.
    /// Writes nothing.
    pub(crate) fn look_again(&self, manifests: &[(Manifest, String)]) -> SecondLook {
        let mut looks = Looks::read(&*self.place);
        let known = (manifests.iter())
            .map(|(manifest, sha256)| (manifest.id.clone(), sha256.clone()))
            .collect();
        let mut reader = Reader {
            archive: self,
            objects: Objects::new(self, Depth::Deep),
            days: HashMap::new(),
            known,
        };
        let mut refuted = HashSet::new();
        for (manifest, _) in manifests {
            if self.info_by(manifest, &looks).verified {
                continue;
            }
            let failed = proof::read(&*self.place, &Manifest::file_name(&manifest.id));
            let failed = failed.filter(|proof| !proof.ok);
            if reader.refutes(manifest, failed.as_ref(), &mut looks) {
                refuted.insert(manifest.id.clone());
            }
        }
        SecondLook {
            looks,
            learned: reader.days.values().any(|whole| *whole),
            refuted,
        }
    }
}

struct Reader<'a> {
    archive: &'a Archive,
    objects: Objects<'a>,
    /// Whether a day is whole, by its stored files.
    days: HashMap<Vec<String>, bool>,
    /// Each backup's hash by its id.
    known: HashMap<String, String>,
}

impl Reader<'_> {
    /// Whether all that a failed proof names is sound now. Remembers which day files are.
    fn refutes(&mut self, manifest: &Manifest, failed: Option<&Proof>, looks: &mut Looks) -> bool {
        let place = &*self.archive.place;
        let named = failed.and_then(|proof| proof.damaged.as_ref());
        let is_named = |file: &String| named.is_some_and(|named| named.contains(file));
        let mut sound: Vec<&str> = Vec::new();
        let mut all_sound = true;
        for part in &manifest.days {
            let seen_damaged = |object| matches!(looks.of(place, object), Seen::Damaged(_));
            if !part
                .objects()
                .any(|object| is_named(&object.file) || seen_damaged(object))
            {
                continue;
            }
            if self.is_whole(part, looks) {
                sound.extend(part.objects().map(|object| object.file.as_str()));
            } else {
                all_sound = false;
            }
        }
        for part in manifest.settings.iter().filter(|part| is_named(&part.file)) {
            if self.objects.settings(part).is_empty() {
                sound.push(&part.file);
            } else {
                all_sound = false;
            }
        }
        // Of the chain a proof tells by the name of the manifest before.
        let link = manifest.previous.as_ref();
        let link = link.map(|link| Manifest::file_name(&link.id));
        if let Some(link) = &link
            && self.archive.verify_link(manifest, &self.known).is_none()
        {
            sound.push(link);
        }
        let Some(failed) = failed else { return false };
        let speaks_of_sound = |said: &String| sound.iter().any(|file| said.contains(file));
        all_sound
            && !failed.findings.is_empty()
            && failed.findings.iter().all(speaks_of_sound)
            && self.archive.missing(manifest.files()).is_none()
    }

    /// Reads a day's stored files, and compares its rows: hashes alone do not tell when other rows were stored.
    fn is_whole(&mut self, part: &DayPart, looks: &mut Looks) -> bool {
        let files: Vec<String> = part.objects().map(|object| object.file.clone()).collect();
        if let Some(known) = self.days.get(&files) {
            return *known;
        }
        let place = &*self.archive.place;
        let found: Vec<_> = files.iter().map(|file| place.look(file)).collect();
        let whole =
            self.objects.day(part).is_empty() && matches!(self.archive.rows_differ(part), Ok(None));
        if whole {
            for (object, found) in part.objects().zip(found) {
                if let Ok(Some(found)) = found {
                    looks.note(object, found, SystemClock.now_ms(), None);
                }
            }
        }
        self.days.insert(files, whole);
        whole
    }
}
