//! Verification: reads everything back and lists every finding; none hides another.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::digest::sha256_of;
use super::gzip::{self, Trouble};
use super::manifest::{self, DayPart, Manifest, Object, SettingsPart};
use super::plan::RestoreSource;
use super::publish::{self, Draft};
use super::report::{Depth, Finding, Report};
use super::seed::{self, Holds};
use super::segment::SEGMENTS;
use super::tail::Tail;
use super::{Archive, lock, proof, retention, snapshot};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result};

impl Archive {
    /// Checks one backup (by id or file name), or with `None` the whole archive, and remembers the outcome beside each
    /// backup. Every finding is reported; trouble in reading is a finding too.
    pub fn verify(&self, what: Option<&str>, depth: Depth) -> Report {
        let _lock = match lock::reader(&self.dir) {
            Ok(lock) => lock,
            Err(error) => return failed(&self.dir, &error),
        };
        match self.subjects(what) {
            Ok(subjects) => {
                let mut report = self.verify_subjects(subjects, depth);
                if what.is_none() {
                    self.verify_segments(&mut report);
                }
                report
            }
            Err(finding) => Report::new(0, vec![finding]),
        }
    }

    /// Checks a single database file, compressed or not, wherever it lies. Nothing is written beside it.
    pub fn verify_file(path: &Path, depth: Depth) -> Report {
        let scratch = std::env::temp_dir();
        let checked = seed::open(path, &scratch)
            .and_then(|opened| opened.inspect(path, depth == Depth::Deep));
        match checked {
            Ok(_) => Report::new(1, Vec::new()),
            Err(finding) => Report::new(1, vec![finding]),
        }
    }

    /// The file names of the backups to check.
    fn subjects(&self, what: Option<&str>) -> std::result::Result<Vec<String>, Finding> {
        let names = publish::entries(&self.dir).map_err(|error| {
            Finding::new(&self.dir, "unreadable")
                .found(error.to_string())
                .hint("check the path, owner and permissions")
        })?;
        let all = names
            .into_iter()
            .filter(|name| Manifest::id_of(name).is_some() || seed::time_of_file(name).is_some());
        let Some(what) = what else {
            return Ok(all.collect());
        };
        let wanted: Vec<String> = all
            .filter(|name| name == what || Manifest::id_of(name) == Some(what))
            .collect();
        if wanted.is_empty() {
            return Err(Finding::new(&self.dir.join(what), "missing")
                .expected("a backup of this archive")
                .found("none of that name")
                .hint("`list` shows the backups there are"));
        }
        Ok(wanted)
    }

    fn verify_subjects(&self, subjects: Vec<String>, depth: Depth) -> Report {
        let mut findings = Vec::new();
        let mut checked = 0;
        let mut objects = Objects::new(self, depth);
        let known: HashMap<String, String> = self
            .manifests()
            .unwrap_or_default()
            .into_iter()
            .map(|(manifest, sha256)| (manifest.id, sha256))
            .collect();
        for name in subjects {
            checked += 1;
            let (sha256, seed, mut own) = if Manifest::id_of(&name).is_some() {
                match manifest::read(&self.dir.join(&name)) {
                    Ok((manifest, sha256)) => {
                        let own = self.verify_manifest(&manifest, &known, &mut objects, depth);
                        (sha256, None, own)
                    }
                    Err(finding) => (String::new(), None, vec![finding]),
                }
            } else {
                let (seed, own) = self.verify_seed(&name, depth);
                (String::new(), seed, own)
            };
            let texts = own.iter().map(Finding::to_string).collect();
            // An archive that may only be read is verified all the same; the outcome just cannot be kept there.
            if let Err(error) = proof::write(
                &self.dir,
                &name,
                depth,
                sha256,
                texts,
                seed,
                SystemClock.now_ms(),
            ) {
                tracing::debug!(%error, "the outcome of a verification could not be kept");
            }
            findings.append(&mut own);
        }
        checked += objects.seen.len() as u64;
        // A file shared by several backups is one finding in the report.
        let mut unique: Vec<Finding> = Vec::with_capacity(findings.len());
        for finding in findings {
            if !unique.contains(&finding) {
                unique.push(finding);
            }
        }
        Report::new(checked, unique)
    }

    fn verify_manifest(
        &self,
        manifest: &Manifest,
        known: &HashMap<String, String>,
        objects: &mut Objects<'_>,
        depth: Depth,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.verify_link(manifest, known));
        for part in &manifest.days {
            findings.extend(objects.day(part));
        }
        for part in &manifest.settings {
            findings.extend(objects.settings(part));
        }
        let events: u64 = manifest.days.iter().map(|day| day.events).sum();
        if events != manifest.events {
            findings.push(
                Finding::new(
                    &self.dir.join(Manifest::file_name(&manifest.id)),
                    "wrong sum",
                )
                .expected(format!("{} events, as its days hold", events))
                .found(format!("{} events", manifest.events))
                .hint("report this; the days themselves are checked one by one"),
            );
        }
        if depth == Depth::Deep && findings.is_empty() {
            findings.extend(self.real_restore(manifest).err().map(|error| {
                Finding::new(
                    &self.dir.join(Manifest::file_name(&manifest.id)),
                    "does not restore",
                )
                .expected("a restore into scratch that holds what the manifest says")
                .found(error.to_string())
                .hint("use another backup")
            }));
        }
        findings
    }

    /// The chain: the backup before must be the one this one was made after, or have been pruned.
    fn verify_link(&self, manifest: &Manifest, known: &HashMap<String, String>) -> Option<Finding> {
        let link = manifest.previous.as_ref()?;
        let path = self.dir.join(Manifest::file_name(&link.id));
        match known.get(&link.id) {
            Some(found) if *found == link.sha256 => None,
            Some(found) => Some(
                Finding::new(&path, "altered")
                    .expected(format!("SHA-256 {} as {} says", link.sha256, manifest.id))
                    .found(format!("SHA-256 {found}"))
                    .hint("this manifest was replaced; bring it back from a copy of the archive"),
            ),
            None if path.exists() || retention::was_pruned(&self.dir, &link.id) => None,
            None => Some(
                Finding::new(&path, "missing")
                    .expected(format!("the backup that {} was made after", manifest.id))
                    .found("no such file, and no prune removed it")
                    .hint("bring it back from a copy of the archive, if you need its moments"),
            ),
        }
    }

    fn real_restore(&self, manifest: &Manifest) -> Result<()> {
        let scratch =
            publish::scratch(&self.dir).or_else(|_| publish::scratch(&std::env::temp_dir()))?;
        let plan = self.plan(RestoreSource::Id(manifest.id.clone()), None, scratch.path())?;
        let report = plan.thorough().build(&())?.swap()?;
        if report.events == manifest.events {
            Ok(())
        } else {
            Err(Error::Unexpected {
                path: self.dir.join(Manifest::file_name(&manifest.id)),
                found: format!("{} events after a restore", report.events),
                expected: format!("{} events", manifest.events),
            })
        }
    }

    /// The segments after the newest backup: every record, and that none is missing.
    fn verify_segments(&self, report: &mut Report) {
        let folder = self.dir.join(SEGMENTS);
        let found = |problem: &str, found: String| {
            Finding::new(&folder, problem)
                .expected("an unbroken run of whole records after the newest backup")
                .found(found)
                .hint("make a backup now; the moments in between cannot be restored")
        };
        let manifests = self.manifests().unwrap_or_default();
        let Some((manifest, _)) = manifests.first() else {
            return;
        };
        match Tail::of(&self.dir, manifest) {
            Ok(tail) => {
                let (checked, errors) = tail.check();
                report.checked += checked;
                let errors = errors
                    .iter()
                    .map(|error| found("damaged segment", error.to_string()));
                report.findings.extend(errors);
                let hole = tail.hole.map(|hole| found("hole in the segments", hole));
                report.findings.extend(hole);
            }
            Err(error) => report.findings.push(found("unreadable", error.to_string())),
        }
        report.ok = report.findings.is_empty();
    }

    fn verify_seed(&self, name: &str, depth: Depth) -> (Option<proof::SeedContents>, Vec<Finding>) {
        let path = self.dir.join(name);
        let scratch = writable_scratch(&self.dir);
        let holds = seed::open(&path, &scratch)
            .and_then(|opened| opened.inspect(&path, depth == Depth::Deep));
        match holds {
            Ok(Holds::Seed(contents)) => (Some(contents), Vec::new()),
            Ok(Holds::Day(contents)) => (
                Some(proof::SeedContents {
                    events: contents.events,
                    from_ms: contents.from_ms,
                    to_ms: contents.to_ms,
                }),
                Vec::new(),
            ),
            Err(finding) => (None, vec![finding]),
        }
    }
}

/// The archive's folder, or the system's for temporary files where the archive may only be read.
pub(crate) fn writable_scratch(archive: &Path) -> std::path::PathBuf {
    match publish::scratch(archive) {
        Ok(_) => archive.to_path_buf(),
        Err(_) => std::env::temp_dir(),
    }
}

fn failed(path: &Path, error: &Error) -> Report {
    let finding = Finding::new(path, "cannot be checked")
        .expected("an archive at rest")
        .found(error.to_string())
        .hint("try again");
    Report::new(0, vec![finding])
}

/// The stored files, each read once however many backups share it.
struct Objects<'a> {
    archive: &'a Archive,
    full: bool,
    seen: BTreeMap<String, Vec<Finding>>,
    /// Stored hash → path, to tell swapped files from altered ones.
    owners: HashMap<String, String>,
}

impl<'a> Objects<'a> {
    fn new(archive: &'a Archive, depth: Depth) -> Objects<'a> {
        let owners = archive
            .manifests()
            .unwrap_or_default()
            .iter()
            .flat_map(|(manifest, _)| &manifest.days)
            .flat_map(DayPart::objects)
            .map(|object| (object.sha256.clone(), object.file.clone()))
            .collect();
        Objects {
            archive,
            full: depth == Depth::Deep,
            seen: BTreeMap::new(),
            owners,
        }
    }

    fn day(&mut self, part: &DayPart) -> Vec<Finding> {
        let mut all = Vec::new();
        for (object, events, to_id) in part.pieces() {
            // The same file under two descriptions is read for each: one of them must be wrong.
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
        let path = self.archive.dir.join(&object.file);
        let copies = "bring this file back from a copy of the archive, or use another backup";
        let from = open_sized(&path, object.bytes, copies)?;
        let scratch_in = writable_scratch(&self.archive.dir);
        let no_room = |error: &dyn std::fmt::Display| {
            Finding::new(&scratch_in, "no room to work")
                .found(error.to_string())
                .hint("free some space")
        };
        let scratch = publish::scratch(&scratch_in).map_err(|error| no_room(&error))?;
        let mut draft = Draft::new(scratch.path()).map_err(|error| no_room(&error))?;
        let sizes = gzip::decompress(&mut BufReader::new(from), draft.file(), &mut |_| Ok(()));
        let sizes = match sizes {
            Ok(sizes) => sizes,
            Err(Trouble::Write(error)) => return Err(no_room(&error)),
            Err(Trouble::Read(error)) => {
                return Err(Finding::new(&path, "unreadable")
                    .found(error.to_string())
                    .hint(copies));
            }
            Err(Trouble::Damaged(found)) => {
                return Err(self.tell_swapped(&path, &object.sha256).unwrap_or_else(|| {
                    Finding::new(&path, "altered")
                        .expected(format!("SHA-256 {}", object.sha256))
                        .found(found)
                        .hint(copies)
                }));
            }
        };
        if sizes.sha256 != object.sha256 {
            return Err(self.tell_swapped(&path, &object.sha256).unwrap_or_else(|| {
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
        let conn = snapshot::open_plain(draft.path()).map_err(|error| {
            Finding::new(&path, "not a database")
                .found(error.to_string())
                .hint("use another backup")
        })?;
        snapshot::check(&conn, self.full).map_err(|said| {
            Finding::new(&path, "damaged database")
                .expected("SQLite's check to say ok")
                .found(said)
                .hint("use another backup")
        })?;
        let contents = snapshot::contents(&conn, &path).map_err(|error| {
            Finding::new(&path, "unreadable day file")
                .found(error.to_string())
                .hint("use another backup")
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

    fn tell_swapped(&self, path: &Path, expected: &str) -> Option<Finding> {
        let (found, _) = sha256_of(&mut BufReader::new(File::open(path).ok()?)).ok()?;
        let owner = self.owners.get(&found)?;
        (found != expected).then(|| {
            Finding::new(path, "swapped")
                .expected(format!("SHA-256 {expected}"))
                .found(format!("the content of {owner}"))
                .hint("give the files their own names back")
        })
    }

    fn settings(&mut self, part: &SettingsPart) -> Vec<Finding> {
        let key = format!("{} {}", part.file, part.sha256);
        if !self.seen.contains_key(&key) {
            let findings = self.read_settings(part).err().into_iter().collect();
            self.seen.insert(key.clone(), findings);
        }
        self.seen[&key].clone()
    }

    fn read_settings(&self, part: &SettingsPart) -> std::result::Result<(), Finding> {
        let path = self.archive.dir.join(&part.file);
        let hint = "bring this file back from a copy of the archive";
        let mut from = open_sized(&path, part.bytes, hint)?;
        let (found, _) = sha256_of(&mut from).map_err(|error| {
            Finding::new(&path, "unreadable")
                .found(error.to_string())
                .hint(hint)
        })?;
        if found == part.sha256 {
            Ok(())
        } else {
            Err(Finding::new(&path, "altered")
                .expected(format!("SHA-256 {}", part.sha256))
                .found(format!("SHA-256 {found}"))
                .hint(hint))
        }
    }
}

fn open_sized(path: &Path, bytes: u64, hint: &str) -> std::result::Result<File, Finding> {
    let (file, found) = File::open(path)
        .and_then(|file| {
            let len = file.metadata()?.len();
            Ok((file, len))
        })
        .map_err(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            Finding::new(path, if missing { "missing" } else { "unreadable" })
                .expected(format!("a file of {bytes} bytes"))
                .found(error.to_string())
                .hint(hint)
        })?;
    match found.cmp(&bytes) {
        std::cmp::Ordering::Equal => Ok(file),
        order => Err(Finding::new(
            path,
            if order.is_lt() {
                "cut short"
            } else {
                "altered"
            },
        )
        .expected(format!("{bytes} bytes"))
        .found(format!("{found} bytes"))
        .hint(hint)),
    }
}
