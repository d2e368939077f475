//! Removes backups that no rule keeps, and stored files that no backup needs any more.

use std::collections::HashSet;

use crate::archive::format::manifest::{DAYS, DayPart, Manifest, SETTINGS};
use crate::archive::format::{proof, pruned};
use crate::archive::look::second_look::SecondLook;
use crate::archive::open::Archive;
use crate::archive::place::interface::Hold;
use crate::archive::retention::choice::{Candidate, Choice, choose};
use crate::archive::retention::holders::Holders;
use crate::archive::retention::policy::Policy;
use crate::disk::space;
use crate::error::Result;
use crate::store::folder::Store;
use crate::trusted_now::TrustedNow;

/// What a prune removed, or with a dry run would remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneReport {
    /// The backups that go, newest first.
    pub removed: Vec<Pruned>,
    /// Ids of those that stay, newest first.
    pub kept: Vec<String>,
    /// Stored files that nothing needs any more, paths in the archive.
    pub files: Vec<String>,
    /// Bytes that this frees.
    pub freed_bytes: u64,
    /// What else one should know.
    pub notes: Vec<String>,
    /// Nothing was touched.
    pub dry_run: bool,
}

/// A backup that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Its id.
    pub id: String,
    /// When it was made, Unix milliseconds.
    pub created_at_ms: i64,
    /// Whether it could have been restored.
    pub verified: bool,
    /// Why it goes, in words.
    pub why: String,
}

impl Archive {
    /// Removes the backups that no rule of the policy keeps, and the stored files that no other backup needs. Files of
    /// the original stay. With `dry_run` nothing is removed; the report says what would be.
    ///
    /// # Errors
    /// When another process is at work in the archive, or a file cannot be removed.
    pub fn prune(&self, policy: Policy, now: TrustedNow, dry_run: bool) -> Result<PruneReport> {
        self.prune_by(None, &policy, now, dry_run)
            .map_err(space::told)
    }

    /// The same beside the store whose archive this is: what brings a damaged or lost day of it back stays, and a day that
    /// it holds is not said to be lost.
    ///
    /// # Errors
    /// The same, and when the store's folder cannot be read.
    pub fn prune_beside(
        &self,
        store: &Store,
        mut policy: Policy,
        now: TrustedNow,
        dry_run: bool,
    ) -> Result<PruneReport> {
        let mends = self.mends(store)?.into_iter();
        policy.needed.extend(mends.flat_map(|mend| mend.stays));
        let lost = store.lost_days(&store.gaps(i64::MIN, i64::MAX)?);
        let losses = self.losses(store, &lost)?.into_iter();
        policy.needed.extend(losses.flat_map(|loss| loss.stays));
        self.prune_by(Some(store), &policy, now, dry_run)
            .map_err(space::told)
    }

    fn prune_by(
        &self,
        store: Option<&Store>,
        policy: &Policy,
        now: TrustedNow,
        dry_run: bool,
    ) -> Result<PruneReport> {
        let _locks = if dry_run {
            (self.place.hold(Hold::Read)?, None)
        } else {
            (
                self.place.hold(Hold::Write)?,
                self.place.hold(Hold::Remove)?,
            )
        };
        let mut manifests = self.readable_manifests()?;
        let own = self.own_store(&manifests);
        let readable = manifests.len();
        // Backups of another store are neither counted nor removed, nor is a file that they need.
        let foreign: Vec<(Manifest, String)> = manifests
            .extract_if(.., |(manifest, _)| !manifest.is_of(own.as_ref()))
            .collect();
        let second_look = self.look_again(&manifests);
        let candidates = self.candidates(&manifests, &second_look);
        let Choice {
            mut goes,
            stays_if_all_proved,
        } = choose(&candidates, policy, now);
        let holders = Holders::of(self, &manifests, &second_look, store);
        let notes = holders.spare(&mut goes, &stays_if_all_proved);
        holders.tell(&mut goes);
        let (gone, kept): (Vec<_>, Vec<_>) = manifests
            .iter()
            .partition(|(manifest, _)| goes.contains_key(&manifest.id));
        let mut report = PruneReport {
            removed: candidates
                .iter()
                .filter_map(|c| {
                    Some(Pruned {
                        id: c.id.clone(),
                        created_at_ms: c.created_at_ms,
                        verified: c.verified,
                        why: goes.get(&c.id)?.clone(),
                    })
                })
                .collect(),
            kept: kept
                .iter()
                .map(|(manifest, _)| manifest.id.clone())
                .collect(),
            files: Vec::new(),
            freed_bytes: 0,
            notes,
            dry_run,
        };
        let unreadable = self
            .place
            .list("")?
            .iter()
            .filter(|name| Manifest::id_of(name).is_some())
            .count()
            > readable;
        if unreadable {
            report.notes.push(
                "a manifest cannot be read, so nobody knows which files it needs: no stored file is removed".into(),
            );
        } else {
            let foreign = foreign.iter().map(|(manifest, _)| manifest);
            let kept = kept.iter().map(|(manifest, _)| manifest);
            let kept: Vec<&Manifest> = kept.chain(foreign).collect();
            self.unreferenced(&kept, &mut report)?;
        }
        if !dry_run {
            // Without it the next prune looks again.
            if let Err(error) = second_look.keep(self) {
                tracing::warn!(%error, "what was found whole again could not be noted");
            }
            self.remove(&kept, &gone, &report)?;
            // What is not noted makes the next judgement more careful, nothing else.
            if let Err(error) = self.note_believed(now) {
                tracing::warn!(%error, "that the clock was believed could not be noted");
            }
        }
        Ok(report)
    }

    /// What the choice is made from, newest first like the manifests.
    fn candidates(
        &self,
        manifests: &[(Manifest, String)],
        second_look: &SecondLook,
    ) -> Vec<Candidate> {
        let mut history = 0;
        let mut newer: Option<&Manifest> = None;
        let mut candidates = Vec::with_capacity(manifests.len());
        for (manifest, _) in manifests {
            // Numbered from the newest back; only equality matters.
            if newer.is_some_and(|newer| !contains_all(newer, manifest)) {
                history += 1;
            }
            newer = Some(manifest);
            candidates.push(Candidate {
                id: manifest.id.clone(),
                sequence: manifest.sequence,
                created_at_ms: manifest.created_at_ms,
                verified: second_look.is_proved(self, manifest),
                empty: manifest.events == 0,
                history,
            });
        }
        candidates
    }

    fn unreferenced(&self, kept: &[&Manifest], report: &mut PruneReport) -> Result<()> {
        let needed: HashSet<&str> = kept
            .iter()
            .flat_map(|manifest| manifest.files())
            .map(|(file, _)| file)
            .collect();
        for folder in [DAYS, SETTINGS] {
            for file in self.place.list(&format!("{folder}/"))? {
                if let (false, Ok(Some(found))) =
                    (needed.contains(file.as_str()), self.place.look(&file))
                {
                    report.freed_bytes += found.bytes;
                    report.files.push(file);
                }
            }
        }
        Ok(())
    }

    /// Writes the list of what goes, then removes the manifests, then the files that only they needed. Wherever this is cut off,
    /// each remaining manifest has all its files, and the next prune goes on. On a full disk the list comes last, as
    /// there is no room for it before.
    fn remove(
        &self,
        kept: &[&(Manifest, String)],
        gone: &[&(Manifest, String)],
        report: &PruneReport,
    ) -> Result<()> {
        let note = || match gone {
            [] => Ok(()),
            gone => pruned::write(&*self.place, kept, gone),
        };
        let late = match note() {
            Err(error) if error.is_disk_full() => true,
            noted => noted.map(|()| false)?,
        };
        let named = |(manifest, _): &&(Manifest, String)| {
            let name = Manifest::file_name(&manifest.id);
            let proof = proof::name(&name);
            [name, proof]
        };
        let manifests: Vec<String> = gone.iter().flat_map(named).collect();
        self.place.remove(&manifests)?;
        self.place.remove(&report.files)?;
        if late {
            note()?;
        }
        self.clean()
    }
}

/// Whether a newer backup contains all days of an older one, part by part: then the store has only gained events in
/// between. A day that was stored whole again may differ.
fn contains_all(newer: &Manifest, older: &Manifest) -> bool {
    fn parts(day: &DayPart) -> impl Iterator<Item = &str> {
        day.objects().map(|object| object.raw_sha256.as_str())
    }
    older.days.iter().all(|then| {
        let mut now = newer.days.iter().filter(|now| now.day == then.day);
        now.any(|now| {
            let mut gained = parts(now);
            parts(then).all(|part| gained.next() == Some(part))
        })
    })
}
