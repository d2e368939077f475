//! The lists of changes by series: the archive leaves them out, and whoever restores has them again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use backup::{Archive, Day, Query, RestoreSource, Store};
use flate2::read::MultiGzDecoder;
use rusqlite::Connection;

use crate::questions::busy_store;
use crate::stage::{NOON, TestClock, all, change, series, start, stop};

/// The paths of all stored days and parts.
fn stored(archive: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(archive.join("days")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn inflate(from: &Path, to: &Path) {
    let mut packed = MultiGzDecoder::new(std::fs::File::open(from).unwrap());
    let mut raw = std::fs::File::create(to).unwrap();
    std::io::copy(&mut packed, &mut raw).unwrap();
}

/// How many changes of each series a query gives.
fn counted(file: &Path, sql: &str) -> BTreeMap<i64, i64> {
    let conn = Connection::open(file).unwrap();
    let mut query = conn.prepare(sql).unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

const LISTED: &str = "SELECT series, sum(count) FROM postings GROUP BY series";
const THERE: &str = "SELECT series, count(*) FROM changes GROUP BY series";

fn ids_of(store: &Path, control: &str) -> Vec<i64> {
    let query = Query {
        controls: vec![control.to_owned()],
        limit: 200_000,
        ..Query::default()
    };
    let found = Store::open(store).unwrap().events(&query).unwrap();
    found.events.iter().map(|event| event.id.0).collect()
}

#[tokio::test]
async fn a_stored_day_lists_nothing_and_a_restored_one_all_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (events, backups) = (dir.path().join("events"), dir.path().join("backups"));
    busy_store(&events).await;
    let name = Day::of_ms(NOON).file_name();
    let archive = Archive::open(&backups).unwrap();
    let store = Store::open(&events).unwrap();
    archive.backup(&store, &[], &()).unwrap();
    assert!(!counted(&events.join(&name), LISTED).is_empty());

    // By hand: nothing is listed, and every answer is right.
    let by_hand = dir.path().join("by-hand");
    std::fs::create_dir(&by_hand).unwrap();
    inflate(&stored(&backups)[0], &by_hand.join(&name));
    assert!(counted(&by_hand.join(&name), LISTED).is_empty());
    assert!(all(&by_hand) == all(&events));
    assert_eq!(
        Store::open(&by_hand).unwrap().summary().unwrap().events,
        120_000
    );

    let restored = dir.path().join("restored");
    for at in [None, Some(NOON + 3_600_000)] {
        let plan = archive.plan(RestoreSource::Latest, at, &restored).unwrap();
        plan.build(&()).unwrap().swap().unwrap();
        let there = counted(&restored.join(&name), THERE);
        assert_eq!(counted(&restored.join(&name), LISTED), there);
        let files = std::fs::read_dir(&restored).unwrap();
        let mut names = files.map(|entry| entry.unwrap().file_name());
        assert!(names.all(|name| !name.to_str().unwrap().contains("postings")));
        if at.is_none() {
            for control in ["Zone 00.gain", "Zone 07.gain"] {
                let expected = ids_of(&events, control);
                assert_eq!(ids_of(&restored, control), expected);
                assert_eq!(ids_of(&by_hand, control), expected);
            }
        }
    }
}

#[tokio::test]
async fn what_comes_on_top_of_a_stored_day_is_listed_too() {
    let dir = tempfile::tempdir().unwrap();
    let (events, backups) = (dir.path().join("events"), dir.path().join("backups"));
    busy_store(&events).await;
    let archive = Archive::open(&backups).unwrap();
    let store = Store::open(&events).unwrap();
    archive.backup(&store, &[], &()).unwrap();
    let clock = TestClock::at(NOON + 8_000_000);
    for round in 0..2 {
        let (recorder, thread) = start(&events, &clock);
        let new = recorder.series(series(&format!("New {round}.gain")));
        for n in 0..50 {
            let at = NOON + 8_000_000 + round * 100_000 + n;
            clock.set(at);
            let row = change(new, n as f64, "text", 0.5);
            recorder.changes(at, vec![row]).await;
        }
        stop(recorder, thread).await;
        if round == 0 {
            archive.backup(&store, &[], &()).unwrap();
        } else {
            let mut shipper = archive.ship(&store).unwrap();
            assert_eq!(shipper.step().unwrap().events, 50);
        }
    }
    assert_eq!(stored(&backups).len(), 2);
    let restored = dir.path().join("restored");
    let plan = archive
        .plan(RestoreSource::Latest, None, &restored)
        .unwrap();
    let report = plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(report.events, 120_100);
    let file = restored.join(Day::of_ms(NOON).file_name());
    assert_eq!(counted(&file, LISTED), counted(&file, THERE));
    let kept = "SELECT count, id FROM digests";
    let live = counted(&events.join(Day::of_ms(NOON).file_name()), kept);
    assert_eq!(counted(&file, kept), live);
}

#[tokio::test]
async fn the_next_backup_of_a_restored_store_stores_no_day_again() {
    let dir = tempfile::tempdir().unwrap();
    let (events, backups) = (dir.path().join("events"), dir.path().join("backups"));
    busy_store(&events).await;
    let archive = Archive::open(&backups).unwrap();
    archive
        .backup(&Store::open(&events).unwrap(), &[], &())
        .unwrap();
    let before = stored(&backups);
    let plan = archive.plan(RestoreSource::Latest, None, &events).unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    archive
        .backup(&Store::open(&events).unwrap(), &[], &())
        .unwrap();
    assert_eq!(stored(&backups), before);
}

#[tokio::test]
async fn a_new_day_numbers_its_series_so_that_rows_are_equally_long() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(dir.path(), &clock);
    for n in 0..300 {
        let one = recorder.series(series(&format!("Zone {n:03}.gain")));
        let row = change(one, 0.123, "text", 0.5);
        recorder.changes(NOON, vec![row]).await;
    }
    stop(recorder, thread).await;
    let file = dir.path().join(Day::of_ms(NOON).file_name());
    let numbers = counted(&file, "SELECT id, 1 FROM series");
    assert_eq!(
        numbers.keys().copied().collect::<Vec<_>>(),
        (128..428).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_part_holds_each_name_as_often_as_its_tables_do() {
    let dir = tempfile::tempdir().unwrap();
    let (events, backups) = (dir.path().join("events"), dir.path().join("backups"));
    let clock = TestClock::at(NOON);
    let archive = Archive::open(&backups).unwrap();
    let names: Vec<String> = (0..300)
        .map(|n| format!("Zone {:03}.gain", n * 7 % 300))
        .collect();
    let (recorder, thread) = start(&events, &clock);
    for (round, names) in [&names[..1], &names[..]].into_iter().enumerate() {
        let at = NOON + round as i64 * 1000;
        clock.set(at);
        for name in names {
            let row = change(recorder.series(series(name)), 0.123, "text", 0.5);
            recorder.changes(at, vec![row]).await;
        }
        recorder.flush().await.unwrap();
        archive
            .backup(&Store::open(&events).unwrap(), &[], &())
            .unwrap();
    }
    stop(recorder, thread).await;
    let parts = stored(&backups);
    assert_eq!(parts.len(), 2);
    let part = dir.path().join("part.db");
    let is_part = |path: &&PathBuf| path.to_str().unwrap().contains("-after-");
    inflate(parts.iter().find(is_part).unwrap(), &part);
    let bytes = std::fs::read(&part).unwrap();
    for name in names {
        let places = bytes
            .windows(name.len())
            .filter(|place| *place == name.as_bytes());
        // In the dictionary, and in the index on it.
        assert_eq!(places.count(), 2, "{name}");
    }
}
