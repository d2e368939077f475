//! What a day file knows besides its events goes with them: gaps, and what every control held.

use std::path::{Path, PathBuf};

use backup::{Destination, Store, import};

use crate::stage::{NOON, TestClock, number, series, start, stop};

/// A day with controls that never changed, and a gap after which some had other values. Gives its file.
async fn recorded(dir: &Path) -> PathBuf {
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(dir, &clock);
    let ids: Vec<_> = ["A.moving", "B.still", "C.changed_unseen"]
        .map(|path| recorder.series(series(path)))
        .into();
    let states = |last: f64| {
        vec![
            number(ids[0], 1.0),
            number(ids[1], 20.0),
            number(ids[2], last),
        ]
    };
    recorder.keyframe(NOON, states(30.0)).await;
    recorder
        .changes(NOON + 1000, vec![number(ids[0], 2.0)])
        .await;
    clock.set(NOON + 5000);
    recorder
        .gap(NOON + 2000, NOON + 5000, "the Core was away")
        .await;
    recorder.keyframe(NOON + 5000, states(31.0)).await;
    recorder
        .changes(NOON + 6000, vec![number(ids[0], 3.0)])
        .await;
    stop(recorder, thread).await;
    Store::open(dir)
        .unwrap()
        .day_path("2026-03-01".parse().unwrap())
}

fn moments() -> impl Iterator<Item = i64> {
    (0..8).map(|second| NOON + second * 1000 + 500)
}

/// Each control's path and content at a moment.
fn state(dir: &Path, at_ms: i64) -> Vec<String> {
    let state = Store::open(dir).unwrap().state_at(at_ms).unwrap();
    let content =
        |control: &backup::ControlState| format!("{} {:?}", control.series.path, control.value);
    let mut controls: Vec<String> = state.controls.iter().map(content).collect();
    controls.sort();
    controls
}

#[tokio::test]
async fn an_imported_day_knows_every_moment_as_the_recorded_one_did() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = recorded(from.path()).await;
    for round in 0..2 {
        let report = import(Destination::Folder(into.path()), &file).unwrap();
        assert_eq!(report.added, if round == 0 { 2 } else { 0 });
        let gaps = |dir: &Path| Store::open(dir).unwrap().gaps(0, i64::MAX).unwrap();
        assert_eq!(gaps(into.path()).len(), 1);
        assert_eq!(gaps(into.path()), gaps(from.path()));
        assert_eq!(state(from.path(), NOON + 7500).len(), 3);
        for at in moments() {
            assert_eq!(
                state(into.path(), at),
                state(from.path(), at),
                "at {at}, round {round}"
            );
        }
    }
}

#[tokio::test]
async fn a_running_recorder_takes_an_earlier_day_with_all_it_knows() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = recorded(from.path()).await;
    let clock = TestClock::at(NOON + 86_400_000);
    let (recorder, thread) = start(into.path(), &clock);
    let id = recorder.series(series("A.moving"));
    recorder
        .changes(NOON + 86_400_000, vec![number(id, 9.0)])
        .await;
    let importing = recorder.clone();
    tokio::task::spawn_blocking(move || import(Destination::Recorder(&importing), &file).unwrap())
        .await
        .unwrap();
    stop(recorder, thread).await;
    for at in moments() {
        assert_eq!(state(into.path(), at), state(from.path(), at), "at {at}");
    }
}

#[tokio::test]
async fn what_the_store_knows_itself_is_not_hidden_by_an_imported_state() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = recorded(from.path()).await;
    let clock = TestClock::at(NOON - 1000);
    let (recorder, thread) = start(into.path(), &clock);
    let own = recorder.series(series("Z.own"));
    recorder
        .keyframe(NOON - 1000, vec![number(own, 70.0)])
        .await;
    recorder.changes(NOON + 9000, vec![number(own, 71.0)]).await;
    stop(recorder, thread).await;
    import(Destination::Folder(into.path()), &file).unwrap();
    for at in moments() {
        let known = state(into.path(), at);
        assert!(
            known.contains(&"Z.own Some(Number(70.0))".to_owned()),
            "{at}: {known:?}"
        );
    }
    assert!(state(into.path(), NOON + 1500).contains(&"A.moving Some(Number(2.0))".to_owned()));
}
