//! Stored files read back and checked, each once however many backups share it.

use std::collections::{BTreeMap, HashMap};
use std::io::BufReader;

use crate::archive::format::gzip::{self, Trouble};
use crate::archive::format::manifest::{DayPart, Object, SettingsPart};
use crate::archive::look::contents;
use crate::archive::look::report::Depth;
use crate::archive::open::Archive;
use crate::archive::place::verbs::{Place, Stored};
use crate::digest::sha256_of;
use crate::disk::draft::Draft;
use crate::disk::plain;
use crate::error::Error;
use crate::finding::{Finding, NO_ROOM};
use crate::found;
use crate::irregular;

/// The stored files, each read once however many backups share it.
pub(super) struct Objects<'a> {
    archive: &'a Archive,
    full: bool,
    seen: BTreeMap<String, Vec<Finding>>,
    /// Stored hash → path, to tell swapped files from altered ones.
    owners: HashMap<String, String>,
}

impl<'a> Objects<'a> {
    pub(super) fn new(archive: &'a Archive, depth: Depth) -> Objects<'a> {
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
            owners,
        }
    }

    pub(super) fn day(&mut self, part: &DayPart) -> Vec<Finding> {
        let mut all = Vec::new();
        for (object, events, to_id) in part.pieces() {
            // A file with two descriptions is read for each, as one of them must be wrong.
            let key = format!("{} {} {events}", object.file, object.sha256);
            if !self.seen.contains_key(&key) {
                let findings = self.read_day(object, events, to_id).err();
                self.seen
                    .insert(key.clone(), findings.into_iter().collect());
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
        if sizes.raw_sha256 != object.raw_sha256 || sizes.raw_bytes != object.raw_bytes {
            return Err(Finding::new(&path, "not what was backed up")
                .expected(format!(
                    "{} bytes inflated, SHA-256 {}",
                    object.raw_bytes, object.raw_sha256
                ))
                .found(format!(
                    "{} bytes, SHA-256 {}",
                    sizes.raw_bytes, sizes.raw_sha256
                ))
                .hint("use another backup"));
        }
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

    pub(super) fn settings(&mut self, part: &SettingsPart) -> Vec<Finding> {
        let key = format!("{} {}", part.file, part.sha256);
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
        open_sized(&*self.archive.place, name, bytes, hint)
            .map_err(|finding| self.tell_swapped(name, sha256).unwrap_or(finding))
    }
}

fn open_sized(
    place: &dyn Place,
    name: &str,
    bytes: u64,
    hint: &str,
) -> std::result::Result<Box<dyn Stored>, Finding> {
    let path = place.path(name);
    let file = place.get(name).map_err(|error| {
        irregular::finding(&path, &error).unwrap_or_else(|| {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            Finding::new(&path, if missing { "missing" } else { "unreadable" })
                .expected(format!("a file of {bytes} bytes"))
                .found(found::by_system(&error))
                .hint(hint)
        })
    })?;
    let problem = match file.size().cmp(&bytes) {
        std::cmp::Ordering::Equal => return Ok(file),
        std::cmp::Ordering::Less => "cut short",
        std::cmp::Ordering::Greater => "altered",
    };
    Err(Finding::new(&path, problem)
        .expected(format!("{bytes} bytes"))
        .found(format!("{} bytes", file.size()))
        .hint(hint))
}
