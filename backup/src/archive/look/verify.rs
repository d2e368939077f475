//! Verification: reads everything back and lists every finding; none hides another.

use std::collections::HashMap;
use std::path::Path;

use crate::archive::format::manifest::{self, Manifest};
use crate::archive::format::owner;
use crate::archive::format::proof::{self, Outcome};
use crate::archive::format::pruned;
use crate::archive::format::segment::SEGMENTS;
use crate::archive::look::original::{self, FileKind};
use crate::archive::look::report::{Depth, Report};
use crate::archive::look::tail::Tail;
use crate::archive::look::verify::objects::Objects;
use crate::archive::look::{unnamed, unread};
use crate::archive::open::Archive;
use crate::archive::place::interface::Hold;
use crate::clock::{Clock as _, SystemClock};
use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::finding::{Finding, NO_ROOM};
use crate::found;

pub(super) mod objects;

/// Restores a backup into scratch and gives what differs from what was recorded.
pub(crate) type Drill<'a> = &'a dyn Fn(&Manifest) -> Result<Vec<Finding>>;

impl Archive {
    /// Checks one backup (by id or file name), or with `None` the whole archive, and remembers the outcome beside each
    /// backup. A deep check ends with a drill of each backup whose stored files are sound.
    pub(crate) fn check(&self, what: Option<&str>, depth: Depth, drill: Drill<'_>) -> Report {
        let _held = match self.place.hold(Hold::Read) {
            Ok(held) => held,
            Err(error) => return failed(self.dir(), &error),
        };
        match self.subjects(what) {
            Ok(subjects) => {
                let backups = subjects.len();
                let mut report = self.verify_subjects(subjects, depth, drill);
                if what.is_none() {
                    match unnamed::days(&*self.place) {
                        Ok(days) if backups == 0 => {
                            report
                                .findings
                                .push(unnamed::no_backup(self.dir(), days.len()));
                        }
                        Ok(days) => report.notes.extend(unnamed::note(days.len())),
                        Err(error) => report.findings.extend(failed(self.dir(), &error).findings),
                    }
                    report.findings.extend(self.place.broken_holds());
                    if let Err(Error::Found(finding)) = owner::read(&*self.place) {
                        report.findings.push(*finding);
                    }
                    self.verify_segments(&mut report);
                }
                report
            }
            Err(finding) => Report::new(0, vec![finding]),
        }
    }

    /// Checks a single database file, compressed or not, wherever it lies. Nothing is written beside it.
    pub fn verify_file(path: &Path, depth: Depth) -> Report {
        let checked = original::open(path, &|| scratch::folder(&std::env::temp_dir()))
            .and_then(|opened| opened.inspect(path, depth == Depth::Deep));
        match checked {
            Ok(_) => Report::new(1, Vec::new()),
            Err(finding) => Report::new(1, vec![finding]),
        }
    }

    /// The file names of the backups to check.
    fn subjects(&self, what: Option<&str>) -> std::result::Result<Vec<String>, Finding> {
        let names = self.place.list("").map_err(|error| {
            Finding::new(self.dir(), "unreadable")
                .found(found::by_us(&error))
                .hint("check the path, owner and permissions")
        })?;
        let all = names.into_iter().filter(|name| {
            Manifest::id_of(name).is_some() || original::time_of_file(name).is_some()
        });
        let Some(what) = what else {
            return Ok(all.collect());
        };
        let wanted: Vec<String> = all
            .filter(|name| name == what || Manifest::id_of(name) == Some(what))
            .collect();
        if wanted.is_empty() {
            return Err(Finding::new(&self.place.path(what), "missing")
                .expected("a backup of this archive")
                .found("none of that name")
                .hint("list the backups to see which there are"));
        }
        Ok(wanted)
    }

    fn verify_subjects(&self, subjects: Vec<String>, depth: Depth, drill: Drill<'_>) -> Report {
        let (mut findings, mut notes) = (Vec::new(), Vec::new());
        let mut checked = 0;
        let mut objects = Objects::new(self, depth);
        let mut manifests = self.readable_manifests().unwrap_or_default();
        let own_store = self.own_store(&manifests);
        manifests.retain(|(manifest, _)| manifest.is_of(own_store.as_ref()));
        let known: HashMap<String, String> = manifests
            .into_iter()
            .map(|(manifest, sha256)| (manifest.id, sha256))
            .collect();
        let backups = subjects.len() as u64;
        for name in subjects {
            checked += 1;
            let mut damaged = Vec::new();
            let (sha256, original_contents, mut own, beside) = if Manifest::id_of(&name).is_some() {
                match manifest::read(&*self.place, &name) {
                    // Its files are its owner's: nothing is written beside them.
                    Ok((manifest, _)) if !manifest.is_of(own_store.as_ref()) => {
                        findings.push(self.foreign(&manifest, own_store.as_ref()));
                        continue;
                    }
                    Ok((manifest, sha256)) => {
                        let own = self.verify_days(&manifest, &mut objects, depth, drill);
                        let beside = self.verify_beside(&manifest, &known, &mut objects);
                        damaged = objects.damaged(&manifest);
                        if depth == Depth::Deep {
                            notes.extend(unvouched(&manifest));
                        }
                        (sha256, None, own, beside)
                    }
                    Err(finding) => (String::new(), None, vec![finding], Vec::new()),
                }
            } else {
                let (original_contents, own) = self.verify_original(&name, depth);
                (String::new(), original_contents, own, Vec::new())
            };
            let restores = own.is_empty();
            own.extend(beside);
            if own.iter().any(|finding| finding.problem == NO_ROOM) {
                // It could not be checked, so its former proof stays.
                findings.append(&mut own);
                continue;
            }
            let outcome = Outcome {
                findings: own.iter().map(Finding::to_string).collect(),
                restores,
                // Where files with the right hashes do not restore, any of them may be wrong.
                damaged: (restores || !damaged.is_empty()).then_some(damaged),
                original: original_contents,
            };
            // An archive that may only be read is verified all the same; the outcome just cannot be kept there.
            if let Err(error) = proof::write(
                &*self.place,
                &name,
                depth == Depth::Deep,
                sha256,
                outcome,
                SystemClock.now_ms(),
            ) {
                tracing::debug!(%error, "the outcome of a verification could not be kept");
            }
            findings.append(&mut own);
        }
        checked += objects.count();
        objects.note();
        // A file shared by several backups is one finding in the report.
        let mut unique: Vec<Finding> = Vec::with_capacity(findings.len());
        for finding in findings {
            if !unique.contains(&finding) {
                unique.push(finding);
            }
        }
        Report {
            notes,
            backups,
            ..Report::new(checked, unique)
        }
    }

    /// What is wrong with the chain and the settings. The events can be restored all the same.
    fn verify_beside(
        &self,
        manifest: &Manifest,
        known: &HashMap<String, String>,
        objects: &mut Objects<'_>,
    ) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.verify_link(manifest, known).into_iter().collect();
        for part in &manifest.settings {
            findings.extend(objects.settings(part));
        }
        findings
    }

    /// What keeps the events from being restored.
    fn verify_days(
        &self,
        manifest: &Manifest,
        objects: &mut Objects<'_>,
        depth: Depth,
        drill: Drill<'_>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for part in &manifest.days {
            findings.extend(objects.day(part));
        }
        let events: u64 = manifest.days.iter().map(|day| day.events).sum();
        if events != manifest.events {
            findings.push(
                Finding::new(
                    &self.place.path(&Manifest::file_name(&manifest.id)),
                    "wrong sum",
                )
                .expected(format!("{} events, as its days hold", events))
                .found(format!("{} events", manifest.events))
                .hint("report this; the days themselves are checked one by one"),
            );
        }
        if depth == Depth::Deep && findings.is_empty() {
            match drill(manifest) {
                Ok(differing) => findings.extend(differing),
                Err(error) if error.is_disk_full() => findings.push(
                    Finding::new(self.dir(), NO_ROOM)
                        .expected("room to restore into scratch")
                        .found(found::by_us(&error))
                        .hint("free some space on that disk"),
                ),
                Err(error) => findings.push(
                    Finding::new(
                        &self.place.path(&Manifest::file_name(&manifest.id)),
                        "does not restore",
                    )
                    .expected("a restore into scratch that holds what the manifest says")
                    .found(found::by_us(&error))
                    .hint("use another backup"),
                ),
            }
        }
        findings
    }

    /// The chain: the backup before must be the one this one was made after, or have been pruned.
    pub(super) fn verify_link(
        &self,
        manifest: &Manifest,
        known: &HashMap<String, String>,
    ) -> Option<Finding> {
        let link = manifest.previous.as_ref()?;
        let name = Manifest::file_name(&link.id);
        let path = self.place.path(&name);
        match known.get(&link.id) {
            Some(found) if *found == link.sha256 => None,
            Some(found) => Some(
                Finding::new(&path, "altered")
                    .expected(format!("SHA-256 {} as {} says", link.sha256, manifest.id))
                    .found(format!("SHA-256 {found}"))
                    .hint("this manifest was replaced; bring it back from a copy of the archive"),
            ),
            None if !self.nothing_at(&name) || pruned::was_pruned(&*self.place, &link.id) => None,
            None => Some(
                Finding::new(&path, "missing")
                    .expected(format!("the backup that {} was made after", manifest.id))
                    .found("no such file, and no prune removed it")
                    .hint("bring it back from a copy of the archive, if you need its moments"),
            ),
        }
    }

    /// Something else than a file is named as such.
    fn nothing_at(&self, name: &str) -> bool {
        matches!(self.place.look(name), Ok(None))
    }

    /// The segments: that each can be read, and of those after the newest backup every record and that none is missing.
    fn verify_segments(&self, report: &mut Report) {
        let folder = self.place.path(SEGMENTS);
        let found = |path: Option<&Path>, problem: &str, found: String| {
            Finding::new(path.unwrap_or(&folder), problem)
                .expected("an unbroken run of whole records after the newest backup")
                .found(found)
                .hint("make a backup now; the moments in between cannot be restored")
        };
        report.findings.extend(unread::all(&*self.place));
        let manifests = self.manifests().unwrap_or_default();
        if let Some((manifest, _)) = manifests.first() {
            let tail = Tail::of(&self.place, manifest);
            let (checked, errors) = tail.check();
            report.checked += checked;
            let errors = errors
                .into_iter()
                .map(|(path, said)| found(Some(&path), "damaged segment", said));
            report.findings.extend(errors);
            let holes = tail
                .holes
                .iter()
                .filter(|hole| !hole.is_unread())
                .map(|hole| found(hole.file(), "hole in the segments", hole.to_string()));
            report.findings.extend(holes);
        }
        report.ok = report.findings.is_empty();
    }

    fn verify_original(
        &self,
        name: &str,
        depth: Depth,
    ) -> (Option<proof::OriginalContents>, Vec<Finding>) {
        let path = self.place.path(name);
        let kind = original::open_stored(&*self.place, name)
            .and_then(|opened| opened.inspect(&path, depth == Depth::Deep));
        match kind {
            Ok(FileKind::Original(contents)) => (Some(contents), Vec::new()),
            Ok(FileKind::Day(contents)) => (
                Some(proof::OriginalContents {
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

/// What a deep verification could not compare.
fn unvouched(manifest: &Manifest) -> Option<String> {
    let silent = manifest
        .days
        .iter()
        .filter(|day| day.state.is_none())
        .count();
    (silent > 0).then(|| {
        format!(
            "backup {}: of {silent} of {} days the recorder left no digest of the state; their events were counted only",
            manifest.id,
            manifest.days.len()
        )
    })
}

fn failed(path: &Path, error: &Error) -> Report {
    let finding = Finding::new(path, "cannot be checked").found(found::by_us(error));
    let finding = match error {
        Error::Busy { .. } => finding.expected("an archive at rest"),
        _ => finding,
    };
    Report::new(0, vec![finding.hint("try again")])
}
