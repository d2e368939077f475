//! Damaged archives: each fault has its own words, and none hides another.

use std::path::PathBuf;

use backup::{Depth, RestoreSource};

use crate::archive_stage::{Stage, day_ms, now};

fn days(stage: &Stage) -> Vec<PathBuf> {
    let mut days: Vec<PathBuf> = std::fs::read_dir(stage.backups_dir().join("days"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    days.sort();
    days
}

fn manifests(stage: &Stage) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(stage.backups_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter(|path| !path.ends_with("archive.json"))
        .collect();
    files.sort();
    files
}

fn problems(stage: &Stage) -> Vec<String> {
    let report = stage.archive.verify(None, Depth::Quick);
    assert_eq!(report.ok, report.findings.is_empty());
    for finding in &report.findings {
        assert!(
            !finding.hint.is_empty() && !finding.found.is_empty(),
            "{finding:?}"
        );
    }
    report
        .findings
        .iter()
        .map(|finding| finding.problem.clone())
        .collect()
}

fn backed_up(days: i64) -> Stage {
    let stage = Stage::with(days, 400);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert!(problems(&stage).is_empty());
    stage
}

#[test]
fn each_fault_is_named_and_all_are_reported() {
    let stage = backed_up(5);
    let files = days(&stage);
    // Flipped, cut short, missing, replaced by something else.
    let mut bytes = std::fs::read(&files[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&files[0], &bytes).unwrap();
    let bytes = std::fs::read(&files[1]).unwrap();
    std::fs::write(&files[1], &bytes[..bytes.len() - 7]).unwrap();
    std::fs::remove_file(&files[2]).unwrap();
    let len = std::fs::metadata(&files[3]).unwrap().len();
    std::fs::write(&files[3], vec![b'x'; len as usize]).unwrap();
    assert_eq!(
        problems(&stage),
        ["altered", "cut short", "missing", "altered"]
    );
    let list = stage.archive.list().unwrap();
    assert!(!list[0].verified && list[0].problem.is_some());
    let target = tempfile::tempdir().unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, target.path())
        .unwrap();
    assert_eq!((plan.events, plan.left_out.len()), (400, 4));
}

#[test]
fn swapped_days_are_told_from_altered_ones() {
    let stage = Stage::new();
    // Two days of different sizes.
    stage.record(day_ms(0), 300, 1000);
    stage.record(day_ms(1), 400, 1000);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let files = days(&stage);
    let (a, b) = (
        std::fs::read(&files[0]).unwrap(),
        std::fs::read(&files[1]).unwrap(),
    );
    std::fs::write(&files[0], &b).unwrap();
    std::fs::write(&files[1], &a).unwrap();
    assert_eq!(problems(&stage), ["swapped", "swapped"]);
}

#[test]
fn a_changed_manifest_breaks_its_seal_and_a_replaced_one_the_chain() {
    let stage = backed_up(1);
    stage.record(day_ms(0) + 900_000, 10, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let files = manifests(&stage);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    std::fs::write(
        &files[0],
        text.replace("\"events\": 400", "\"events\": 401"),
    )
    .unwrap();
    assert_eq!(problems(&stage), ["altered"]);
    std::fs::remove_file(&files[0]).unwrap();
    assert_eq!(
        problems(&stage),
        ["missing"],
        "the second one remembers that there was a first"
    );
}

#[test]
fn newer_and_foreign_manifests_are_told_apart() {
    let stage = backed_up(1);
    std::fs::write(
        stage.backups_dir().join("backup-future.json"),
        r#"{"kind": "qsys-agent backup", "format": 99, "everything": "else"}"#,
    )
    .unwrap();
    std::fs::write(
        stage.backups_dir().join("backup-other.json"),
        r#"{"name": "somebody's"}"#,
    )
    .unwrap();
    std::fs::write(
        stage.backups_dir().join("backup-torn.json"),
        r#"{"kind": "qsys-"#,
    )
    .unwrap();
    let mut found = problems(&stage);
    found.sort();
    assert_eq!(found, ["cut short", "newer format", "not a manifest"]);
    assert_eq!(
        stage
            .archive
            .list()
            .unwrap()
            .iter()
            .filter(|info| info.verified)
            .count(),
        1
    );
    // Nobody knows what the unreadable ones need: prune takes no stored file away.
    let report = stage
        .archive
        .prune(backup::Policy::count(1), now(), false)
        .unwrap();
    assert!(report.files.is_empty() && !report.notes.is_empty());
}

#[test]
fn unfinished_files_are_no_backups_and_go_at_the_next_start() {
    let stage = backed_up(1);
    let torn = stage.backups_dir().join("days/.tmp-abc");
    std::fs::write(&torn, b"half").unwrap();
    std::fs::create_dir(stage.backups_dir().join(".tmp-scratch")).unwrap();
    assert_eq!(stage.archive.list().unwrap().len(), 1);
    backup::Archive::open(stage.backups_dir()).unwrap();
    assert!(!torn.exists() && !stage.backups_dir().join(".tmp-scratch").exists());
}

#[test]
fn what_a_verification_found_damaged_is_stored_anew_and_mended() {
    let stage = backed_up(2);
    let damaged = days(&stage)[0].clone();
    let whole = std::fs::read(&damaged).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 4;
    std::fs::write(&damaged, bytes).unwrap();
    let first = stage.archive.list().unwrap().remove(0);
    assert!(!stage.archive.verify(Some(&first.id), Depth::Quick).ok);

    let second = stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(std::fs::read(&damaged).unwrap(), whole);
    for id in [&second.id, &first.id] {
        let report = stage.archive.verify(Some(id), Depth::Quick);
        assert!(report.ok, "{:?}", report.findings);
    }
}

#[test]
fn a_corrupt_live_day_fails_the_backup_and_leaves_the_former_one() {
    let stage = backed_up(2);
    let path = stage.store.day_path(stage.store.days().unwrap()[0]);
    let mut bytes = std::fs::read(&path).unwrap();
    let len = bytes.len();
    bytes[len / 2..len / 2 + 4096].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    assert!(stage.archive.backup(&stage.store, &[], &()).is_err());
    assert!(problems(&stage).is_empty());
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(stage.all().len(), 800);
}
