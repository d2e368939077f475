//! Undo is a list of steps: each restore and each undo can be taken back, and what was recorded since stays.

use std::path::Path;

use backup::{
    RestoreSource, UndoLimit, UndoStep, finish_interrupted, plan_undo, undo, undo_room, undo_steps,
};

use crate::archive_stage::{Events, Stage, all_in, day_ms};

fn restore(stage: &Stage, at: i64) {
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, Some(at), &stage.events_dir())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
}

fn steps(stage: &Stage) -> Vec<UndoStep> {
    undo_steps(&stage.events_dir()).unwrap()
}

/// A stage with two days that went back twice, and what it held before each.
fn restored_twice() -> (Stage, Events, Events) {
    let stage = Stage::with(2, 300);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    stage.record(day_ms(1) + 600_000, 83, 1000);
    let first = stage.all();
    restore(&stage, day_ms(1) + 200_000);
    stage.record(day_ms(1) + 800_000, 100, 1000);
    let second = stage.all();
    restore(&stage, day_ms(1) + 100_000);
    (stage, first, second)
}

fn holds(found: &Events, wanted: &Events) -> bool {
    wanted.iter().all(|event| found.contains(event))
}

#[test]
fn two_restores_in_a_row_are_taken_back_one_by_one_and_every_event_is_there_again() {
    let (stage, first, second) = restored_twice();
    assert_eq!(stage.all().len(), 401);
    let listed = steps(&stage);
    let told: Vec<_> = listed
        .iter()
        .map(|step| {
            (
                step.number,
                step.is_next,
                step.events_gained,
                step.events_lost,
                step.events_since,
            )
        })
        .collect();
    assert_eq!(
        told,
        [(2, true, 200, 0, 0), (1, false, 282, 0, 0)],
        "{listed:?}"
    );
    assert!(listed.iter().all(|step| {
        step.what.starts_with("restore from backup") && step.bytes > 0 && step.days.len() == 2
    }));

    let report = undo(&stage.events_dir()).unwrap();
    assert_eq!((report.events_gained, report.events_lost), (200, 0));
    assert!(stage.all() == second);
    // The first restore is next; what was recorded after it stays.
    let listed = steps(&stage);
    assert_eq!((listed[1].number, listed[1].is_next), (1, true));
    assert_eq!(
        (listed[1].events_gained, listed[1].events_since),
        (182, 100)
    );
    let report = undo(&stage.events_dir()).unwrap();
    assert_eq!((report.events_gained, report.events_kept), (182, 100));
    let found = stage.all();
    assert!(holds(&found, &first) && holds(&found, &second));
    assert_eq!(found.len(), first.len() + 100);
}

#[test]
fn a_step_that_an_undo_leaves_is_taken_back_by_its_number_or_after_all_restores() {
    let (stage, _, second) = restored_twice();
    let dir = stage.events_dir();
    let gone = stage.all();
    undo(&dir).unwrap();
    let left = steps(&stage)[0].clone();
    assert!(left.what.starts_with("undo of restore"), "{left:?}");
    assert_eq!((left.number, left.events_lost), (3, 200));
    // By its number, though a restore could still be taken back.
    let plan = plan_undo(&dir, Some(3)).unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert!(stage.all() == gone);
    undo(&dir).unwrap();
    assert!(stage.all() == second);
    undo(&dir).unwrap();
    let all = stage.all();
    // Only undos are left: from now on they take each other back.
    assert!(
        steps(&stage)
            .iter()
            .all(|step| step.what.starts_with("undo of"))
    );
    undo(&dir).unwrap();
    assert!(stage.all() == second);
    undo(&dir).unwrap();
    assert!(stage.all() == all);
    assert_eq!(steps(&stage).len(), 2);
    let error = plan_undo(&dir, Some(99)).unwrap_err().to_string();
    assert!(error.contains("99") && error.contains("one of"), "{error}");
}

#[test]
fn what_was_recorded_since_goes_only_with_force_and_is_a_step_then() {
    let stage = Stage::with(2, 300);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let before = stage.all();
    let dir = stage.events_dir();
    restore(&stage, day_ms(0) + 100_000);
    // The restore took the second day away; it is recorded anew, and a day after it.
    stage.record(day_ms(1) + 500_000, 20, 1000);
    stage.record(day_ms(2), 10, 1000);
    let now = stage.all();

    let plan = plan_undo(&dir, None).unwrap();
    let told = (
        plan.step.events_gained,
        plan.step.events_lost,
        plan.step.events_since,
    );
    assert_eq!(
        told,
        (499, 0, 20),
        "a day without a kept file stays as it is"
    );
    assert!(stage.all() == now, "a plan changes nothing");
    let report = plan.force().build(&()).unwrap().swap().unwrap();
    assert_eq!((report.events_lost, report.events_kept), (20, 0));
    let mut forced = before.clone();
    forced.extend(now.iter().filter(|(id, _)| id >> 12 >= day_ms(2)));
    assert!(stage.all() == forced);

    // Nothing was lost: the undo left a step with it, and taking that one and undoing it is exact.
    undo(&dir).unwrap();
    assert!(stage.all() == now);
    undo(&dir).unwrap();
    assert!(stage.all() == forced);
    undo(&dir).unwrap();

    stage.record(day_ms(1) + 700_000, 7, 1000);
    let report = undo(&dir).unwrap();
    assert_eq!((report.events_gained, report.events_kept), (499, 7));
    assert_eq!(stage.all().len(), forced.len() + 7);
    assert!(holds(&stage.all(), &forced));
}

#[test]
fn what_is_recorded_between_build_and_swap_stays_too() {
    let stage = Stage::with(2, 300);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let before = stage.all();
    for late_only in [false, true] {
        let dir = stage.events_dir();
        restore(&stage, day_ms(1) + 100_000);
        if !late_only {
            stage.record(day_ms(1) + 500_000, 20, 1000);
        }
        let built = plan_undo(&dir, None).unwrap().build(&()).unwrap();
        stage.record(day_ms(1) + 700_000, 3, 1000);
        let report = built.swap().unwrap();
        assert_eq!(report.events_kept, if late_only { 3 } else { 23 });
        let found = stage.all();
        assert_eq!(found.len(), before.len() + if late_only { 3 } else { 23 });
        assert!(holds(&found, &before));
        let newest = stage.store.days().unwrap()[1];
        assert_eq!(stage.store.day_damage(newest).unwrap(), None);
        plan_undo(&dir, None)
            .unwrap()
            .force()
            .build(&())
            .unwrap()
            .swap()
            .unwrap();
        undo(&dir).unwrap();
        stage
            .writer(day_ms(1))
            .execute("DELETE FROM changes WHERE id > ?1", [before[599].0])
            .unwrap();
    }
}

#[test]
fn an_undo_that_is_built_and_dropped_leaves_no_trace() {
    let (stage, _, _) = restored_twice();
    stage.record(day_ms(1) + 900_000, 5, 1000);
    let (now, listed) = (stage.all(), steps(&stage));
    drop(
        plan_undo(&stage.events_dir(), None)
            .unwrap()
            .build(&())
            .unwrap(),
    );
    assert!(!stage.events_dir().join(".restore").exists());
    assert_eq!(steps(&stage), listed);
    assert!(stage.all() == now);
}

/// Makes the newest step one of a program that knew only one.
fn as_of_version_1(dir: &Path) {
    let newest = undo_steps(dir).unwrap()[0].number;
    let (all, kept) = (dir.join(".undo"), dir.join("kept"));
    std::fs::rename(all.join(newest.to_string()), &kept).unwrap();
    std::fs::remove_dir_all(&all).unwrap();
    std::fs::rename(&kept, &all).unwrap();
    let record = all.join("undo.json");
    let mut json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    json["format"] = 1.into();
    json.as_object_mut().unwrap().remove("brought");
    std::fs::write(record, json.to_string()).unwrap();
}

#[test]
fn the_one_step_of_version_1_is_read_and_taken_back_as_a_step() {
    let (stage, then, now) = Stage::restored();
    let dir = stage.events_dir();
    as_of_version_1(&dir);
    let listed = steps(&stage);
    assert_eq!(
        (listed[0].number, listed.len(), listed[0].events_gained),
        (0, 1, 100)
    );
    // Another restore leaves it where it is.
    restore(&stage, day_ms(1) + 100_000);
    let numbers: Vec<u64> = steps(&stage).iter().map(|step| step.number).collect();
    assert_eq!(numbers, [1, 0]);
    undo(&dir).unwrap();
    assert!(stage.all() == then);
    undo(&dir).unwrap();
    assert!(stage.all() == now);
    assert!(!dir.join(".undo/undo.json").exists() && !dir.join(".undo/files").exists());
    undo(&dir).unwrap();
    assert!(stage.all() == then);
}

#[test]
fn an_undo_of_version_1_that_a_crash_cut_off_is_finished() {
    let (stage, then, now) = Stage::restored();
    let dir = stage.events_dir();
    as_of_version_1(&dir);
    // As that program wrote it down: all files go out, then those of its only step come in.
    let days: Vec<String> = stage
        .store
        .days()
        .unwrap()
        .iter()
        .map(|day| day.file_name())
        .collect();
    let kept: Vec<String> = std::fs::read_dir(dir.join(".undo/files"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let out = days
        .iter()
        .map(|day| (day.clone(), format!(".undo-next/files/{day}")));
    let back = kept
        .iter()
        .map(|day| (format!(".undo/files/{day}"), day.clone()));
    let moves: Vec<_> = out
        .chain(back)
        .map(|(from, to)| serde_json::json!({"from": from, "to": to}))
        .collect();
    let day = |name: &String| name["events-".len()..name.len() - 3].to_owned();
    let brought: Vec<String> = kept.iter().map(day).collect();
    std::fs::create_dir_all(dir.join(".undo-next/files")).unwrap();
    std::fs::create_dir_all(dir.join(".restore")).unwrap();
    let record = serde_json::json!({"format": 1, "what": "undo of restore from x", "made_at_ms": 1, "days": brought});
    std::fs::write(dir.join(".undo-next/undo.json"), record.to_string()).unwrap();
    let intent = serde_json::json!({"format": 1, "what": "undo of restore from x", "moved": false, "moves": moves});
    std::fs::write(dir.join(".restore/intent.json"), intent.to_string()).unwrap();
    assert!(finish_interrupted(&dir).unwrap().is_some());
    assert!(all_in(&dir) == now);
    assert_eq!(steps(&stage).len(), 1);
    plan_undo(&dir, None)
        .unwrap()
        .force()
        .build(&())
        .unwrap()
        .swap()
        .unwrap();
    assert!(all_in(&dir) == then);
}

#[test]
fn a_step_whose_record_cannot_be_read_is_named_and_moved_aside_the_others_go_on() {
    let (stage, first, _) = restored_twice();
    let dir = stage.events_dir();
    let record = dir.join(".undo/2/undo.json");
    std::fs::write(&record, "{").unwrap();
    let error = undo(&dir).unwrap_err();
    assert!(
        error.to_string().contains(record.to_str().unwrap()),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("move the folder aside"));
    std::fs::rename(dir.join(".undo/2"), stage.dir.path().join("aside")).unwrap();
    undo(&dir).unwrap();
    assert!(holds(&stage.all(), &first));
}

fn numbers(stage: &Stage) -> Vec<u64> {
    steps(stage).iter().map(|step| step.number).collect()
}

#[test]
fn a_step_goes_only_once_a_sound_backup_holds_each_of_its_events() {
    let (stage, _, _) = restored_twice();
    let dir = stage.events_dir();
    let limit = |steps, bytes| UndoLimit { steps, bytes };
    let prune = |limit| stage.archive.prune_undo(&dir, &limit, false).unwrap();
    // Three steps: two that nothing holds, and one below them that the first backup holds.
    let last = stage.all();
    assert_eq!(prune(limit(10, None)).removed, [0; 0]);
    let pruned = prune(limit(1, None));
    assert_eq!(pruned.removed, [0; 0]);
    assert_eq!(pruned.kept[0].0, 1);
    assert!(pruned.kept[0].1.contains("2026-03-15"), "{pruned:?}");
    assert_eq!(numbers(&stage), [2, 1], "the newest is not even asked for");
    let room = undo_room(&dir, &limit(1, None)).unwrap();
    assert!(
        room.passes_limit && room.steps == 2 && room.bytes > 0,
        "{room:?}"
    );
    assert!(!undo_room(&dir, &limit(2, None)).unwrap().passes_limit);

    // Each state comes back, is backed up, and goes again.
    for _ in 0..2 {
        undo(&dir).unwrap();
        stage.archive.backup(&stage.store, &[], &()).unwrap();
    }
    restore(&stage, day_ms(1) + 100_000);
    assert!(stage.all() == last);
    assert_eq!(numbers(&stage).len(), 3);
    let planned = stage
        .archive
        .prune_undo(&dir, &limit(1, None), true)
        .unwrap();
    assert_eq!(numbers(&stage).len(), 3, "a dry run removes nothing");
    let pruned = prune(limit(1, None));
    assert_eq!((&pruned.removed, pruned.kept.len()), (&planned.removed, 0));
    assert_eq!((pruned.removed.len(), numbers(&stage).len()), (2, 1));

    // Room counts as well; and where the backup that holds a step is damaged, the step stays.
    restore(&stage, day_ms(0) + 100_000);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(prune(limit(10, Some(u64::MAX))).removed, [0; 0]);
    for entry in std::fs::read_dir(stage.backups_dir().join("days")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let pruned = prune(limit(10, Some(0)));
    assert_eq!(
        (pruned.removed.len(), pruned.kept.len()),
        (0, 1),
        "{pruned:?}"
    );
}

#[test]
fn a_step_is_removed_for_good_because_somebody_asks() {
    let (stage, _, _) = restored_twice();
    let dir = stage.events_dir();
    let missing = stage.archive.discard_undo(&dir, 1, false).unwrap();
    assert!(missing.unwrap().contains("2026-03-15"));
    assert_eq!(numbers(&stage), [2, 1]);
    assert_eq!(stage.archive.discard_undo(&dir, 1, true).unwrap(), None);
    assert_eq!(numbers(&stage), [2]);
    stage.archive.discard_undo(&dir, 1, true).unwrap_err();
    restore(&stage, day_ms(1) + 50_000);
    assert_eq!(numbers(&stage), [3, 2]);
}

#[test]
fn a_day_that_an_undo_brings_back_came_just_now_however_old_it_is() {
    let stage = Stage::with(2, 60);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    restore(&stage, day_ms(0) + 30_000);
    let before = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_millis() as i64;
    undo(&stage.events_dir()).unwrap();
    let came = |n: usize| {
        let conn = stage
            .store
            .day_reader(stage.store.days().unwrap()[n])
            .unwrap();
        let sql = "SELECT max(value) FROM meta WHERE key = 'came_ms'";
        conn.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))
            .unwrap()
    };
    assert_eq!(came(0), None, "it was there all the time");
    assert!(came(1).unwrap() >= before);
}
