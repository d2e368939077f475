//! Which backups there are, ours and the original's, and what is known about each without reading them all.

use std::collections::BTreeMap;

use crate::archive::format::looks::{Looks, Seen};
use crate::archive::format::manifest::{self, DayPart, Manifest, Object};
use crate::archive::format::proof::{self, Proof};
use crate::archive::format::stamp;
use crate::archive::look::original;
use crate::archive::open::Archive;
use crate::error::Result;
use crate::finding::Finding;
use crate::store::identity::StoreId;

/// One backup as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// Names it for verify and restore.
    pub id: String,
    /// When it was made, Unix milliseconds.
    pub created_at_ms: i64,
    /// Events in it; of a backup of the original known only once it was verified.
    pub events: Option<u64>,
    /// Time of its first event, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// Time of its last event.
    pub to_ms: Option<i64>,
    /// Bytes in the archive, files that it shares with others included.
    pub bytes: u64,
    /// Proved by reading it back, when it was made or by the last verification since, and all its files are there.
    pub verified: bool,
    /// Whose format.
    pub kind: BackupKind,
    /// What is known to be wrong with it.
    pub problem: Option<String>,
    /// Its events can be restored, whatever else is wrong with it.
    pub restores: bool,
}

/// Who made a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupKind {
    /// This program.
    Ours,
    /// The original program: one database per file.
    Original,
    /// This program, of another store.
    OtherStore,
}

impl Archive {
    /// All backups, newest first.
    ///
    /// # Errors
    /// When the archive's folder cannot be read. A damaged backup is listed with its problem instead.
    pub fn list(&self) -> Result<Vec<BackupInfo>> {
        let looks = Looks::read(&*self.place);
        let own = self.own_store(&self.readable_manifests()?);
        let mut ours = Vec::new();
        let mut others = Vec::new();
        for name in self.place.list("")? {
            if let Some(id) = Manifest::id_of(&name) {
                match manifest::read(&*self.place, &name) {
                    Ok((manifest, _)) if !manifest.is_of(own.as_ref()) => {
                        others.push(self.foreign_info(&manifest, own.as_ref()));
                    }
                    Ok((manifest, _)) => {
                        ours.push((manifest.sequence, self.info_by(&manifest, &looks)))
                    }
                    Err(finding) => others.push(BackupInfo {
                        id: id.to_string(),
                        created_at_ms: stamp::time_of(id).unwrap_or(0),
                        events: None,
                        from_ms: None,
                        to_ms: None,
                        bytes: 0,
                        verified: false,
                        kind: BackupKind::Ours,
                        problem: Some(finding.to_string()),
                        restores: false,
                    }),
                }
            } else if let Some(created_at_ms) = original::time_of_file(&name) {
                others.push(self.original_info(&name, created_at_ms));
            }
        }
        // Ours in the order of their sequence, whatever the clock did; the others between them by time.
        ours.sort_by_key(|(sequence, _)| std::cmp::Reverse(*sequence));
        others.sort_by_key(|info| std::cmp::Reverse(info.created_at_ms));
        let mut list = Vec::with_capacity(ours.len() + others.len());
        let mut others = others.into_iter().peekable();
        for (_, info) in ours {
            while let Some(other) = others.next_if(|other| other.created_at_ms > info.created_at_ms)
            {
                list.push(other);
            }
            list.push(info);
        }
        list.extend(others);
        Ok(list)
    }

    /// Every manifest of this archive's store that can be read, newest first, with the SHA-256 of its file.
    pub(crate) fn manifests(&self) -> Result<Vec<(Manifest, String)>> {
        let mut manifests = self.readable_manifests()?;
        let own = self.own_store(&manifests);
        manifests.retain(|(manifest, _)| manifest.is_of(own.as_ref()));
        Ok(manifests)
    }

    pub(crate) fn info(&self, manifest: &Manifest) -> BackupInfo {
        self.info_by(manifest, &Looks::read(&*self.place))
    }

    /// The same with what is known of the stored files, for many backups at once.
    pub(crate) fn info_by(&self, manifest: &Manifest, looks: &Looks) -> BackupInfo {
        let proof = proof::read(&*self.place, &Manifest::file_name(&manifest.id));
        let bad = self.bad_days(manifest, looks);
        let restores = bad.as_ref().is_some_and(BTreeMap::is_empty);
        let bad_day = bad.and_then(|bad| bad.into_values().next());
        let problem = bad_day
            .or_else(|| self.missing(manifest.files()))
            .or_else(|| self.standing_finding(manifest, &proof?, looks));
        let mut files: Vec<(&str, u64)> = manifest.files().collect();
        files.sort_unstable();
        files.dedup();
        BackupInfo {
            id: manifest.id.clone(),
            created_at_ms: manifest.created_at_ms,
            events: Some(manifest.events),
            from_ms: manifest.from_ms,
            to_ms: manifest.to_ms,
            bytes: files.iter().map(|(_, bytes)| bytes).sum(),
            // A manifest is written only after all its files were read back.
            verified: problem.is_none(),
            kind: BackupKind::Ours,
            problem,
            restores,
        }
    }

    /// A backup of another store that lies here, too: never taken for one of ours, nor proved or removed.
    fn foreign_info(&self, manifest: &Manifest, own: Option<&StoreId>) -> BackupInfo {
        BackupInfo {
            verified: false,
            kind: BackupKind::OtherStore,
            problem: Some(self.foreign(manifest, own).to_string()),
            restores: false,
            ..self.info(manifest)
        }
    }

    /// What is wrong with a backup of another store.
    pub(crate) fn foreign(&self, manifest: &Manifest, own: Option<&StoreId>) -> Finding {
        let path = self.place.path(&Manifest::file_name(&manifest.id));
        let named = |store: Option<&StoreId>| {
            format!("the store {}", store.map_or("?".into(), StoreId::to_string))
        };
        Finding::new(&path, "of another store")
            .expected(named(own))
            .found(named(manifest.store.as_ref()))
            .hint("move the other store's archive into a folder of its own")
    }

    /// The first of some files that is not there in its full size.
    pub(super) fn missing<'f>(
        &self,
        mut files: impl Iterator<Item = (&'f str, u64)>,
    ) -> Option<String> {
        files.find_map(|(file, bytes)| self.not_whole(file, bytes))
    }

    /// What a failed verification found first, but for stored days that were read back whole since.
    fn standing_finding(
        &self,
        manifest: &Manifest,
        proof: &Proof,
        looks: &Looks,
    ) -> Option<String> {
        let first = first_finding(proof)?;
        let checked_ms = proof.checked_at_ms;
        let whole_since = |object: &&Object| matches!(looks.of(&*self.place, object), Seen::Whole(at_ms) if at_ms > checked_ms);
        let objects = manifest.days.iter().flat_map(DayPart::objects);
        let named = objects.filter(|object| {
            (proof.damaged.as_ref()).is_some_and(|damaged| damaged.contains(&object.file))
        });
        let mended: Vec<&str> = (named.filter(whole_since))
            .map(|object| object.file.as_str())
            .collect();
        if mended.is_empty() {
            return Some(first);
        }
        let stands = |said: &&String| !mended.iter().any(|file| said.contains(file));
        proof.findings.iter().find(stands).cloned()
    }

    /// Bytes of a file; none where it cannot be looked at.
    fn size(&self, name: &str) -> u64 {
        let found = self.place.look(name).ok().flatten();
        found.map_or(0, |found| found.bytes)
    }

    fn original_info(&self, name: &str, created_at_ms: i64) -> BackupInfo {
        let proof = proof::read(&*self.place, name);
        let contents = proof.as_ref().and_then(|proof| proof.original);
        let problem = proof.as_ref().and_then(first_finding);
        BackupInfo {
            id: name.to_string(),
            created_at_ms,
            events: contents.map(|contents| contents.events),
            from_ms: contents.and_then(|contents| contents.from_ms),
            to_ms: contents.and_then(|contents| contents.to_ms),
            bytes: self.size(name),
            verified: proof.is_some_and(|proof| proof.ok),
            kind: BackupKind::Original,
            restores: problem.is_none(),
            problem,
        }
    }
}

/// What a failed verification found first.
fn first_finding(proof: &Proof) -> Option<String> {
    let first = || proof.findings.first().cloned();
    (!proof.ok).then(|| first().unwrap_or_else(|| "did not verify".into()))
}
