//! Stored files read back and checked, each once however many backups share it.

use std::collections::{BTreeMap, HashMap};
use std::io::BufReader;

use crate::archive::format::gzip::{self, Trouble};
use crate::archive::format::looks::Looks;
use crate::archive::format::manifest::{DayPart, Manifest, Object, SettingsPart};
use crate::archive::look::contents;
use crate::archive::look::report::Depth;
use crate::archive::look::whole;
use crate::archive::open::Archive;
use crate::archive::place::interface::{Hold, Stored};
use crate::clock::{Clock as _, SystemClock};
use crate::digest::sha256_of;
use crate::disk::draft::Draft;
use crate::disk::plain;
use crate::error::Error;
use crate::finding::{Finding, NO_ROOM};
use crate::found;

/// The stored files, each read once however many backups share it.
pub(in crate::archive::look) struct Objects<'a> {
    archive: &'a Archive,
    full: bool,
    seen: BTreeMap<String, Vec<Finding>>,
    /// What was seen of the day files.
    looks: Looks,
    /// Stored hash → path, to tell swapped files from altered ones.
    owners: HashMap<String, String>,
}

impl<'a> Objects<'a> {
    pub(in crate::archive::look) fn new(archive: &'a Archive, depth: Depth) -> Objects<'a> {
        let mut owners = HashMap::new();
        for (manifest, _) in archive.manifests().unwrap_or_default() {
            let days = manifest.days.iter().flat_map(DayPart::objects);
            owners.extend(days.map(|object| (object.sha256.clone(), object.file.clone())));
            let settings = manifest.settings.into_iter();
            owners.extend(settings.map(|part| (part.sha256, part.file)));
        }
        Objects {
            archive,
            full: depth == Depth::Deep,
            seen: BTreeMap::new(),
            looks: Looks::default(),
            owners,
        }
    }

    pub(in crate::archive::look) fn day(&mut self, part: &DayPart) -> Vec<Finding> {
        let mut all = Vec::new();
        for (object, events, to_id) in part.pieces() {
            // A file with two descriptions is read for each, as one of them must be wrong.
            let key = day_key(object, events);
            if !self.seen.contains_key(&key) {
                let found = self.archive.place.look(&object.file);
                let finding = self.read_day(object, events, to_id).err();
                let unread = (finding.as_ref()).is_some_and(|finding| finding.problem == NO_ROOM);
                if let (Ok(Some(found)), false) = (found, unread) {
                    let damage = finding.as_ref().map(ToString::to_string);
                    (self.looks).note(object, found, SystemClock.now_ms(), damage);
                }
                self.seen.insert(key.clone(), finding.into_iter().collect());
            }
            all.extend(self.seen[&key].iter().cloned());
        }
        all
    }

    fn read_day(
        &self,
        object: &Object,
        events: u64,
        to_id: Option<i64>,
    ) -> std::result::Result<(), Finding> {
        let path = self.archive.place.path(&object.file);
        let copies = "bring this file back from a copy of the archive, or use another backup";
        let from = self.open_sized(&object.file, object.bytes, &object.sha256, copies)?;
        let no_room = |error: &dyn std::fmt::Display| {
            Finding::new(self.archive.dir(), NO_ROOM)
                .found(format!("an error ({error})"))
                .hint("free some space")
        };
        let scratch = self
            .archive
            .place
            .scratch_to_read()
            .map_err(|error| no_room(&error))?;
        let mut draft = Draft::new(scratch.path()).map_err(|error| no_room(&error))?;
        let sizes = gzip::decompress(&mut BufReader::new(from), draft.file(), &mut |_| Ok(()));
        let sizes = match sizes {
            Ok(sizes) => sizes,
            Err(Trouble::Write(error)) => return Err(no_room(&error)),
            Err(Trouble::Read(error)) => {
                return Err(Finding::new(&path, "unreadable")
                    .found(found::by_system(&error))
                    .hint(copies));
            }
            Err(Trouble::Damaged(found)) => {
                return Err(self
                    .tell_swapped(&object.file, &object.sha256)
                    .unwrap_or_else(|| {
                        Finding::new(&path, "altered")
                            .expected(format!("SHA-256 {}", object.sha256))
                            .found(found)
                            .hint(copies)
                    }));
            }
        };
        if sizes.sha256 != object.sha256 {
            return Err(self
                .tell_swapped(&object.file, &object.sha256)
                .unwrap_or_else(|| {
                    Finding::new(&path, "altered")
                        .expected(format!("SHA-256 {}", object.sha256))
                        .found(format!("SHA-256 {}", sizes.sha256))
                        .hint(copies)
                }));
        }
        whole::inflated(&*self.archive.place, object, &sizes)?;
        let conn = plain::open(draft.path()).map_err(|error| {
            Finding::new(&path, "not a database")
                .expected("an SQLite database")
                .found(found::by_us(&error))
                .hint("use another backup")
        })?;
        plain::check(&conn, self.full).map_err(|said| {
            Finding::new(&path, "damaged database")
                .expected("SQLite's check to say ok")
                .found(said)
                .hint("use another backup")
        })?;
        let contents = contents::of(&conn, &path).map_err(|error| match error {
            Error::Foreign { .. } => Finding::new(&path, "foreign or newer day file")
                .expected("a day file")
                .found("a database that is not a day file of this store")
                .hint("use another backup, or the program that wrote this one"),
            Error::Unreadable {
                found, expected, ..
            } => Finding::new(&path, "foreign or newer day file")
                .expected(expected)
                .found(found)
                .hint("use another backup, or the program that wrote this one"),
            other => Finding::new(&path, "unreadable day file")
                .expected("a day file that this program reads")
                .found(found::by_us(&other))
                .hint("use another backup"),
        })?;
        if (contents.events, contents.to_id) != (events, to_id) {
            let told = |events: u64, last: Option<i64>| {
                format!("{events} events, the last of them {last:?}")
            };
            return Err(Finding::new(&path, "not what was backed up")
                .expected(told(events, to_id))
                .found(told(contents.events, contents.to_id))
                .hint("use another backup"));
        }
        Ok(())
    }

    /// The files of a backup that were found damaged.
    pub(super) fn damaged(&self, manifest: &Manifest) -> Vec<String> {
        let days = manifest.days.iter().flat_map(DayPart::pieces);
        let days = days.map(|(object, events, _)| (&object.file, day_key(object, events)));
        let settings = manifest.settings.iter();
        let settings = settings.map(|part| (&part.file, settings_key(part)));
        let is_damaged = |key: &str| self.seen.get(key).is_some_and(|found| !found.is_empty());
        let damaged = days.chain(settings).filter(|(_, key)| is_damaged(key));
        damaged.map(|(file, _)| file.clone()).collect()
    }

    /// Writes down what was seen, where nobody else is at work. The proofs tell of damage, too.
    pub(super) fn note(self) {
        let place = &*self.archive.place;
        if self.looks.is_empty() {
            return;
        }
        let Ok(Some(_held)) = place.hold_if_free(Hold::Write) else {
            return;
        };
        let mut looks = Looks::read(place);
        looks.add(self.looks);
        // An archive that may only be read stays as it is.
        if let Err(error) = looks.write(place) {
            tracing::debug!(%error, "what a verification saw could not be kept");
        }
    }

    /// How many stored files were read.
    pub(super) fn count(&self) -> u64 {
        self.seen.len() as u64
    }

    fn tell_swapped(&self, name: &str, expected: &str) -> Option<Finding> {
        let mut file = self.archive.place.get(name).ok()?;
        let (found, _) = sha256_of(&mut file).ok()?;
        let owner = self.owners.get(&found)?;
        (found != expected).then(|| {
            Finding::new(&self.archive.place.path(name), "swapped")
                .expected(format!("SHA-256 {expected}"))
                .found(format!("the content of {owner}"))
                .hint("give the files their own names back")
        })
    }

    pub(in crate::archive::look) fn settings(&mut self, part: &SettingsPart) -> Vec<Finding> {
        let key = settings_key(part);
        if !self.seen.contains_key(&key) {
            let findings = self.read_settings(part).err().into_iter().collect();
            self.seen.insert(key.clone(), findings);
        }
        self.seen[&key].clone()
    }

    fn read_settings(&self, part: &SettingsPart) -> std::result::Result<(), Finding> {
        let path = self.archive.place.path(&part.file);
        let hint = "bring this file back from a copy of the archive";
        let mut from = self.open_sized(&part.file, part.bytes, &part.sha256, hint)?;
        let (found, _) = sha256_of(&mut from).map_err(|error| {
            Finding::new(&path, "unreadable")
                .found(found::by_system(&error))
                .hint(hint)
        })?;
        if found == part.sha256 {
            Ok(())
        } else {
            Err(self
                .tell_swapped(&part.file, &part.sha256)
                .unwrap_or_else(|| {
                    Finding::new(&path, "altered")
                        .expected(format!("SHA-256 {}", part.sha256))
                        .found(format!("SHA-256 {found}"))
                        .hint(hint)
                }))
        }
    }

    /// Opens a file that must have a size; one of another size may be another file of this archive.
    fn open_sized(
        &self,
        name: &str,
        bytes: u64,
        sha256: &str,
        hint: &str,
    ) -> std::result::Result<Box<dyn Stored>, Finding> {
        whole::open_sized(&*self.archive.place, name, bytes, hint)
            .map_err(|finding| self.tell_swapped(name, sha256).unwrap_or(finding))
    }
}

fn day_key(object: &Object, events: u64) -> String {
    format!("{} {} {events}", object.file, object.sha256)
}

fn settings_key(part: &SettingsPart) -> String {
    format!("{} {}", part.file, part.sha256)
}
