//! A plan says which events come and go. The restore does exactly that, event by event and control by control.

use std::collections::BTreeSet;

use backup::{ControlChange, RestorePlan, RestoreSource};
use proptest::prelude::*;

use crate::archive_stage::{Stage, day_ms, seed_database};

/// Checks a plan against the restore it leads to.
fn holds(stage: &Stage, plan: RestorePlan) -> Result<(), TestCaseError> {
    let set = |stage: &Stage| -> BTreeSet<(i64, u64)> {
        let events = stage.all().into_iter();
        events.map(|(id, value)| (id, value.to_bits())).collect()
    };
    let said = (plan.events_gained, plan.events_lost);
    let controls = plan.per_control(&()).unwrap();
    let sum = |side: fn(&ControlChange) -> u64| controls.iter().map(side).sum::<u64>();
    prop_assert_eq!((sum(|c| c.gained), sum(|c| c.lost)), said);
    let before = set(stage);
    plan.build(&()).unwrap().swap().unwrap();
    let after = set(stage);
    let came = after.difference(&before).count() as u64;
    let went = before.difference(&after).count() as u64;
    prop_assert_eq!((came, went), said);
    Ok(())
}

fn plan(stage: &Stage, source: RestoreSource, at: Option<i64>) -> RestorePlan {
    stage.archive.plan(source, at, &stage.events_dir()).unwrap()
}

#[test]
fn a_file_with_as_many_other_events_takes_all_that_are_there() {
    let stage = Stage::with(1, 100);
    let other = Stage::new();
    other.record(day_ms(0) + 500, 100, 1000);
    let file = other.store.day_path(other.store.days().unwrap()[0]);
    let plan = plan(&stage, RestoreSource::File(file), None);
    assert_eq!((plan.events_gained, plan.events_lost), (100, 100));
    holds(&stage, plan).unwrap();
}

#[test]
fn an_original_file_counts_only_the_days_it_has() {
    let stage = Stage::with(3, 50);
    let file = stage.dir.path().join("old.db");
    seed_database(&file, 40, day_ms(1));
    let plan = plan(&stage, RestoreSource::File(file), None);
    assert_eq!((plan.events_gained, plan.events_lost), (40, 50));
    holds(&stage, plan).unwrap();
}

#[test]
fn controls_are_told_the_most_affected_first() {
    let stage = Stage::with(1, 16);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    // The next 11 events fall on the controls 0, 1, 2 twice and on the others once.
    stage.record(day_ms(0) + 3_600_000, 11, 1000);
    let plan = plan(&stage, RestoreSource::Latest, None);
    let controls = plan.per_control(&()).unwrap();
    let lost: Vec<_> = controls.iter().map(|c| (c.gained, c.lost)).collect();
    assert_eq!(lost, [[(0, 2); 3].as_slice(), &[(0, 1); 5]].concat());
    assert_eq!(controls[0].control, "Amp 0.gain");
    let kept = plan.keep_newer().per_control(&()).unwrap();
    assert_eq!(kept, []);
}

#[test]
fn a_day_that_cannot_be_read_is_said_and_comes_whole() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let day = stage.store.day_path(stage.store.days().unwrap()[0]);
    std::fs::write(&day, b"no database at all, and long enough to be looked at").unwrap();
    let plan = plan(&stage, RestoreSource::Latest, None);
    assert_eq!((plan.events_gained, plan.events_lost), (100, 0));
    assert!(plan.notes[0].contains("cannot be read"), "{:?}", plan.notes);
    let controls = plan.per_control(&()).unwrap();
    assert_eq!(controls.iter().map(|c| c.gained).sum::<u64>(), 100);
}

/// What may happen to a live store after its backup.
#[derive(Debug, Clone)]
enum Since {
    More(u8),
    DayDeleted,
    RowsDeleted(u8),
    RowEdited(u8),
    AnotherDay(u8),
}

fn since() -> impl Strategy<Value = Since> {
    prop_oneof![
        (1u8..40).prop_map(Since::More),
        Just(Since::DayDeleted),
        (1u8..30).prop_map(Since::RowsDeleted),
        (0u8..60).prop_map(Since::RowEdited),
        (1u8..40).prop_map(Since::AnotherDay),
    ]
}

fn happen(stage: &Stage, since: &Since, later: i64) {
    let from = day_ms(1) + 7_200_000 + later;
    let edit = |sql: &str, bound: u8| {
        let conn = stage.writer(day_ms(0));
        conn.execute(sql, [bound]).unwrap();
    };
    match since {
        Since::More(events) => stage.record(from, i64::from(*events), 1000),
        Since::AnotherDay(events) => stage.record(day_ms(2) + later, i64::from(*events), 1000),
        Since::DayDeleted => {
            if let Some(day) = stage.store.days().unwrap().first() {
                std::fs::remove_file(stage.store.day_path(*day)).unwrap();
            }
        }
        Since::RowsDeleted(some) => edit(
            "DELETE FROM changes WHERE id IN (SELECT id FROM changes LIMIT ?1)",
            *some,
        ),
        Since::RowEdited(which) => edit(
            "UPDATE changes SET value = value + 1000 WHERE id = (SELECT id FROM changes LIMIT 1 OFFSET ?1)",
            *which,
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_plan_says_what_the_restore_does(
        happened in proptest::collection::vec(since(), 0..4),
        at in proptest::option::of(0i64..60),
        keep_newer: bool,
    ) {
        let stage = Stage::with(2, 60);
        stage.archive.backup(&stage.store, &[], &()).unwrap();
        for (later, since) in (0i64..).zip(&happened) {
            happen(&stage, since, later * 3_600_000);
        }
        let at = at.map(|second| day_ms(1) + second * 1000);
        let plan = plan(&stage, RestoreSource::Latest, at);
        holds(&stage, if keep_newer { plan.keep_newer() } else { plan })?;
    }
}
