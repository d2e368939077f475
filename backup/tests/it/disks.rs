//! Disks that are full, read-only, locked or damaged: recording waits, says so, and goes on by itself.

use std::path::Path;
use std::time::{Duration, Instant};

use backup::{
    Change, Error, Recorder, RecorderOptions, RecorderState, RecorderStats, Store, Value,
};

use crate::small_disk::{SmallDisk, bind, remount, unmount};
use crate::stage::{NOON, TestClock, all, number, numbers, options, series, start, stop};

pub(crate) async fn until(recorder: &Recorder, what: &str, done: impl Fn(&RecorderStats) -> bool) {
    let begun = Instant::now();
    while !done(&recorder.stats()) {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "waited in vain until {what}: {:?}",
            recorder.stats()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn failing(stats: &RecorderStats) -> bool {
    matches!(stats.state, RecorderState::Failing { .. })
}

#[tokio::test]
async fn a_full_disk_is_waited_out_and_what_did_not_fit_into_memory_is_a_gap() {
    for disk in [SmallDisk::in_memory("size=4m"), SmallDisk::in_a_file()] {
        waited_out(
            &disk,
            ["full"; 2],
            async |_| disk.fill(),
            async |_, _| disk.make_room(),
        )
        .await;
    }
}

#[tokio::test]
async fn a_disk_that_turns_read_only_is_waited_out_just_so() {
    for disk in [SmallDisk::in_memory("size=4m"), SmallDisk::in_a_file()] {
        waited_out(
            &disk,
            ["readonly"; 2],
            async |recorder| turn_read_only(&disk, recorder).await,
            async |_, ()| remount(disk.path(), "rw"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_disk_that_the_kernel_turns_read_only_for_an_error_is_waited_out_until_it_is_repaired() {
    let disk = SmallDisk::in_a_file();
    waited_out(
        &disk,
        ["readonly", "not mounted"],
        async |recorder| {
            if !disk.meet_an_error() {
                turn_read_only(&disk, recorder).await;
            }
        },
        async |recorder, ()| {
            let taken_out = disk.take_out();
            until(recorder, "the missing disk is noticed", not_mounted).await;
            taken_out.repair_and_put_back();
        },
    )
    .await;
}

#[tokio::test]
async fn nothing_is_recorded_beneath_a_mount_point_while_its_disk_is_gone() {
    for disk in [SmallDisk::in_memory("size=4m"), SmallDisk::in_a_file()] {
        let clock = TestClock::at(NOON);
        let (recorder, thread) = start(&disk.store(), &clock);
        let id = recorder.series(series("Room.level"));
        recorder.changes(NOON, vec![number(id, 1.0)]).await;
        recorder.flush().await.unwrap();
        let taken_out = disk.take_out();
        recorder.changes(NOON, vec![number(id, 2.0)]).await;
        until(&recorder, "the missing disk is noticed", not_mounted).await;
        assert!(recorder.flush().await.is_err());
        assert!(!disk.store().exists());
        // Some people remove the folder, too, when they unmount its disk.
        std::fs::remove_dir(disk.path()).unwrap();
        assert!(recorder.flush().await.is_err());
        assert!(!disk.path().exists());
        std::fs::create_dir(disk.path()).unwrap();
        taken_out.repair_and_put_back();
        until(&recorder, "it works again", |stats| {
            stats.state == RecorderState::Ok && stats.queued == 0
        })
        .await;
        assert_eq!(numbers(&disk.store()), [1.0, 2.0]);
        let store = Store::open(disk.store()).unwrap();
        assert_eq!(store.gaps(0, i64::MAX).unwrap(), []);
        assert!(matches!(
            backup::StoreLock::take(&disk.store(), backup::StoreUse::Import),
            Err(Error::Locked { .. })
        ));
        stop(recorder, thread).await;
    }
}

fn not_mounted(stats: &RecorderStats) -> bool {
    matches!(&stats.state, RecorderState::Failing { reason, .. } if reason.contains("not mounted"))
}

/// Through the recorder: the system refuses to turn a disk read-only while somebody has a file open for writing.
pub(crate) async fn turn_read_only(disk: &SmallDisk, recorder: &Recorder) {
    let path = disk.path().to_path_buf();
    recorder
        .pause_and(move |_| remount(&path, "ro"))
        .await
        .unwrap();
}

/// Records, lets the disk fail until more was sent than memory may hold, mends the disk, and accounts for every change.
/// Of the two reasons one is given while the disk fails, the other stands in the gap.
async fn waited_out<B>(
    disk: &SmallDisk,
    [why, why_gap]: [&str; 2],
    fail: impl AsyncFnOnce(&Recorder) -> B,
    mend: impl AsyncFnOnce(&Recorder, B),
) {
    let clock = TestClock::at(NOON);
    let (recorder, thread) = Recorder::start(
        disk.store(),
        RecorderOptions {
            queue_places: 500,
            ..options(&clock)
        },
    )
    .unwrap();
    let id = recorder.series(series("Room.level"));
    recorder.changes(NOON, vec![number(id, 0.0)]).await;
    recorder.flush().await.unwrap();
    let broken = fail(&recorder).await;
    let mut at = NOON;
    let mut sent = 1;
    // More than the file and its log have room for, then more than the queue holds.
    while recorder.stats().dropped < 1000 {
        at += 1;
        clock.set(at);
        let batch = (0..100).map(|n| number(id, f64::from(sent + n))).collect();
        sent += 100;
        tokio::time::timeout(Duration::from_secs(20), recorder.changes(at, batch))
            .await
            .unwrap();
    }
    let stats = recorder.stats();
    assert!(failing(&stats), "{stats:?}");
    assert!(stats.queued <= 500, "{stats:?}");
    let Err(Error::Failing { reason }) = recorder.flush().await else {
        panic!("nothing can be committed")
    };
    assert!(reason.contains(why), "{reason}");
    let before = stats.committed;
    mend(&recorder, broken).await;
    until(&recorder, "it works again", |stats| {
        stats.state == RecorderState::Ok && stats.queued == 0
    })
    .await;
    clock.set(at + 10);
    recorder.changes(at + 10, vec![number(id, -1.0)]).await;
    recorder.flush().await.unwrap();
    let stats = recorder.stats();
    assert!(stats.committed > before);
    // Everything is there once and in order, or it is counted as dropped and lies in the gap.
    let there = numbers(&disk.store());
    assert_eq!(there.len() as u64 + stats.dropped, sent as u64 + 1);
    assert!(there[..there.len() - 1].is_sorted_by(|a, b| a < b));
    let store = Store::open(disk.store()).unwrap();
    let gaps = store.gaps(0, i64::MAX).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].why.contains(&format!("{} changes", stats.dropped))
            && gaps[0].why.contains(why_gap),
        "{gaps:?}"
    );
    let last_before_gap = there.iter().rev().nth(1).unwrap();
    assert!(gaps[0].from_ms >= NOON + (*last_before_gap as i64 - 1) / 100);
    assert_eq!(gaps[0].to_ms, at);
    // The keyframe after the gap knows the last value that was dropped.
    let state = store.state_at(at + 5).unwrap();
    assert_eq!(
        state.controls[0].value,
        Some(Value::Number(f64::from(sent - 1)))
    );
    assert_eq!(store.day_damage(store.days().unwrap()[0]).unwrap(), None);
    stop(recorder, thread).await;
}

#[test]
fn a_read_only_folder_is_refused_at_the_start_by_name() {
    let disk = SmallDisk::in_memory("size=1m,ro");
    let error = Recorder::start(disk.store(), RecorderOptions::default()).unwrap_err();
    assert!(error.to_string().contains("store"), "{error}");
    assert!(
        error.to_string().to_lowercase().contains("read-only"),
        "{error}"
    );
}

#[tokio::test]
async fn a_locked_day_file_is_waited_out_without_losing_anything() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Room.level"));
    recorder.changes(NOON, vec![number(id, 0.0)]).await;
    recorder.flush().await.unwrap();
    let other = rusqlite::Connection::open(dir.path().join("events-2026-03-01.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    until(&recorder, "the lock is noticed", failing).await;
    recorder.changes(NOON, vec![number(id, 2.0)]).await;
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    until(&recorder, "it works again", |stats| {
        stats.state == RecorderState::Ok && stats.queued == 0
    })
    .await;
    assert_eq!(numbers(dir.path()), [0.0, 1.0, 2.0]);
    stop(recorder, thread).await;
}

#[tokio::test]
async fn long_texts_take_the_room_of_many_changes_while_the_disk_fails() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let options = RecorderOptions {
        queue_places: 500,
        ..options(&clock)
    };
    let (recorder, thread) = Recorder::start(dir.path(), options).unwrap();
    let id = recorder.series(series("Room.notes"));
    let text = |n: u32| Change {
        series: id,
        value: None,
        string: Some(format!("{n} {}", "x".repeat(12_800)).into()),
        position: None,
    };
    recorder.changes(NOON, vec![text(0)]).await;
    recorder.flush().await.unwrap();
    let other = rusqlite::Connection::open(dir.path().join("events-2026-03-01.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    recorder.changes(NOON, vec![text(1)]).await;
    until(&recorder, "the lock is noticed", failing).await;
    for n in 2..=100 {
        recorder.changes(NOON + i64::from(n), vec![text(n)]).await;
    }
    // Each takes 101 places.
    let stats = recorder.stats();
    assert_eq!((stats.queued, stats.dropped), (4, 96));
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    until(&recorder, "it works again", |stats| {
        stats.state == RecorderState::Ok && stats.queued == 0
    })
    .await;
    assert_eq!(all(dir.path()).len(), 5);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.gaps(0, i64::MAX).unwrap().len(), 1);
    let state = store.state_at(NOON + 200).unwrap();
    assert_eq!(state.controls[0].string, text(100).string);
    stop(recorder, thread).await;
}

pub(crate) fn spoil(path: &Path) {
    std::fs::write(
        path,
        b"this is no database, whatever its name says. ".repeat(500),
    )
    .unwrap();
}

#[tokio::test]
async fn a_damaged_day_file_is_moved_aside_and_a_fresh_one_begun() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let file = dir.path().join("events-2026-03-01.db");
    spoil(&file);
    // At the start ...
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Room.level"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    recorder.flush().await.unwrap();
    assert_eq!(numbers(dir.path()), [1.0]);
    // ... and in the middle of it.
    clock.set(NOON + 1000);
    let path = file.clone();
    recorder.pause_and(move |_| spoil(&path)).await.unwrap();
    recorder.changes(NOON + 1000, vec![number(id, 2.0)]).await;
    recorder.flush().await.unwrap();
    assert_eq!(recorder.stats().state, RecorderState::Ok);
    assert_eq!(numbers(dir.path()), [2.0]);
    stop(recorder, thread).await;
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.damaged_days().unwrap().len(), 2);
    let gaps = store.gaps(0, i64::MAX).unwrap();
    assert!(
        gaps.iter().any(|gap| gap
            .why
            .contains("moved aside as events-2026-03-01.db.corrupt-")),
        "{gaps:?}"
    );
    let state = store.state_at(NOON + 999).unwrap();
    assert_eq!(
        state.controls.len(),
        1,
        "the fresh file begins with the last known states"
    );
}

#[tokio::test]
async fn a_day_file_damaged_by_a_crash_is_found_at_the_start() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Room.level"));
    recorder
        .changes(
            NOON,
            (0..20_000)
                .map(|n| number(id, f64::from(n) + 0.5))
                .collect(),
        )
        .await;
    stop(recorder, thread).await;
    let file = dir.path().join("events-2026-03-01.db");
    let conn = rusqlite::Connection::open(&file).unwrap();
    conn.execute_batch("UPDATE meta SET value = 0 WHERE key = 'stopped'")
        .unwrap();
    drop(conn);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 8192].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Room.level"));
    recorder.changes(NOON + 1, vec![number(id, 1.0)]).await;
    stop(recorder, thread).await;
    assert_eq!(numbers(dir.path()), [1.0]);
    assert_eq!(
        Store::open(dir.path())
            .unwrap()
            .damaged_days()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_damaged_file_that_cannot_be_moved_is_a_failing_store_and_no_flood_of_gaps() {
    let (disk, clock) = (SmallDisk::in_memory("size=4m"), TestClock::at(NOON));
    let (recorder, thread) = start(&disk.store(), &clock);
    let id = recorder.series(series("Room.level"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    recorder.flush().await.unwrap();
    let (file, rubbish) = (
        disk.store().join("events-2026-03-01.db"),
        disk.path().join("rubbish"),
    );
    spoil(&rubbish);
    // Nobody can rename what another file is mounted on.
    let covered = file.clone();
    recorder
        .pause_and(move |_| bind(&rubbish, &covered))
        .await
        .unwrap();
    clock.set(NOON + 1000);
    recorder.changes(NOON + 1000, vec![number(id, 2.0)]).await;
    until(&recorder, "it is said", |stats| {
        matches!(&stats.state, RecorderState::Failing { reason, .. } if reason.contains("cannot be moved aside"))
    })
    .await;
    for _ in 0..5 {
        recorder.flush().await.unwrap_err();
    }
    unmount(&file);
    until(&recorder, "it works again", |stats| {
        stats.state == RecorderState::Ok && stats.queued == 0
    })
    .await;
    assert_eq!(numbers(&disk.store()), [1.0, 2.0]);
    let store = Store::open(disk.store()).unwrap();
    assert!(store.damaged_days().unwrap().is_empty());
    assert_eq!(store.gaps(0, i64::MAX).unwrap(), []);
    stop(recorder, thread).await;
}
