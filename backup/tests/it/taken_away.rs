//! Another program takes the day file away that is being recorded, or the whole folder.

use std::path::Path;

use backup::{RecorderState, Store};

use crate::disks::until;
use crate::stage::{NOON, TestClock, all, number, numbers, series, start, stop};

#[tokio::test]
async fn a_store_whose_folder_is_removed_is_made_again_with_its_lock() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let dir = folder.path().join("events");
    let (recorder, thread) = start(&dir, &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    recorder.flush().await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    recorder.changes(NOON + 1, vec![number(id, 2.0)]).await;
    recorder.flush().await.unwrap();
    assert_eq!(numbers(&dir), [1.0, 2.0]);
    assert!(matches!(
        backup::StoreLock::take(&dir, backup::StoreUse::Import),
        Err(backup::Error::Locked { .. })
    ));
    stop(recorder, thread).await;
}

/// Takes away the day's file and what lies beside it, or the file alone.
fn remove_day(dir: &Path, names: &[&str]) {
    for end in names {
        std::fs::remove_file(dir.join(format!("events-2026-03-01.db{end}"))).unwrap();
    }
}

#[tokio::test]
async fn a_day_file_that_somebody_removes_is_put_back_whole() {
    for names in [&["", "-wal", "-shm"] as &[&str], &[""]] {
        let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
        let (recorder, thread) = start(dir.path(), &clock);
        let id = recorder.series(series("Lobby.gain"));
        for number_now in 0..300 {
            let value = f64::from(number_now);
            recorder.changes(NOON, vec![number(id, value)]).await;
        }
        recorder.flush().await.unwrap();
        let reader = Store::open(dir.path()).unwrap();
        let before = all(dir.path());
        remove_day(dir.path(), names);
        recorder.changes(NOON + 1, vec![number(id, -1.0)]).await;
        recorder.flush().await.unwrap();

        let after = all(dir.path());
        assert_eq!(after.len(), 301);
        assert_eq!(after[..300], before);
        assert_eq!(reader.gaps(0, i64::MAX).unwrap(), []);
        assert_eq!(reader.day_damage(reader.days().unwrap()[0]).unwrap(), None);
        // And again, with what came since.
        remove_day(dir.path(), names);
        recorder.changes(NOON + 2, vec![number(id, -2.0)]).await;
        stop(recorder, thread).await;
        assert_eq!(numbers(dir.path())[300..], [-1.0, -2.0]);
        assert_eq!(reader.gaps(0, i64::MAX).unwrap(), []);
    }
}

#[tokio::test]
async fn a_removed_day_file_that_cannot_be_put_back_is_begun_again_and_the_loss_is_a_gap() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    recorder.flush().await.unwrap();
    // A fresh file has this name first; here nothing can be written under it.
    let in_the_way = dir.path().join(".events-2026-03-01.db.new");
    std::fs::create_dir(&in_the_way).unwrap();
    remove_day(dir.path(), &["", "-wal", "-shm"]);
    recorder.changes(NOON + 1, vec![number(id, 2.0)]).await;
    assert!(recorder.flush().await.is_err());
    std::fs::remove_dir(&in_the_way).unwrap();
    until(&recorder, "it works again", |stats| {
        stats.state == RecorderState::Ok && stats.queued == 0
    })
    .await;
    assert_eq!(numbers(dir.path()), [2.0]);
    let gaps = Store::open(dir.path()).unwrap().gaps(0, i64::MAX).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].why.ends_with("was removed by another program"));
    stop(recorder, thread).await;
}

#[tokio::test]
async fn a_day_file_that_another_takes_the_place_of_is_gone_on_with_and_the_loss_is_a_gap() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    recorder.flush().await.unwrap();
    remove_day(dir.path(), &["-wal", "-shm"]);
    let other = dir.path().join("other");
    drop(backup::open_writer(&other).unwrap());
    std::fs::rename(&other, dir.path().join("events-2026-03-01.db")).unwrap();
    recorder.changes(NOON + 1, vec![number(id, 2.0)]).await;
    recorder.flush().await.unwrap();
    assert_eq!(numbers(dir.path()), [2.0]);
    let gaps = Store::open(dir.path()).unwrap().gaps(0, i64::MAX).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].why.ends_with("was replaced by another program"));
    stop(recorder, thread).await;
}

/// A power cut can leave a file without its content.
#[tokio::test]
async fn an_empty_day_file_is_a_damaged_one_today_and_in_the_past() {
    for lost in [0, 1] {
        let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
        let (recorder, thread) = start(dir.path(), &clock);
        let id = recorder.series(series("Lobby.gain"));
        recorder.changes(NOON, vec![number(id, 1.0)]).await;
        clock.set(NOON + 86_400_000);
        recorder
            .changes(NOON + 86_400_000, vec![number(id, 2.0)])
            .await;
        stop(recorder, thread).await;
        let store = Store::open(dir.path()).unwrap();
        let day = store.days().unwrap()[lost];
        std::fs::write(store.day_path(day), "").unwrap();
        assert_eq!(
            store.day_damage(day).unwrap().as_deref(),
            Some("an empty file")
        );
        let refused = backup::open_reader(&store.day_path(day)).unwrap_err();
        assert!(refused.damaged_file().is_some(), "{refused}");

        let (recorder, thread) = start(dir.path(), &clock);
        if lost == 0 {
            let asked = recorder.clone();
            let found = tokio::task::spawn_blocking(move || asked.examine(day));
            let found = found.await.unwrap().unwrap();
            assert_eq!(found.as_deref(), Some("an empty file"));
        }
        recorder.flush().await.unwrap();
        stop(recorder, thread).await;
        assert_eq!(store.damaged_days().unwrap()[0].day, day);
        let gaps = store.gaps(day.start_ms(), day.end_ms() - 1).unwrap();
        let told = |gap: &backup::Gap| gap.why.contains("an empty file");
        assert!(gaps.iter().any(told), "{gaps:?}");
    }
}

#[tokio::test]
async fn recording_waits_for_no_ledger() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    std::fs::create_dir(dir.path().join("ledger.jsonl")).unwrap();
    for round in 0..2 {
        let (recorder, thread) = start(dir.path(), &clock);
        let id = recorder.series(series("Lobby.gain"));
        let change = number(id, f64::from(round));
        recorder
            .changes(NOON + i64::from(round), vec![change])
            .await;
        recorder.flush().await.unwrap();
        stop(recorder, thread).await;
    }
    assert_eq!(numbers(dir.path()), [0.0, 1.0]);
}
