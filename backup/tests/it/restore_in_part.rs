//! One bad day never keeps the others from coming back, and what does not come back is said.

use std::path::Path;

use backup::{Day, Depth, RestorePlan, RestoreReport, RestoreSource, undo};

use crate::archive_stage::{DAY_MS, Events, Stage, all_in, day_ms};
use crate::read_back::{back_up, flip, stored};

const LATEST: RestoreSource = RestoreSource::Latest;

/// Three days in a backup, of which the second is damaged in the archive.
fn damaged() -> Stage {
    let stage = Stage::with(3, 100);
    back_up(&stage);
    flip(&stored(&stage, 1)[0]);
    stage
}

fn plan(stage: &Stage, source: RestoreSource, target: &Path) -> RestorePlan {
    stage.archive.plan(source, None, target).unwrap()
}

fn restored(plan: RestorePlan) -> RestoreReport {
    plan.build(&()).unwrap().swap().unwrap()
}

fn without_second_day(all: &Events) -> Events {
    let second = |id: i64| (day_ms(1)..day_ms(2)).contains(&(id >> 12));
    all.iter().copied().filter(|(id, _)| !second(*id)).collect()
}

fn assert_left_out(report: &RestoreReport, stays: bool) {
    assert!(!report.verified);
    let [left_out] = &report.left_out[..] else {
        panic!("{:?}", report.left_out);
    };
    assert_eq!(left_out.day, Day::of_ms(day_ms(1)));
    assert_eq!((left_out.events, left_out.stays), (100, stays));
    let said = left_out.to_string();
    assert!(
        said.starts_with(
            "not restored: 2026-03-15 with 100 events, as it is damaged in the archive (/"
        ),
        "{said}"
    );
    assert!(said.ends_with("; no other backup has any of it"), "{said}");
}

#[test]
fn all_sound_days_come_back_where_the_store_is_lost_and_the_missing_one_is_told() {
    let stage = damaged();
    assert!(!stage.archive.verify(None, Depth::Quick).ok);
    for source in [
        LATEST,
        RestoreSource::Id(stage.archive.list().unwrap()[0].id.clone()),
    ] {
        let target = tempfile::tempdir().unwrap();
        let plan = plan(&stage, source, target.path());
        // The dry run says the same.
        assert_eq!((plan.events, plan.events_gained), (200, 200));
        assert_eq!(plan.left_out.len(), 1);
        assert!(
            plan.notes.contains(&plan.left_out[0].to_string()),
            "{:?}",
            plan.notes
        );
        assert_eq!(plan.gaps.len(), 1);
        assert_eq!(
            (plan.gaps[0].from_ms, plan.gaps[0].to_ms),
            (day_ms(1), day_ms(1) + 99_000)
        );
        let report = restored(plan);
        assert_eq!(report.events, 200);
        assert_left_out(&report, false);
        assert_eq!(all_in(target.path()), without_second_day(&stage.all()));
    }
    let reach = stage.archive.recoverable().unwrap().unwrap();
    assert_eq!(reach.from_ms, DAY_MS);
    assert_eq!(reach.gaps[0].why, "2026-03-15 is damaged in the archive");
    // Before that day it is of no account.
    let target = tempfile::tempdir().unwrap();
    let before = stage
        .archive
        .plan(LATEST, Some(day_ms(0) + 50_000), target.path());
    let report = restored(before.unwrap());
    assert_eq!((report.events, report.verified), (51, true));
}

#[test]
fn damage_that_nobody_knew_of_is_found_while_a_restore_is_built_and_costs_that_day_alone() {
    let stage = damaged();
    let target = tempfile::tempdir().unwrap();
    let first = plan(&stage, LATEST, target.path());
    assert!(first.left_out.is_empty());
    let report = restored(first);
    assert_left_out(&report, false);
    assert_eq!(all_in(target.path()), without_second_day(&stage.all()));
    // From now on it is known.
    assert_eq!(plan(&stage, LATEST, target.path()).left_out.len(), 1);
    assert!(!stage.archive.list().unwrap()[0].verified);
    assert!(back_up(&stage).verified);
    let again = restored(plan(&stage, LATEST, target.path()));
    assert!(again.verified && again.left_out.is_empty());
    assert_eq!(all_in(target.path()), stage.all());
}

#[test]
fn what_the_store_has_of_a_damaged_day_stays_as_it_is() {
    for known in [true, false] {
        let stage = damaged();
        if known {
            assert!(!stage.archive.verify(None, Depth::Quick).ok);
        }
        // Since then each day has changed.
        let writer = stage.writer(day_ms(0));
        writer.execute("DELETE FROM changes", []).unwrap();
        drop(writer);
        stage.record(day_ms(1) + 500_000, 7, 1000);
        stage.record(day_ms(2) + 500_000, 7, 1000);
        let before = stage.all();
        let plan = plan(&stage, LATEST, &stage.events_dir());
        let lost = if known { 7 } else { 14 };
        assert_eq!((plan.events_gained, plan.events_lost), (100, lost));
        let report = restored(plan);
        assert_left_out(&report, true);
        let days = |of: Events| {
            let day = |n: i64| {
                of.iter()
                    .filter(|(id, _)| (day_ms(n)..day_ms(n + 1)).contains(&(id >> 12)))
                    .count()
            };
            [day(0), day(1), day(2)]
        };
        assert_eq!(days(stage.all()), [100, 107, 100]);
        undo(&stage.events_dir()).unwrap();
        assert_eq!(stage.all(), before);
        // A restore that keeps newer events drops nothing of it either.
        let keeping = self::plan(&stage, LATEST, &stage.events_dir()).keep_newer();
        assert_left_out(&restored(keeping), true);
        assert_eq!(days(stage.all()), [100, 107, 107]);
    }
}

#[test]
fn a_damaged_day_comes_from_another_backup_that_has_the_same_rows() {
    let stage = Stage::with(2, 100);
    back_up(&stage);
    stage.record(day_ms(1) + 500_000, 7, 1000);
    let second = back_up(&stage);
    let old = stored(&stage, 1)[0].clone();
    flip(&old);
    assert!(!stage.archive.verify(None, Depth::Quick).ok);
    // The whole day is stored anew, under another name.
    let third = back_up(&stage);
    let target = tempfile::tempdir().unwrap();
    let from_second = plan(&stage, RestoreSource::Id(second.id), target.path());
    let said = format!(
        "2026-03-15 comes from backup {}, which has the same rows",
        third.id
    );
    assert!(
        from_second.notes.iter().any(|note| note.starts_with(&said)),
        "{:?}",
        from_second.notes
    );
    let report = restored(from_second);
    assert!(report.verified && report.left_out.is_empty());
    assert_eq!(all_in(target.path()), stage.all());
    // The first one had less of it, so that it is only told.
    let first = stage.archive.list().unwrap().pop().unwrap();
    let plan = plan(&stage, RestoreSource::Id(first.id), target.path());
    let said = format!("; backup {} has 107 events of it", third.id);
    assert!(
        plan.left_out[0].to_string().ends_with(&said),
        "{:?}",
        plan.left_out
    );

    // The same where nobody knew it before.
    flip(&old);
    assert!(stage.archive.verify(None, Depth::Quick).ok);
    let files = stored(&stage, 1);
    flip(files.iter().find(|file| **file != old).unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    let latest = self::plan(&stage, LATEST, elsewhere.path());
    assert!(latest.notes.is_empty(), "{:?}", latest.notes);
    let report = restored(latest);
    let said = format!(
        "2026-03-15 comes from backup {}, ",
        stage.archive.list().unwrap()[1].id
    );
    assert!(
        report.elsewhere[0].starts_with(&said),
        "{:?}",
        report.elsewhere
    );
    assert!(report.verified && report.left_out.is_empty());
    assert_eq!(all_in(elsewhere.path()), stage.all());
}

#[test]
fn where_no_day_is_sound_nothing_is_restored_and_nothing_touched() {
    let stage = Stage::with(1, 100);
    back_up(&stage);
    flip(&stored(&stage, 0)[0]);
    let before = stage.all();
    stage.record(day_ms(0) + 500_000, 7, 1000);
    let plan = plan(&stage, LATEST, &stage.events_dir());
    let error = plan.build(&()).unwrap_err().to_string();
    assert!(
        error.contains("expected at least one day of the backup to be sound"),
        "{error}"
    );
    assert_eq!(stage.all().len(), before.len() + 7);
    let known = stage.archive.plan(LATEST, None, &stage.events_dir());
    let error = known.unwrap_err().to_string();
    assert!(error.contains("passed over"), "{error}");
}

#[test]
fn a_day_moved_aside_can_be_put_back_from_a_backup_of_which_another_day_is_damaged() {
    let stage = damaged();
    assert!(!stage.archive.verify(None, Depth::Quick).ok);
    let first = stage.store.day_path(Day::of_ms(day_ms(0)));
    let aside = first.with_extension(format!("db.corrupt-{}", day_ms(4)));
    std::fs::rename(&first, aside).unwrap();
    let mends = stage.archive.mends(&stage.store).unwrap();
    let (id, to_ms) = mends[0].from.clone().unwrap();
    let at = Some(to_ms.max(day_ms(3)));
    let source = RestoreSource::Id(id);
    let plan = stage.archive.plan(source, at, &stage.events_dir()).unwrap();
    let report = restored(plan.keep_newer());
    assert_left_out(&report, true);
    assert_eq!(stage.all().len(), 300);
    assert!(stage.archive.mends(&stage.store).unwrap().is_empty());
}
