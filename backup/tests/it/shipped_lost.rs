//! What was shipped goes, shrinks or belongs to another history while shipping goes on: it is noticed, and comes again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use backup::{Depth, Error, RestoreSource, Shipped, Shipper};

use crate::archive_forge::manifests;
use crate::archive_jobs::copy_tree;
use crate::archive_stage::{Stage, all_in, day_ms};

fn ship_all(shipper: &mut Shipper) -> Shipped {
    loop {
        let shipped = shipper.step().unwrap();
        if !shipped.more {
            return shipped;
        }
    }
}

/// Steps until shipping says that what it shipped is not there any more.
fn noticed(shipper: &mut Shipper) -> String {
    let begun = Instant::now();
    loop {
        match shipper.step() {
            Err(error @ Error::OtherArchive { .. }) => return error.to_string(),
            Err(error) => panic!("{error}"),
            Ok(_) => assert!(begun.elapsed() < Duration::from_secs(20), "not noticed"),
        }
    }
}

fn segments(stage: &Stage) -> Vec<PathBuf> {
    let entries = fs::read_dir(stage.backups_dir().join("segments")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Everything that was recorded comes back, and nothing is missing in between.
fn all_comes_back(stage: &Stage) {
    let target = tempfile::tempdir().unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, target.path())
        .unwrap();
    assert_eq!(plan.gaps, []);
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(all_in(target.path()), stage.all());
    let report = stage.archive.verify(None, Depth::Quick);
    assert!(report.ok, "{report:?}");
}

/// A backup with two segments after it, the second of which is being written.
fn shipping() -> (Stage, Shipper) {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(0) + 1_000_000, 10, 100);
    ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    for n in 2..5 {
        stage.record(day_ms(0) + n * 1_000_000, 10, 100);
        ship_all(&mut shipper);
    }
    assert_eq!(segments(&stage).len(), 2);
    (stage, shipper)
}

/// What was lost is noticed and named, and shipped again as far as no backup is needed for it.
fn shipped_again(damage: impl FnOnce(&Path)) {
    let (stage, mut shipper) = shipping();
    let newest = segments(&stage).pop().unwrap();
    damage(&newest);
    stage.record(day_ms(0) + 6_000_000, 10, 100);
    let said = noticed(&mut shipper);
    assert!(said.contains("segment-0000000002"), "{said}");
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    let shipped = ship_all(&mut shipper);
    assert!(!shipped.unanchored);
    all_comes_back(&stage);
}

#[test]
fn a_segment_that_somebody_removes_while_it_is_written_is_shipped_again() {
    shipped_again(|newest| fs::remove_file(newest).unwrap());
}

#[test]
fn a_segment_that_somebody_cuts_while_it_is_written_is_shipped_again() {
    shipped_again(|newest| {
        let length = newest.metadata().unwrap().len();
        let file = fs::File::options().write(true).open(newest).unwrap();
        file.set_len(length - 500).unwrap();
    });
}

#[test]
fn a_segment_that_goes_before_a_backup_holds_it_asks_for_a_backup() {
    let (stage, mut shipper) = shipping();
    fs::remove_file(&segments(&stage)[0]).unwrap();
    let said = noticed(&mut shipper);
    assert!(said.contains("segment-0000000001"), "{said}");
    a_backup_is_needed(&stage);
}

#[test]
fn a_newest_backup_that_goes_asks_for_another_one() {
    let (stage, mut shipper) = shipping();
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(0) + 5_000_000, 10, 100);
    ship_all(&mut shipper);
    // The look of the shipper comes once a second.
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    ship_all(&mut shipper);
    let newest = manifests(&stage.backups_dir()).pop().unwrap();
    fs::remove_file(&newest).unwrap();
    let said = noticed(&mut shipper);
    let name = newest.file_name().unwrap().to_str().unwrap();
    assert!(said.contains(name), "{said}");
    a_backup_is_needed(&stage);
}

#[test]
fn an_older_copy_of_the_archive_that_is_put_back_gets_what_it_lacks() {
    let (stage, mut shipper) = shipping();
    let (copy, aside) = (stage.dir.path().join("old"), stage.dir.path().join("gone"));
    copy_tree(&stage.backups_dir(), &copy);
    stage.record(day_ms(0) + 5_000_000, 10, 100);
    ship_all(&mut shipper);
    fs::rename(stage.backups_dir(), aside).unwrap();
    fs::rename(copy, stage.backups_dir()).unwrap();
    stage.record(day_ms(0) + 6_000_000, 10, 100);
    noticed(&mut shipper);
    let shipped = ship_all(&mut stage.archive.ship(&stage.store).unwrap());
    assert!(!shipped.unanchored);
    all_comes_back(&stage);
}

/// Nothing counts as shipped until there is a backup again.
fn a_backup_is_needed(stage: &Stage) {
    stage.record(day_ms(0) + 6_000_000, 10, 100);
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    let shipped = ship_all(&mut shipper);
    assert!(
        shipped.unanchored && shipped.covers_to_ms == 0,
        "{shipped:?}"
    );
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(0) + 7_000_000, 10, 100);
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    assert!(!ship_all(&mut shipper).unanchored);
    all_comes_back(stage);
}

#[test]
fn an_older_copy_of_a_store_counts_as_shipped_only_from_its_next_backup_on() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let (copy, aside) = (stage.dir.path().join("old"), stage.dir.path().join("gone"));
    copy_tree(&stage.events_dir(), &copy);
    // A restore begins another history, and the newest backup is of that one.
    let at = day_ms(0) + 50_000;
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, Some(at), &stage.events_dir())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    stage.record(day_ms(0) + 1_000_000, 10, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    fs::rename(stage.events_dir(), aside).unwrap();
    fs::rename(copy, stage.events_dir()).unwrap();
    a_backup_is_needed(&stage);
}

#[test]
fn each_time_that_the_history_breaks_off_is_counted_whatever_backups_come_between() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let mut shipper = stage.archive.ship(&stage.store).unwrap();
    assert_eq!(ship_all(&mut shipper).breaks, 0);
    stage.record(day_ms(0) + 1_000_000, 10, 100);
    ship_all(&mut shipper);
    let latest = stage.archive.plan(
        RestoreSource::Latest,
        Some(day_ms(0) + 5_000),
        &stage.events_dir(),
    );
    latest.unwrap().build(&()).unwrap().swap().unwrap();
    let restored = ship_all(&mut shipper);
    assert!(restored.unanchored && restored.breaks == 1, "{restored:?}");
    backup::undo(&stage.events_dir()).unwrap();
    assert_eq!(ship_all(&mut shipper).breaks, 2);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    backup::undo(&stage.events_dir()).unwrap();
    let undone = ship_all(&mut shipper);
    assert!(undone.unanchored && undone.breaks == 3, "{undone:?}");
}
