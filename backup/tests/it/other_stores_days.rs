//! Day files of another store, laid among those of a store: never taken for its own.

use std::fs;
use std::path::{Path, PathBuf};

use backup::{Archive, Day, Destination, Error, RestoreSource, Store, import};

use crate::stage::{NOON, TestClock, number, numbers, series, start, stop};

const DAY: i64 = 86_400_000;

/// Records an event of this value at noon of the n-th day.
async fn record(dir: &Path, n: i64, value: f64) {
    let clock = TestClock::at(NOON + n * DAY);
    let (recorder, thread) = start(dir, &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder
        .changes(NOON + n * DAY, vec![number(id, value)])
        .await;
    recorder.flush().await.unwrap();
    stop(recorder, thread).await;
}

fn day(n: i64) -> Day {
    Day::of_ms(NOON + n * DAY)
}

/// Two stores of three days each: in the first the n-th day has an event of value n, in the second of value 100 + n.
async fn two_stores() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (own, other) = (dir.path().join("own"), dir.path().join("other"));
    for n in 0..3 {
        record(&own, n, n as f64).await;
        record(&other, n, 100.0 + n as f64).await;
    }
    (dir, own, other)
}

fn lay(from: &Path, to: &Path, n: i64) {
    let name = day(n).file_name();
    fs::copy(from.join(&name), to.join(&name)).unwrap();
}

fn aside(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut aside: Vec<PathBuf> = entries
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("other-store-")
        })
        .collect();
    aside.sort();
    aside
}

#[tokio::test]
async fn a_day_file_of_another_store_is_refused_by_name_and_set_aside_at_the_next_start() {
    let (dir, own, other) = two_stores().await;
    record(&other, 5, 105.0).await;
    lay(&other, &own, 5);
    let store = Store::open(&own).unwrap();
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    let refused = [
        store.require_own(day(5)),
        store.require_all_own(),
        archive.backup(&store, &[], &()).map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::OtherStore { .. }), "{error}");
        assert!(error.to_string().contains(&day(5).file_name()), "{error}");
        assert!(error.hint().unwrap().contains("import"));
    }
    store.require_own(day(1)).unwrap();
    record(&own, 6, 6.0).await;
    assert_eq!(numbers(&own), [0.0, 1.0, 2.0, 6.0]);
    assert_eq!(store.untold_losses(), []);
    store.require_all_own().unwrap();
    archive.backup(&store, &[], &()).unwrap();
    // It is whole, and its events can be had.
    let aside = aside(&own);
    assert_eq!(aside.len(), 1);
    let report = import(Destination::Folder(&own), &aside[0]).unwrap();
    assert_eq!(report.added, 1);
    assert_eq!(numbers(&own), [0.0, 1.0, 2.0, 105.0, 6.0]);
    record(&own, 7, 7.0).await;
    assert_eq!(numbers(&own), [0.0, 1.0, 2.0, 105.0, 6.0, 7.0]);
}

#[tokio::test]
async fn a_day_that_another_stores_file_was_laid_over_is_lost() {
    let (dir, own, other) = two_stores().await;
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    archive
        .backup(&Store::open(&own).unwrap(), &[], &())
        .unwrap();
    lay(&other, &own, 1);
    record(&own, 3, 3.0).await;
    assert_eq!(numbers(&own), [0.0, 2.0, 3.0]);
    let store = Store::open(&own).unwrap();
    let gaps = store.gaps(0, i64::MAX).unwrap();
    assert_eq!(store.lost_days(&gaps), [day(1)]);
    assert_eq!(aside(&own).len(), 1);
}

#[tokio::test]
async fn the_same_is_found_while_the_recorder_runs() {
    let (_dir, own, other) = two_stores().await;
    let clock = TestClock::at(NOON + 3 * DAY);
    let (recorder, thread) = start(&own, &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder
        .changes(NOON + 3 * DAY, vec![number(id, 3.0)])
        .await;
    recorder.flush().await.unwrap();
    lay(&other, &own, 1);
    let asked = recorder.clone();
    let found = tokio::task::spawn_blocking(move || asked.examine(day(1)));
    let found = found.await.unwrap().unwrap().unwrap();
    assert!(found.contains("another store"), "{found}");
    let store = recorder.own_store();
    let gaps = store.gaps(0, i64::MAX).unwrap();
    assert_eq!(store.lost_days(&gaps), [day(1)]);

    // The open one is never gone on with in another store's file.
    record(&other, 3, 103.0).await;
    let open = store.day_path(day(3));
    for end in ["-wal", "-shm"] {
        fs::remove_file(open.with_file_name(day(3).file_name() + end)).unwrap();
    }
    fs::remove_file(&open).unwrap();
    lay(&other, &own, 3);
    recorder
        .changes(NOON + 3 * DAY + 1, vec![number(id, 4.0)])
        .await;
    recorder.flush().await.unwrap();
    stop(recorder, thread).await;
    assert_eq!(numbers(&own), [0.0, 2.0, 4.0]);
    assert_eq!(aside(&own).len(), 2);
}

#[tokio::test]
async fn what_a_store_took_over_is_its_own() {
    let (dir, own, other) = two_stores().await;
    record(&other, 4, 104.0).await;
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    // A file, by force.
    let file = RestoreSource::File(other.join(day(4).file_name()));
    let plan = archive.plan(file, None, &own).unwrap();
    plan.take_over().build(&()).unwrap().swap().unwrap();
    record(&own, 5, 5.0).await;
    assert_eq!(numbers(&own), [0.0, 1.0, 2.0, 104.0, 5.0]);
    // A backup, by force; and back.
    archive
        .backup(&Store::open(&other).unwrap(), &[], &())
        .unwrap();
    let plan = archive.plan(RestoreSource::Latest, None, &own).unwrap();
    plan.take_over().build(&()).unwrap().swap().unwrap();
    record(&own, 6, 6.0).await;
    assert_eq!(numbers(&own), [100.0, 101.0, 102.0, 104.0, 6.0]);
    backup::undo(&own).unwrap();
    record(&own, 7, 7.0).await;
    assert_eq!(numbers(&own), [0.0, 1.0, 2.0, 104.0, 5.0, 6.0, 7.0]);
    assert_eq!(aside(&own), [""; 0].map(PathBuf::from));
}

#[tokio::test]
async fn a_day_that_an_import_made_says_whose_it_is() {
    let (dir, own, other) = two_stores().await;
    let file = dir.path().join("old.csv");
    let text = format!("timestamp,control_path,value\n{},Bar.gain,90\n", NOON - DAY);
    fs::write(&file, text).unwrap();
    import(Destination::Folder(&other), &file).unwrap();
    record(&other, 3, 103.0).await;
    assert_eq!(numbers(&other), [90.0, 100.0, 101.0, 102.0, 103.0]);
    lay(&other, &own, -1);
    record(&own, 3, 3.0).await;
    assert_eq!(numbers(&own), [0.0, 1.0, 2.0, 3.0]);
}

#[tokio::test]
async fn what_was_there_before_stores_said_what_they_took_over_counts() {
    let (_dir, own, other) = two_stores().await;
    // As an older program left it.
    let path = own.join("store.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["took_over"], serde_json::json!([]));
    document.as_object_mut().unwrap().remove("took_over");
    fs::write(&path, document.to_string()).unwrap();
    lay(&other, &own, 1);
    record(&own, 3, 3.0).await;
    assert_eq!(numbers(&own), [0.0, 101.0, 2.0, 3.0]);
    lay(&other, &own, 2);
    // The same store's, and now known.
    record(&own, 4, 4.0).await;
    assert_eq!(numbers(&own), [0.0, 101.0, 102.0, 3.0, 4.0]);
    // A store that lost its name keeps its days, too.
    fs::remove_file(&path).unwrap();
    record(&own, 5, 5.0).await;
    assert_eq!(numbers(&own), [0.0, 101.0, 102.0, 3.0, 4.0, 5.0]);
}
