//! A full disk at every step of backup, prune, restore, undo and shipping: what was proved stays proved, the files stay as
//! they were, nothing unfinished is left, and the error says all that its reader needs.

use std::path::Path;

use backup::{Archive, Depth, Error, Policy, Progress, RestoreSource, Store, undo, undo_steps};

use crate::archive_forge::{backdate, four_backups};
use crate::archive_jobs::{FULL_AT, SAID, child, copy_stage, copy_tree, sound_archive, started};
use crate::archive_stage::{DAY_MS, Stage, all_in, day_ms, now};
use crate::small_disk::SmallDisk;

/// Runs the job on fresh copies of a stage, each time with the disk full one step later, until the job ends before that
/// step. It must fail `at_least` so many times. `check` is told of each run whether it failed.
fn at_every_step(stage: &Stage, job: &str, at_least: usize, check: impl Fn(&Path, bool)) {
    let mut failures = 0;
    for at in 1.. {
        let copy = tempfile::tempdir().unwrap();
        let dir = copy.path();
        copy_stage(stage.dir.path(), dir);
        let status = child(job, dir).env(FULL_AT, at.to_string()).status();
        assert!(status.unwrap().success(), "{job} at step {at}");
        let outcome = std::fs::read_to_string(dir.join(SAID)).unwrap();
        let (came, said) = outcome.split_once('\n').unwrap();
        if !said.is_empty() {
            failures += 1;
            for part in [
                dir.to_str().unwrap(),
                ": cannot ",
                "the disk is full, ",
                " MB are free; free 64 MB",
            ] {
                assert!(
                    said.contains(part),
                    "{job} at step {at}: no {part:?} in {said:?}"
                );
            }
        }
        check(dir, !said.is_empty());
        if came == "false" {
            assert_eq!(said, "", "{job}");
            break;
        }
    }
    assert!(
        failures >= at_least,
        "{job} failed at {failures} steps only"
    );
}

/// Nothing unfinished lies in the archive.
fn tidy(archive: &Path) {
    for folder in ["", "days", "settings", "segments"] {
        for entry in std::fs::read_dir(archive.join(folder))
            .into_iter()
            .flatten()
        {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with(".tmp-"), "{folder}/{name} is left");
        }
    }
}

fn latest(archive: &Archive) -> Vec<(i64, f64)> {
    let elsewhere = tempfile::tempdir().unwrap();
    let plan = archive
        .plan(RestoreSource::Latest, None, elsewhere.path())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    all_in(elsewhere.path())
}

#[test]
fn a_backup_on_a_full_disk_leaves_the_former_ones_and_the_next_one_works() {
    let stage = Stage::with(2, 300);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(1) + 1_000_000, 50, 10);
    stage.record(day_ms(2), 50, 10);
    at_every_step(&stage, "backup", 8, |dir, failed| {
        tidy(&dir.join("backups"));
        let archive = sound_archive(dir);
        let list = archive.list().unwrap();
        assert!(list.iter().all(|info| info.verified));
        let events: Vec<_> = list.iter().map(|info| info.events.unwrap()).collect();
        assert!(
            events == [700, 600] || failed && events == [600],
            "{events:?}"
        );
        let store = Store::open(dir.join("events")).unwrap();
        assert_eq!(archive.backup(&store, &[], &()).unwrap().events, Some(700));
        archive.prune(Policy::count(1), now(), false).unwrap();
        let left = archive.prune(Policy::count(1), now(), true).unwrap();
        assert_eq!(left.files, [""; 0]);
        assert_eq!(latest(&archive), all_in(&dir.join("events")));
    });
}

#[test]
fn a_prune_on_a_full_disk_makes_room_and_takes_nothing_that_is_needed() {
    let stage = four_backups();
    at_every_step(&stage, "prune", 4, |dir, failed| {
        tidy(&dir.join("backups"));
        let archive = sound_archive(dir);
        assert_eq!(archive.list().unwrap()[0].events, Some(240));
        assert!(failed || archive.list().unwrap().len() == 1);
        assert_eq!(
            archive
                .prune(Policy::count(1), now(), false)
                .unwrap()
                .kept
                .len(),
            1
        );
        let left = archive.prune(Policy::count(1), now(), true).unwrap();
        assert_eq!(left.files, [""; 0]);
        assert_eq!(latest(&sound_archive(dir)), all_in(&dir.join("events")));
    });
}

/// The store is as it was at once: recording goes on without a new start.
fn as_it_was(dir: &Path, before: &[(i64, f64)]) {
    let events = dir.join("events");
    assert_eq!(all_in(&events), before);
    for left in [".restore", ".undo-next"] {
        assert!(!events.join(left).exists(), "{left} is left");
    }
}

#[test]
fn a_restore_on_a_full_disk_leaves_the_store_as_it_was() {
    let stage = Stage::with(3, 200);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(2) + 1_000_000, 70, 10);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let then = stage.all();
    stage.record(day_ms(2) + 2_000_000, 30, 10);
    stage.record(day_ms(3), 30, 10);
    let now = stage.all();
    for (job, after) in [("restore", &then), ("restore and keep", &now)] {
        at_every_step(&stage, job, 15, |dir, failed| {
            tidy(&dir.join("backups"));
            if failed {
                as_it_was(dir, &now);
                return;
            }
            assert_eq!(&started(dir), after);
            undo(&dir.join("events")).unwrap();
            assert_eq!(started(dir), now);
        });
    }
}

#[test]
fn an_undo_on_a_full_disk_leaves_the_store_as_it_was() {
    let (stage, then, now) = Stage::restored();
    at_every_step(&stage, "undo", 8, |dir, failed| {
        if failed {
            as_it_was(dir, &then);
            undo(&dir.join("events")).unwrap();
        }
        assert_eq!(started(dir), now);
        undo(&dir.join("events")).unwrap();
        assert_eq!(started(dir), then);
    });
}

#[test]
fn an_undo_that_keeps_what_came_since_on_a_full_disk_leaves_store_and_steps_as_they_were() {
    let (stage, _, now) = Stage::restored();
    stage.record(day_ms(1) + 2_000_000, 5, 10);
    let before = stage.all();
    let steps = undo_steps(&stage.events_dir()).unwrap();
    at_every_step(&stage, "undo", 12, |dir, failed| {
        let events = dir.join("events");
        if failed {
            as_it_was(dir, &before);
            assert_eq!(undo_steps(&events).unwrap(), steps);
            undo(&events).unwrap();
        }
        let found = started(dir);
        assert_eq!(found.len(), now.len() + 5);
        assert!(now.iter().all(|event| found.contains(event)));
        undo(&events).unwrap();
        assert!(started(dir) == before);
    });
}

#[test]
fn shipping_to_a_full_disk_goes_on_with_the_next_step_as_if_nothing_had_been() {
    // The day goes on, or a new one begins, whose controls no backup knows.
    for days in [&[0, 1][..], &[1]] {
        let stage = Stage::with(1, 200);
        stage.archive.backup(&stage.store, &[], &()).unwrap();
        for day in days {
            stage.record(day_ms(*day) + 1_000_000, 300, 10);
        }
        let all = stage.all();
        at_every_step(&stage, "ship", 4, |dir, _| {
            assert_eq!(latest(&sound_archive(dir)), all);
            for entry in std::fs::read_dir(dir.join("backups/segments")).unwrap() {
                assert!(entry.unwrap().metadata().unwrap().len() > 0);
            }
        });
    }
}

fn told(error: &Error, disk: &SmallDisk) {
    let said = error.to_string();
    assert!(said.starts_with(disk.path().to_str().unwrap()), "{said}");
    assert!(said.contains("the disk is full, 0 MB are free"), "{said}");
    assert!(error.hint().unwrap().contains("free 64 MB"), "{error:?}");
}

/// Fills a disk as soon as the work reaches a step of this name.
struct FillsAt<'a>(&'a SmallDisk, &'static str);

impl Progress for FillsAt<'_> {
    fn step(&self, what: &str, _done: u64, _total: u64) {
        if what.starts_with(self.1) {
            self.0.fill();
        }
    }
}

#[test]
fn a_disk_that_really_fills_during_a_backup_costs_that_backup_alone_and_can_be_pruned() {
    let stage = Stage::with(3, 400);
    let disk = SmallDisk::in_memory("size=72m");
    let archive = Archive::open(disk.path().join("backups")).unwrap();
    for n in 0..3 {
        archive.backup(&stage.store, &[], &()).unwrap();
        backdate(archive.dir(), 3 - n);
        stage.record(day_ms(1) + 500 + n * 10_000, 5, 1000);
    }
    let former = latest(&archive);
    for part in [
        "copy",
        "check",
        "compress",
        "read back",
        "write the manifest",
    ] {
        let error = archive
            .backup(&stage.store, &[], &FillsAt(&disk, part))
            .unwrap_err();
        told(&error, &disk);
        tidy(archive.dir());
        assert_eq!(latest(&archive), former, "{part}");
        disk.make_room();
        let report = archive.verify(None, Depth::Quick);
        assert!(report.ok, "{part}: {:?}", report.findings);
        let list = archive.list().unwrap();
        assert_eq!(list.iter().filter(|info| info.verified).count(), 3);
    }
    disk.fill();
    let pruned = archive.prune(Policy::count(1), now(), false).unwrap();
    assert_eq!(pruned.removed.len(), 2);
    assert!(pruned.freed_bytes > 0);
    disk.make_room();
    assert!(archive.verify(None, Depth::Quick).ok);
    archive.backup(&stage.store, &[], &()).unwrap();
    assert!(archive.verify(None, Depth::Deep).ok);
    assert_eq!(latest(&archive), stage.all());
}

#[test]
fn a_verification_without_room_to_work_says_so_and_takes_no_proof_away() {
    let stage = Stage::with(2, 1000);
    let disk = SmallDisk::in_memory("size=72m");
    let archive = Archive::open(disk.path().join("backups")).unwrap();
    archive.backup(&stage.store, &[], &()).unwrap();
    for (depth, room) in [(Depth::Quick, 32 << 10), (Depth::Deep, 8 << 20)] {
        let ballast = disk.fill();
        let file = std::fs::File::options().write(true).open(&ballast).unwrap();
        // Enough to note that the verification failed, too little for the verification itself.
        let size = file.metadata().unwrap().len();
        file.set_len(size - room).unwrap();
        let report = archive.verify(None, depth);
        let mut problems: Vec<_> = report.findings.iter().map(|f| f.problem.as_str()).collect();
        problems.dedup();
        assert_eq!(problems, ["no room to work"], "{:?}", report.findings);
        disk.make_room();
        let listed = &archive.list().unwrap()[0];
        assert!(listed.verified && listed.restores, "{listed:?}");
    }
    let report = archive.verify(None, Depth::Deep);
    assert!(report.ok, "{:?}", report.findings);
}

#[test]
fn shipping_to_a_disk_that_is_really_full_strews_no_files_and_catches_up() {
    let stage = Stage::with(1, 100);
    let disk = SmallDisk::in_a_file();
    let dir = disk.path().join("backups");
    // A disk this small is no place for backups, but an archive may have come to be on one.
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    copy_tree(&stage.backups_dir(), &dir);
    let archive = Archive::open(&dir).unwrap();
    let mut shipper = archive.ship(&stage.store).unwrap();
    stage.record(DAY_MS + 1_000_000, 50, 10);
    while shipper.step().unwrap().more {}
    let segments = || std::fs::read_dir(dir.join("segments")).unwrap().count();
    assert_eq!(segments(), 1);
    disk.fill();
    // More than the last block of the segment has room for.
    stage.record(DAY_MS + 2_000_000, 3000, 10);
    for mut shipper in [shipper, archive.ship(&stage.store).unwrap()] {
        for _ in 0..5 {
            told(&shipper.step().unwrap_err(), &disk);
            assert_eq!(segments(), 1);
        }
        assert_eq!(latest(&archive).len(), 150);
        assert!(archive.verify(None, Depth::Quick).ok);
    }
    disk.make_room();
    let mut shipper = archive.ship(&stage.store).unwrap();
    while shipper.step().unwrap().more {}
    assert_eq!(latest(&archive), stage.all());
    assert!(archive.verify(None, Depth::Quick).ok);
}
