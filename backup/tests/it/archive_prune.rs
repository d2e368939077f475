//! Prune: which backups go, and that what the others need stays.

use backup::{Depth, Policy, RestoreSource};

use crate::archive_forge::{backdate, reseal};
use crate::archive_stage::{Stage, day_ms, now};

#[test]
fn pruning_keeps_the_newest_and_what_they_need() {
    let stage = Stage::with(2, 100);
    for n in 0..5 {
        // In the past of the day, so that each backup has a copy of its own.
        stage.record(day_ms(1) + 500 + n * 10_000, 10, 1000);
        stage.archive.backup(&stage.store, &[], &()).unwrap();
        backdate(&stage.backups_dir(), 5 - n);
    }
    let dry = stage.archive.prune(Policy::count(2), now(), true).unwrap();
    assert_eq!((dry.removed.len(), dry.kept.len()), (3, 2));
    assert_eq!(
        stage.archive.list().unwrap().len(),
        5,
        "a dry run touches nothing"
    );
    let real = stage.archive.prune(Policy::count(2), now(), false).unwrap();
    assert_eq!(
        (real.removed, real.freed_bytes),
        (dry.removed, dry.freed_bytes)
    );
    assert!(real.freed_bytes > 0);
    let report = stage.archive.verify(None, Depth::Deep);
    assert!(report.ok, "{:?}", report.findings);
    assert_eq!(stage.archive.list().unwrap().len(), 2);
    assert!(
        stage
            .archive
            .prune(Policy::count(0), now(), false)
            .unwrap()
            .kept
            .len()
            == 1
    );
}

#[test]
fn a_day_that_a_restore_brings_back_does_not_leave_again_at_once() {
    let stage = Stage::with(2, 50);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let old = backup::Day::of_ms(day_ms(0));
    let prune = || {
        let retention = backup::Retention {
            days: Some(30),
            bytes: None,
        };
        stage
            .archive
            .prune_days(&stage.store, &retention, now(), false)
            .unwrap()
    };
    assert_eq!(prune().remove[0].day, old);
    let restore = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir());
    restore.unwrap().build(&()).unwrap().swap().unwrap();
    let stays = prune();
    assert!(stays.remove.is_empty());
    assert_eq!(stays.newcomers[0].day, old);
}

#[test]
fn a_burst_of_backups_leaves_the_older_ones_and_what_a_restore_took_away() {
    let stage = Stage::with(2, 100);
    let backup = |n: i64| {
        stage.record(day_ms(1) + 1_000_000 + n * 10_000, 5, 1000);
        stage.archive.backup(&stage.store, &[], &()).unwrap()
    };
    let prune = || stage.archive.prune(Policy::count(3), now(), false).unwrap();
    let old = backup(0);
    backdate(&stage.backups_dir(), 50);
    let mut burst = Vec::new();
    for n in 1..=8 {
        burst.push(backup(n));
        // All lie in one hour, even if an hour ends while this test runs.
        reseal(&stage.backups_dir(), |manifest| {
            manifest["created_at_ms"] = burst[0].created_at_ms.into();
        });
        prune();
    }
    let ids = || -> Vec<String> {
        let list = stage.archive.list().unwrap().into_iter();
        list.map(|info| info.id).collect()
    };
    assert_eq!(
        ids(),
        [&burst[7].id, &burst[6].id, &old.id].map(String::clone)
    );

    // A restore drops five events, and is backed up again and again.
    let plan = stage
        .archive
        .plan(RestoreSource::Id(old.id.clone()), None, &stage.events_dir())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    for n in 20..24 {
        burst.push(backup(n));
        reseal(&stage.backups_dir(), |manifest| {
            manifest["created_at_ms"] = burst[0].created_at_ms.into();
        });
        prune();
    }
    let last = burst.last().unwrap();
    assert_eq!(ids(), [&last.id, &burst[7].id, &old.id].map(String::clone));
    assert_eq!(stage.archive.list().unwrap()[1].events, Some(245));
    assert!(stage.archive.verify(None, Depth::Deep).ok);
}
