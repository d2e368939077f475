//! Links, pipes, sockets, devices and folders where segments should be: named, never opened, and every backup restores.

use std::path::Path;

use backup::{Archive, Depth, RestoreSource, Shipper};

use crate::archive_irregular::{KINDS, put};
use crate::archive_stage::{Stage, day_ms};

/// Puts something else under a name, and the file itself beside the archive; `false` where only root may make it.
fn replace(kind: &str, path: &Path, outside: &Path) -> bool {
    std::fs::rename(path, outside).unwrap();
    put(kind, path, outside)
}

fn take_away(path: &Path) {
    if path.symlink_metadata().unwrap().is_dir() {
        std::fs::remove_dir(path).unwrap();
    } else {
        std::fs::remove_file(path).unwrap();
    }
}

fn ship(stage: &Stage) {
    let mut shipper: Shipper = stage.archive.ship(&stage.store).unwrap();
    while shipper.step().unwrap().more {}
}

/// A backup, then three segments of ten events.
fn staged() -> (Stage, Vec<std::path::PathBuf>) {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    for n in 1..4 {
        stage.record(day_ms(0) + n * 1_000_000, 10, 100);
        ship(&stage);
    }
    let entries = std::fs::read_dir(stage.backups_dir().join("segments")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 3);
    (stage, files)
}

/// Everything answers, names the path and reaches as many events as are known to follow the backup.
fn reached(stage: &Stage, path: &Path, found: &str, events: u64) {
    let archive = Archive::open(stage.backups_dir()).unwrap();
    let plan = archive
        .plan(RestoreSource::Latest, None, &stage.dir.path().join("new"))
        .unwrap();
    assert_eq!(plan.events, events, "{found}");
    let named = |text: &str| text.contains(path.to_str().unwrap()) && text.contains(found);
    assert!(
        plan.notes.iter().any(|note| named(note)),
        "{:?}",
        plan.notes
    );
    assert_eq!(plan.build(&()).unwrap().swap().unwrap().events, events);
    std::fs::remove_dir_all(stage.dir.path().join("new")).unwrap();
    let inside = day_ms(0) + 50_000;
    let plan = archive
        .plan(RestoreSource::Latest, Some(inside), &stage.events_dir())
        .unwrap();
    assert_eq!(plan.events, 51);
    let range = archive.recoverable().unwrap().unwrap();
    let hole = range.hole.unwrap();
    assert!(named(&hole), "{hole}");
    let report = archive.verify(None, Depth::Quick);
    assert_eq!(report.findings.len(), 1, "{report:?}");
    let finding = &report.findings[0];
    assert_eq!(
        (finding.path.as_path(), finding.found.as_str()),
        (path, found)
    );
}

#[test]
fn a_segment_that_is_no_file_is_a_hole_and_keeps_nothing_else_from_coming_back() {
    for kind in KINDS {
        for broken in 0..3 {
            let (stage, files) = staged();
            let outside = stage.dir.path().join("elsewhere");
            if !replace(kind, &files[broken], &outside) {
                continue;
            }
            reached(&stage, &files[broken], kind, 120);
            let hint = stage
                .archive
                .verify(None, Depth::Quick)
                .findings
                .remove(0)
                .hint;
            assert!(hint.contains("remove what is there"), "{hint}");
            // The shipper goes on, but nothing counts until there is a backup.
            let shipped = stage.archive.ship(&stage.store).unwrap().step().unwrap();
            assert!(
                shipped.unanchored && shipped.covers_to_ms == 0,
                "{shipped:?}"
            );
            stage.archive.backup(&stage.store, &[], &()).unwrap();
            stage.record(day_ms(0) + 5_000_000, 10, 100);
            ship(&stage);
            let range = stage.archive.recoverable().unwrap().unwrap();
            assert_eq!(range.hole, None, "the new backup holds what it held");
            let plan = stage
                .archive
                .plan(RestoreSource::Latest, None, &stage.events_dir())
                .unwrap();
            assert_eq!((plan.events, plan.notes), (140, Vec::new()));
            take_away(&files[broken]);
            let report = stage.archive.verify(None, Depth::Quick);
            assert!(report.ok, "{report:?}");
            // The file itself is as it was.
            assert!(outside.metadata().unwrap().len() > 0);
        }
    }
}

#[test]
fn a_folder_of_segments_that_is_something_else_keeps_no_backup_from_restoring() {
    for kind in &KINDS[..4] {
        let (stage, _) = staged();
        let folder = stage.backups_dir().join("segments");
        let outside = stage.dir.path().join("elsewhere");
        if !replace(kind, &folder, &outside) {
            continue;
        }
        reached(&stage, &folder, kind, 100);
        let hint = stage
            .archive
            .verify(None, Depth::Quick)
            .findings
            .remove(0)
            .hint;
        assert!(hint.contains("mount it here"), "{hint}");
        take_away(&folder);
        std::fs::rename(&outside, &folder).unwrap();
        assert!(stage.archive.verify(None, Depth::Quick).ok);
    }
}

#[test]
fn a_segment_that_a_backup_was_made_beside_is_still_named() {
    let (stage, files) = staged();
    let last = &files[2];
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert!(replace(
        "a named pipe",
        last,
        &stage.dir.path().join("elsewhere")
    ));
    // Records may have come into it after the backup.
    reached(&stage, last, "a named pipe", 130);
}
