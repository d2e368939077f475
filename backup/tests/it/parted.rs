//! A store and its archive that have parted: what each holds stays its own, and is told.

use std::fs;
use std::path::Path;

use backup::{Depth, Error, RestoreSource, Store};

use crate::archive_jobs::{copy_tree, ship};
use crate::archive_stage::{Stage, all_in, day_ms, let_lie};
use crate::reader::read;
use crate::stage::{TestClock, start, stop};

fn ids(events: &[(i64, f64)]) -> Vec<i64> {
    events.iter().map(|(id, _)| *id).collect()
}

fn replace(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy_tree(from, to);
}

fn restored(stage: &Stage, source: RestoreSource, at_ms: Option<i64>) -> Vec<(i64, f64)> {
    let target = tempfile::tempdir().unwrap();
    let plan = stage.archive.plan(source, at_ms, target.path()).unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    all_in(target.path())
}

fn lineages(store: &Path) -> usize {
    let text = fs::read(store.join("store.json")).unwrap();
    let says: serde_json::Value = serde_json::from_slice(&text).unwrap();
    says["lineages"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_older_copy_of_the_store_goes_on_in_a_history_of_its_own_and_the_time_between_is_told() {
    let stage = Stage::with(1, 100);
    let clock = TestClock::at(day_ms(0) + 500_000);
    let (recorder, thread) = start(&stage.events_dir(), &clock);
    stop(recorder, thread).await;
    let first = stage.archive.backup(&stage.store, &[], &()).unwrap();
    let older = stage.dir.path().join("older");
    copy_tree(&stage.events_dir(), &older);
    stage.record(day_ms(0) + 1_000_000, 50, 100);
    ship(&stage.archive, &stage.events_dir()).unwrap();
    let all = stage.all();
    replace(&older, &stage.events_dir());
    let_lie(&stage.backups_dir());

    // As an agent starts.
    stage.archive.take_up(&stage.events_dir()).unwrap();
    assert_eq!(lineages(&stage.events_dir()), 2);
    clock.set(day_ms(0) + 3_000_000);
    let (recorder, thread) = start(&stage.events_dir(), &clock);
    recorder.keyframe(day_ms(0) + 3_000_000, Vec::new()).await;
    stop(recorder, thread).await;
    stage.record(day_ms(0) + 3_000_100, 7, 100);
    let gaps = stage.store.gaps(0, i64::MAX).unwrap();
    let told = gaps
        .iter()
        .find(|gap| gap.why.contains("put back to an older copy"));
    let told = told.unwrap_or_else(|| panic!("{gaps:?}"));
    assert!(told.to_ms >= day_ms(0) + 3_000_000, "{told:?}");

    // What is shipped and backed up from here on stands beside what the archive has.
    ship(&stage.archive, &stage.events_dir()).unwrap();
    assert_eq!(restored(&stage, RestoreSource::Latest, None), all);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(lineages(&stage.events_dir()), 2);
    assert_eq!(restored(&stage, RestoreSource::Latest, None), stage.all());
    let reading = read(&stage.backups_dir());
    let read: Vec<i64> = reading.rows.keys().copied().collect();
    assert_eq!(read, ids(&stage.all()));
    let last = Some(day_ms(0) + 1_000_000 + 49 * 100);
    assert_eq!(restored(&stage, RestoreSource::Id(first.id), last), all);
    assert!(stage.archive.verify(None, Depth::Deep).ok);
}

#[test]
fn a_machine_and_its_clone_never_write_one_history_and_one_waits_for_the_other() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    ship(&stage.archive, &stage.events_dir()).unwrap();
    let (original, clone) = (
        stage.dir.path().join("original"),
        stage.dir.path().join("clone"),
    );
    copy_tree(&stage.events_dir(), &clone);
    // To the archive both are the same machine with the same folder.
    replace_with(&stage, &original, &clone);
    stage.record(day_ms(0) + 1_000_000, 20, 100);
    ship(&stage.archive, &stage.events_dir()).unwrap();
    let of_clone = stage.all();
    replace_with(&stage, &clone, &original);
    stage.record(day_ms(0) + 1_000_050, 20, 100);
    let refused = stage.archive.backup(&stage.store, &[], &()).unwrap_err();
    assert!(matches!(refused, Error::OtherAgent { .. }), "{refused}");
    assert_eq!(restored(&stage, RestoreSource::Latest, None), of_clone);

    let_lie(&stage.backups_dir());
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(lineages(&stage.events_dir()), 2);
    assert_eq!(restored(&stage, RestoreSource::Latest, None), stage.all());
    // And again: neither begins another history for what it knows.
    let of_original = stage.all();
    replace_with(&stage, &original, &clone);
    let_lie(&stage.backups_dir());
    stage.record(day_ms(0) + 2_000_000, 5, 100);
    let own = stage.all();
    assert!(of_original.iter().any(|event| !own.contains(event)));
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(restored(&stage, RestoreSource::Latest, None), own);
    let known = lineages(&stage.events_dir());
    let_lie(&stage.backups_dir());
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    ship(&stage.archive, &stage.events_dir()).unwrap();
    assert_eq!(lineages(&stage.events_dir()), known);
    assert!(stage.archive.verify(None, Depth::Deep).ok);
}

/// The store's folder goes out of the way, and another one takes its place.
fn replace_with(stage: &Stage, out: &Path, other: &Path) {
    fs::rename(stage.events_dir(), out).unwrap();
    fs::rename(other, stage.events_dir()).unwrap();
}

#[test]
fn an_import_begins_no_history() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    ship(&stage.archive, &stage.events_dir()).unwrap();
    let file = stage.dir.path().join("others.csv");
    let line = format!(
        "timestamp,control_path,value\n{},Other.gain,1\n",
        day_ms(0) + 5
    );
    fs::write(&file, line).unwrap();
    let into = stage.events_dir();
    backup::import(backup::Destination::Folder(&into), &file).unwrap();
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    ship(&stage.archive, &stage.events_dir()).unwrap();
    assert_eq!(lineages(&stage.events_dir()), 1);
}

#[tokio::test]
async fn a_running_recorder_is_asked_to_begin_the_history() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let copy = stage.dir.path().join("copy");
    copy_tree(&stage.events_dir(), &copy);
    stage.record(day_ms(0) + 1_000_000, 50, 100);
    ship(&stage.archive, &stage.events_dir()).unwrap();
    let_lie(&stage.backups_dir());
    let clock = TestClock::at(day_ms(0) + 3_000_000);
    let (recorder, thread) = start(&copy, &clock);
    let store: Store = recorder.own_store();
    let refused = stage.archive.backup(&store, &[], &()).unwrap_err();
    let Error::Parted { parting, .. } = &refused else {
        panic!("{refused}");
    };
    let asked = recorder.clone();
    let parting = parting.clone();
    let begun = tokio::task::spawn_blocking(move || asked.begin_history(&parting));
    begun.await.unwrap().unwrap();
    stage.archive.backup(&store, &[], &()).unwrap();
    assert_eq!(lineages(&copy), 2);
    stop(recorder, thread).await;
    assert_eq!(restored(&stage, RestoreSource::Latest, None), all_in(&copy));
}
