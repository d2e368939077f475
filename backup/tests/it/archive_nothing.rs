//! An archive that holds nothing: never called sound, and nothing is made in it by whoever only looks.

use std::path::Path;

use backup::{Archive, Depth, RestoreSource};

use crate::archive_stage::{DAY_MS, Stage, seed_database};

/// Everything in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn where_there_is_no_backup_nothing_is_called_sound() {
    let stage = Stage::new();
    for depth in [Depth::Quick, Depth::Deep] {
        let report = stage.archive.verify(None, depth);
        assert!(!report.ok, "{report:?}");
        assert_eq!((report.backups, report.checked), (0, 0));
        let [finding] = &report.findings[..] else {
            panic!("{:?}", report.findings);
        };
        assert_eq!(finding.path, stage.backups_dir());
        assert_eq!(finding.problem, "no backup");
        assert!(finding.found.contains("nothing"), "{finding}");
        assert!(finding.hint.contains("make one"), "{finding:?}");
    }
}

#[test]
fn stored_days_without_their_manifests_are_not_called_sound() {
    let stage = Stage::with(2, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let report = stage.archive.verify(None, Depth::Quick);
    assert!(report.ok, "{report:?}");
    assert_eq!((report.backups, report.notes.len()), (1, 0));
    for name in names(&stage.backups_dir()) {
        if name.starts_with("backup-") {
            std::fs::remove_file(stage.backups_dir().join(name)).unwrap();
        }
    }
    let report = stage.archive.verify(None, Depth::Quick);
    assert!(!report.ok && report.backups == 0, "{report:?}");
    let [finding] = &report.findings[..] else {
        panic!("{:?}", report.findings);
    };
    assert_eq!(finding.problem, "no backup");
    assert!(
        finding.found.contains("2 stored days") && finding.found.contains("no manifest"),
        "{finding}"
    );
    assert!(finding.hint.contains("copy of the archive"), "{finding:?}");
}

#[test]
fn stored_days_that_no_manifest_names_are_noted() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(DAY_MS + 1_000_000, 10, 10);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let newest = &stage.archive.list().unwrap()[0].id;
    std::fs::remove_file(stage.backups_dir().join(format!("backup-{newest}.json"))).unwrap();
    let report = stage.archive.verify(None, Depth::Quick);
    let [note] = &report.notes[..] else {
        panic!("{report:?}");
    };
    assert!(note.contains("1 stored day"), "{note}");
}

#[test]
fn whoever_looks_makes_nothing_in_an_archive_that_holds_nothing() {
    let stage = Stage::new();
    let missing = stage.dir.path().join("missing");
    for dir in [stage.backups_dir(), missing.clone()] {
        let archive = Archive::look_at(&dir);
        assert!(archive.list().unwrap().is_empty());
        assert!(archive.recoverable().unwrap().is_none());
        assert!(!archive.verify(None, Depth::Quick).ok);
        for source in [RestoreSource::Latest, RestoreSource::Id("none".into())] {
            let plan = archive.plan(source, None, &stage.events_dir());
            assert!(plan.is_err());
        }
    }
    // Also whoever opens it to write later.
    let archive = Archive::open(stage.backups_dir()).unwrap();
    assert!(!archive.verify(None, Depth::Quick).ok);
    assert!(names(&stage.backups_dir()).is_empty());
    assert!(!missing.exists());
}

#[test]
fn a_file_is_restored_without_an_archive_and_none_is_made_for_it() {
    let stage = Stage::new();
    let missing = stage.dir.path().join("missing");
    let file = stage.dir.path().join("seed.db");
    seed_database(&file, 100, DAY_MS);
    let archive = Archive::look_at(&missing);
    let plan = archive.plan(RestoreSource::File(file), None, &stage.events_dir());
    assert_eq!(plan.unwrap().build(&()).unwrap().events(), 100);
    assert!(!missing.exists());
}

#[test]
fn a_file_of_the_original_that_a_restore_refuses_is_not_called_sound() {
    let stage = Stage::new();
    let name = "events-backup-2026-03-14T10-00-00-000Z.db";
    let path = stage.backups_dir().join(name);
    for spoil in [
        "UPDATE events SET timestamp = 'soon' WHERE id = 7",
        "UPDATE events SET control_path = '', component_name = '', control_name = '' WHERE id = 7",
        "ALTER TABLE events RENAME COLUMN control_name TO something",
    ] {
        let _ = std::fs::remove_file(&path);
        seed_database(&path, 100, DAY_MS);
        let conn = rusqlite::Connection::open(&path).unwrap();
        conn.execute_batch(spoil).unwrap();
        drop(conn);
        let reports = [
            stage.archive.verify(None, Depth::Quick),
            stage.archive.verify(Some(name), Depth::Quick),
            Archive::verify_file(&path, Depth::Quick),
        ];
        for report in reports {
            assert!(!report.ok, "{spoil}: {report:?}");
            assert_eq!(report.findings.len(), 1, "{spoil}: {report:?}");
        }
        for source in [RestoreSource::Latest, RestoreSource::Id(name.into())] {
            let plan = stage.archive.plan(source, None, &stage.events_dir());
            assert!(plan.is_err(), "{spoil}");
        }
    }
}
