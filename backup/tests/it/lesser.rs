//! Disks that cannot do what is asked of them: a lesser way that is said, or a refusal that says what to do.

use std::path::Path;

use crate::archive_jobs::{KILL_AT, REFUSED, SAID, child, sound_archive};
use crate::archive_stage::{Stage, day_ms};

/// Does a job on disks that refuse something; gives the error, empty where there is none, and the lesser ways gone.
fn refusing(what: &str, job: &str, dir: &Path) -> (String, Vec<String>) {
    let status = child(job, dir).env(REFUSED, what).status();
    assert!(status.unwrap().success(), "{job}");
    let said = std::fs::read_to_string(dir.join(SAID)).unwrap();
    let mut lines = said.lines().map(str::to_owned);
    (lines.next().unwrap_or_default(), lines.collect())
}

#[test]
fn where_folders_cannot_be_synced_everything_works_and_it_is_said() {
    let stage = Stage::with(2, 50);
    let dir = stage.dir.path();
    for job in ["backup", "ship", "verify", "restore", "undo", "prune"] {
        if job == "ship" {
            stage.record(day_ms(1) + 1_000_000, 20, 10);
        }
        let before = stage.all();
        let (error, ways) = refusing("folder sync", job, dir);
        assert_eq!(error, "", "{job}");
        if ["backup", "restore", "undo"].contains(&job) {
            assert!(!ways.is_empty(), "{job}");
        }
        for way in ways {
            assert!(way.starts_with(dir.to_str().unwrap()), "{way}");
            assert!(way.contains("the whole disk is synced instead"), "{way}");
        }
        // What was shipped comes back, and nothing goes.
        assert_eq!(stage.all(), before, "{job}");
    }
    assert_eq!(sound_archive(dir).list().unwrap().len(), 1);
}

/// The files that stand for locks.
fn lock_files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("backups")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("-held")).collect()
}

#[test]
fn where_no_locks_are_kept_an_archive_works_with_files_that_name_their_holder() {
    let stage = Stage::with(2, 50);
    let dir = stage.dir.path();
    for job in ["backup", "ship", "verify", "restore", "undo", "prune"] {
        let before = stage.all();
        let (error, ways) = refusing("lock", job, dir);
        assert_eq!(error, "", "{job}");
        assert!(
            ways.iter().any(|way| way.contains("keeps no locks")) || job == "ship",
            "{job}: {ways:?}"
        );
        assert_eq!(lock_files(dir), [""; 0], "{job}");
        assert_eq!(stage.all(), before, "{job}");
    }
    assert_eq!(sound_archive(dir).list().unwrap().len(), 1);
}

#[test]
fn a_lock_file_of_a_killed_process_goes_and_one_of_another_machine_stays() {
    let stage = Stage::with(1, 50);
    let dir = stage.dir.path();
    let killed = child("backup", dir)
        .env(REFUSED, "lock")
        .env(KILL_AT, "12")
        .status();
    assert!(!killed.unwrap().success());
    assert_eq!(lock_files(dir), [".lock-held"]);
    let held = std::fs::read_to_string(stage.backups_dir().join(".lock-held")).unwrap();
    let (error, _) = refusing("lock", "backup", dir);
    assert_eq!(error, "");

    let file = stage.backups_dir().join(".lock-held");
    let mut lines: Vec<&str> = held.lines().collect();
    lines[3] = "another-machine 0123";
    std::fs::write(&file, lines.join("\n")).unwrap();
    let (error, _) = refusing("lock", "backup", dir);
    for part in [
        file.to_str().unwrap(),
        "locked by another machine",
        "on another-machine",
        "remove this file",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(file.exists());
}

#[test]
fn a_store_is_refused_where_no_locks_are_kept() {
    let stage = Stage::with(1, 5);
    let (error, _) = refusing("lock", "lock the store", stage.dir.path());
    assert!(
        error.starts_with(stage.events_dir().to_str().unwrap()),
        "{error}"
    );
    assert!(error.contains("a disk without locks"), "{error}");
    assert!(error.contains("put the store on a local disk"), "{error}");
}
