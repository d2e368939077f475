//! Which backups may go. Counts only verified ones, always keeps the newest of those, and removes stored files only
//! when no backup needs them any more.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::manifest::Manifest;
use super::{Archive, DAYS, SETTINGS, fault, lock, proof, publish};
use crate::clock::{Clock as _, SystemClock};
use crate::day::Day;
use crate::error::{Error, Result};

/// The record of pruned backups, so that the chain can tell pruned from lost.
const LEDGER: &str = "pruned.json";

/// What to keep. Rules add up: a backup stays if any of them wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The newest so many verified backups; at least one always stays.
    pub keep: usize,
    /// Everything younger than this, in milliseconds; 0: no such rule.
    pub within_ms: i64,
    /// The newest verified one of each of the last so many days that have any (UTC).
    pub daily: usize,
    /// The same for weeks (from Monday).
    pub weekly: usize,
    /// The same for months.
    pub monthly: usize,
    /// The same for years.
    pub yearly: usize,
}

impl Policy {
    /// By count alone.
    pub fn count(keep: usize) -> Policy {
        Policy {
            keep,
            within_ms: 0,
            daily: 0,
            weekly: 0,
            monthly: 0,
            yearly: 0,
        }
    }
}

impl Default for Policy {
    /// The newest seven.
    fn default() -> Policy {
        Policy::count(7)
    }
}

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
}

/// What the choice is made from.
#[derive(Debug, Clone)]
struct Candidate {
    id: String,
    sequence: u64,
    created_at_ms: i64,
    verified: bool,
    empty: bool,
}

/// The number of the day, week, ... that a time lies in.
type Period = fn(i64) -> i64;

/// The ids to keep.
fn choose(candidates: &[Candidate], policy: &Policy, now_ms: i64) -> HashSet<String> {
    let mut verified: Vec<&Candidate> = candidates.iter().filter(|c| c.verified).collect();
    verified.sort_by_key(|c| std::cmp::Reverse(c.sequence));
    let mut keep: HashSet<String> = HashSet::new();
    let mut add = |candidate: &Candidate| {
        keep.insert(candidate.id.clone());
    };
    // Backups without an event may not push out those that have some.
    let full: Vec<&&Candidate> = verified.iter().filter(|c| !c.empty).collect();
    for candidate in full.iter().take(policy.keep.max(1)) {
        add(candidate);
    }
    if let Some(newest) = verified.first() {
        add(newest);
    }
    // A time stamp from the future is no youth: only the sequence speaks for it.
    for candidate in &verified {
        let age = now_ms - candidate.created_at_ms;
        if (0..policy.within_ms).contains(&age) {
            add(candidate);
        }
    }
    let periods: [(usize, Period); 4] = [
        (policy.daily, |ms| Day::of_ms(ms).start_ms()),
        // 1970-01-05 was the first Monday.
        (policy.weekly, |ms| {
            (ms - 4 * 86_400_000).div_euclid(7 * 86_400_000)
        }),
        (policy.monthly, |ms| month(ms).0 * 12 + month(ms).1),
        (policy.yearly, |ms| month(ms).0),
    ];
    for (count, period) in periods {
        let mut seen = BTreeSet::new();
        for candidate in full.iter().filter(|c| c.created_at_ms <= now_ms) {
            if seen.len() == count {
                break;
            }
            if seen.insert(period(candidate.created_at_ms)) {
                add(candidate);
            }
        }
    }
    // What is not proved stays until enough that is proved came after it.
    let proved = candidates
        .iter()
        .filter(|c| keep.contains(&c.id))
        .map(|c| c.sequence)
        .min();
    for candidate in candidates.iter().filter(|c| !c.verified) {
        if proved.is_none_or(|oldest| candidate.sequence > oldest) {
            keep.insert(candidate.id.clone());
        }
    }
    keep
}

fn month(ms: i64) -> (i64, i64) {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => {
            let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
            (i64::from(date.year()), i64::from(date.month()))
        }
        Err(_) => (0, 0),
    }
}

impl Archive {
    /// Removes the backups that no rule of the policy wants, and the stored files that then nothing needs. Files of
    /// the seed original are left alone. With `dry_run` nothing is touched and the report says what would go.
    ///
    /// # Errors
    /// When another process is at work in the archive, or a file cannot be removed.
    pub fn prune(&self, policy: Policy, dry_run: bool) -> Result<PruneReport> {
        let _locks = if dry_run {
            (lock::reader(&self.dir)?, None)
        } else {
            (
                Some(lock::writer(&self.dir)?),
                Some(lock::no_readers(&self.dir)?),
            )
        };
        let manifests = self.manifests()?;
        let candidates: Vec<Candidate> = manifests
            .iter()
            .map(|(manifest, _)| Candidate {
                id: manifest.id.clone(),
                sequence: manifest.sequence,
                created_at_ms: manifest.created_at_ms,
                verified: self.info(manifest).verified,
                empty: manifest.events == 0,
            })
            .collect();
        let keep = choose(&candidates, &policy, SystemClock.now_ms());
        let (kept, gone): (Vec<_>, Vec<_>) = manifests
            .iter()
            .partition(|(manifest, _)| keep.contains(&manifest.id));
        let mut report = PruneReport {
            removed: candidates
                .iter()
                .filter(|c| !keep.contains(&c.id))
                .map(|c| Pruned {
                    id: c.id.clone(),
                    created_at_ms: c.created_at_ms,
                    verified: c.verified,
                })
                .collect(),
            kept: kept
                .iter()
                .map(|(manifest, _)| manifest.id.clone())
                .collect(),
            files: Vec::new(),
            freed_bytes: 0,
            notes: Vec::new(),
            dry_run,
        };
        let unreadable = publish::entries(&self.dir)?
            .iter()
            .filter(|name| Manifest::id_of(name).is_some())
            .count()
            > manifests.len();
        if unreadable {
            report.notes.push(
                "a manifest cannot be read, so nobody knows which files it needs: no stored file is removed".into(),
            );
        } else {
            let kept: Vec<&Manifest> = kept.iter().map(|(manifest, _)| manifest).collect();
            self.unreferenced(&kept, &mut report)?;
        }
        if !dry_run {
            self.remove(&kept, &gone, &report)?;
        }
        Ok(report)
    }

    fn unreferenced(&self, kept: &[&Manifest], report: &mut PruneReport) -> Result<()> {
        let needed: HashSet<&str> = kept
            .iter()
            .flat_map(|manifest| manifest.files())
            .map(|(file, _)| file)
            .collect();
        for folder in [DAYS, SETTINGS] {
            for name in publish::entries(&self.dir.join(folder))? {
                let file = format!("{folder}/{name}");
                let path = self.dir.join(&file);
                if name.starts_with('.') || needed.contains(file.as_str()) || !path.is_file() {
                    continue;
                }
                report.freed_bytes += path.metadata().map_or(0, |meta| meta.len());
                report.files.push(file);
            }
        }
        Ok(())
    }

    /// First the ledger, then the manifests, then what only they needed: cut off anywhere, every manifest that is
    /// still there has all its files, and the next prune goes on.
    fn remove(
        &self,
        kept: &[&(Manifest, String)],
        gone: &[&(Manifest, String)],
        report: &PruneReport,
    ) -> Result<()> {
        if !gone.is_empty() {
            self.write_ledger(kept, gone)?;
        }
        for (manifest, _) in gone {
            let name = Manifest::file_name(&manifest.id);
            remove_file(&self.dir.join(&name))?;
            remove_file(&self.dir.join(proof::name(&name)))?;
        }
        publish::sync_folder(&self.dir)?;
        for file in &report.files {
            remove_file(&self.dir.join(file))?;
        }
        self.clean()
    }

    fn write_ledger(
        &self,
        kept: &[&(Manifest, String)],
        gone: &[&(Manifest, String)],
    ) -> Result<()> {
        let mut ledger = read_ledger(&self.dir);
        ledger.format = 1;
        let now = SystemClock.now_ms();
        ledger
            .pruned
            .extend(gone.iter().map(|(manifest, sha256)| Entry {
                id: manifest.id.clone(),
                sha256: sha256.clone(),
                pruned_at_ms: now,
            }));
        // Only what a remaining backup still points to can ever be asked for; so the ledger stays short.
        let asked: HashSet<&str> = kept
            .iter()
            .filter_map(|(manifest, _)| Some(manifest.previous.as_ref()?.id.as_str()))
            .collect();
        ledger
            .pruned
            .retain(|entry| asked.contains(entry.id.as_str()));
        let mut text = serde_json::to_vec_pretty(&ledger).expect("plain data");
        text.push(b'\n');
        publish::write_whole(&self.dir, LEDGER, &text).map(drop)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    format: u32,
    pruned: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: String,
    sha256: String,
    pruned_at_ms: i64,
}

fn read_ledger(dir: &Path) -> Ledger {
    fs::read(dir.join(LEDGER))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Was this backup removed by a prune?
pub(crate) fn was_pruned(dir: &Path, id: &str) -> bool {
    read_ledger(dir).pruned.iter().any(|entry| entry.id == id)
}

fn remove_file(path: &Path) -> Result<()> {
    fault::step();
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(path, "remove the file")(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(sequence: u64, created_at_ms: i64, verified: bool, empty: bool) -> Candidate {
        Candidate {
            id: format!("b{sequence}"),
            sequence,
            created_at_ms,
            verified,
            empty,
        }
    }

    #[test]
    fn empty_and_damaged_backups_never_push_good_ones_out() {
        let backups = vec![
            candidate(1, 1, true, false),
            candidate(2, 2, true, false),
            candidate(3, 3, true, true),
            candidate(4, 4, false, false),
            candidate(5, 5, true, true),
        ];
        let keep = choose(&backups, &Policy::count(2), 10);
        assert!(
            keep.contains("b1")
                && keep.contains("b2")
                && keep.contains("b5")
                && keep.contains("b4")
        );
    }

    #[test]
    fn grandfathers_are_kept_by_period() {
        let day = 86_400_000;
        let backups: Vec<Candidate> = (0..400)
            .map(|n| candidate(n + 1, n as i64 * day + 1000, true, false))
            .collect();
        let policy = Policy {
            keep: 1,
            within_ms: 0,
            daily: 7,
            weekly: 4,
            monthly: 12,
            yearly: 2,
        };
        let keep = choose(&backups, &policy, 400 * day);
        // 7 days, of the weeks and months those not among them already, and 1970's last.
        assert!((18..=25).contains(&keep.len()), "{}", keep.len());
        assert!(keep.contains("b400") && keep.contains("b365"));
    }

    proptest! {
        #[test]
        fn the_newest_verified_backup_always_stays(
            flags in proptest::collection::vec((any::<bool>(), any::<bool>(), -1000i64..1000), 1..30),
            keep in 0usize..5, within_ms in 0i64..500, daily in 0usize..3,
        ) {
            let backups: Vec<Candidate> = flags.iter().enumerate()
                .map(|(n, (verified, empty, at))| candidate(n as u64, *at, *verified, *empty)).collect();
            let policy = Policy { keep, within_ms, daily, weekly: 1, monthly: 0, yearly: 0 };
            let kept = choose(&backups, &policy, 500);
            for wanted in [
                backups.iter().rfind(|c| c.verified),
                backups.iter().rfind(|c| c.verified && !c.empty),
            ].into_iter().flatten() {
                prop_assert!(kept.contains(&wanted.id));
            }
            let full = backups.iter().filter(|c| c.verified && !c.empty).count();
            let kept_full = backups.iter().filter(|c| c.verified && !c.empty && kept.contains(&c.id)).count();
            prop_assert!(kept_full >= full.min(keep.max(1)));
        }
    }
}
