//! Several damages at once, at random: each damaged file is named, no sound one is, and nothing is written over.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use backup::{Archive, Depth};
use proptest::prelude::*;

use crate::archive_fixtures::{SOUND, copied, foreign};
use crate::archive_forge::manifests;

#[derive(Debug, Clone, Copy)]
enum Damage {
    Cut,
    Flip,
    Foreign,
    Missing,
}

/// The files that a test may damage and still know what should be there. The newest manifest is none of them, as it names
/// the others; nor is the last segment, as nothing says where it ends.
fn targets(archive: &Path) -> Vec<PathBuf> {
    let stored = |folder: &str| {
        let entries = fs::read_dir(archive.join(folder)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let mut targets = stored("days");
    targets.extend(stored("settings"));
    targets.push(stored("segments").swap_remove(0));
    targets.push(manifests(archive).swap_remove(0));
    targets
}

fn damage(path: &Path, damage: Damage) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    match damage {
        Damage::Cut => bytes.truncate(middle),
        Damage::Flip => bytes[middle] ^= 4,
        Damage::Foreign => return foreign(path),
        Damage::Missing => return fs::remove_file(path).unwrap(),
    }
    fs::write(path, bytes).unwrap();
}

fn damages() -> impl Strategy<Value = Vec<Option<Damage>>> {
    let one = prop_oneof![
        Just(Damage::Cut),
        Just(Damage::Flip),
        Just(Damage::Foreign),
        Just(Damage::Missing),
    ];
    prop::collection::vec(prop::option::of(one), 7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn of_many_damages_at_once_none_hides_another(damages in damages()) {
        let dir = copied(SOUND);
        let archive = Archive::open(dir.path()).unwrap();
        let targets = targets(dir.path());
        prop_assert_eq!(targets.len(), damages.len());
        let mut damaged = BTreeSet::new();
        for (target, kind) in targets.iter().zip(damages) {
            if let Some(kind) = kind {
                damage(target, kind);
                damaged.insert(target.clone());
            }
        }
        let content = || -> Vec<_> { targets.iter().map(|path| fs::read(path).ok()).collect() };
        let before = content();
        let report = archive.verify(None, Depth::Quick);
        let named: BTreeSet<PathBuf> =
            report.findings.iter().map(|finding| finding.path.clone()).collect();
        prop_assert_eq!(named, damaged);
        prop_assert_eq!(report.ok, report.findings.is_empty());
        prop_assert_eq!(archive.list().unwrap().len(), manifests(dir.path()).len());
        prop_assert!(content() == before);
    }
}
