//! Another program writes over the day file that is being recorded.

use std::path::Path;

use backup::{Recorder, RecorderState, Store};

use crate::disks::spoil;
use crate::stage::{NOON, TestClock, number, numbers, series, start, stop};

/// Copies one file over another in place: the same file to the system, another content.
fn copy_over(from: &Path, to: &Path) {
    use std::os::unix::fs::MetadataExt;
    let place = |path: &Path| std::fs::metadata(path).unwrap().ino();
    let before = place(to);
    std::fs::copy(from, to).unwrap();
    assert_eq!(place(to), before);
}

#[tokio::test]
async fn a_day_file_copied_over_while_recording_is_moved_aside_before_anything_goes_into_it() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Room.level"));
    let file = dir.path().join("events-2026-03-01.db");
    let (older, other) = (dir.path().join("older"), tempfile::tempdir().unwrap());
    let (recorder_of_other, other_thread) = start(other.path(), &clock);
    let other_id = recorder_of_other.series(series("Other.level"));
    recorder_of_other
        .changes(NOON, vec![number(other_id, 77.0)])
        .await;
    stop(recorder_of_other, other_thread).await;

    // An older copy of itself with everything in the file, a sound day of another store, and no database at all.
    recorder.changes(NOON, vec![number(id, 0.0)]).await;
    recorder
        .pause_and({
            let (file, older) = (file.clone(), older.clone());
            move |_| std::fs::copy(file, older).unwrap()
        })
        .await
        .unwrap();
    let other_day = other.path().join("events-2026-03-01.db");
    let rubbish = dir.path().join("rubbish");
    spoil(&rubbish);
    for (round, content) in (1i64..).zip([&older, &other_day, &rubbish]) {
        let after = round as f64 + 0.5;
        let at = NOON + round * 1000;
        clock.set(at);
        // Some in the file, the last in its log.
        let many = (0..5000).map(|n| number(id, f64::from(n))).collect();
        recorder.changes(at, many).await;
        recorder.flush().await.unwrap();
        fold_log(&recorder).await;
        recorder.changes(at, vec![number(id, 0.25)]).await;
        recorder.flush().await.unwrap();
        copy_over(content, &file);
        clock.set(at + 1);
        recorder.changes(at + 1, vec![number(id, after)]).await;
        recorder.flush().await.unwrap();
        assert_eq!(numbers(dir.path()), [after], "round {round}");
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.damaged_days().unwrap().len(), round as usize);
        let gaps = store.gaps(0, i64::MAX).unwrap();
        assert!(
            gaps.iter()
                .any(|gap| gap.why.contains("another program wrote over it")),
            "{gaps:?}"
        );
        assert_eq!(recorder.stats().state, RecorderState::Ok);
    }
    stop(recorder, thread).await;
}

/// Folds the log into the file and opens the file anew.
async fn fold_log(recorder: &Recorder) {
    recorder.pause_and(|_| ()).await.unwrap();
}

#[tokio::test]
async fn a_day_file_that_somebody_wrote_to_and_left_whole_is_gone_on_with() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Room.level"));
    let file = dir.path().join("events-2026-03-01.db");
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    recorder.flush().await.unwrap();
    // By hand, and into the file itself.
    let by_hand = rusqlite::Connection::open(&file).unwrap();
    by_hand
        .execute_batch("UPDATE changes SET value = 5; PRAGMA wal_checkpoint(PASSIVE)")
        .unwrap();
    drop(by_hand);
    recorder.changes(NOON, vec![number(id, 2.0)]).await;
    recorder.flush().await.unwrap();
    std::fs::File::open(&file)
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    recorder.changes(NOON, vec![number(id, 3.0)]).await;
    // So much that SQLite folds the log into the file several times.
    for round in 0..4 {
        let many = (0..20_000)
            .map(|n| number(id, 10.5 + f64::from(round * 20_000 + n)))
            .collect();
        recorder.changes(NOON, many).await;
        recorder.flush().await.unwrap();
    }
    let log = std::fs::metadata(dir.path().join("events-2026-03-01.db-wal"))
        .unwrap()
        .len();
    assert!(
        log < 20 << 20,
        "the log is brought into the file: {log} bytes"
    );
    stop(recorder, thread).await;
    let store = Store::open(dir.path()).unwrap();
    assert!(store.damaged_days().unwrap().is_empty());
    assert!(store.gaps(0, i64::MAX).unwrap().is_empty());
    assert_eq!(numbers(dir.path()).len(), 80_003);
    assert_eq!(numbers(dir.path())[..3], [5.0, 2.0, 3.0]);
}
