//! What is recorded comes back as it was, and nothing that can go wrong stops it.

use backup::{Change, Error, RecorderState, Store, Value};
use proptest::prelude::*;

use crate::stage::{NOON, TestClock, all, change, number, numbers, series, start, stop};

#[tokio::test]
async fn every_kind_of_value_comes_back_to_the_bit() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    let wanted: Vec<Change> = [
        (
            Some(Value::Number(-6.0)),
            Some("-6.00dB"),
            Some(0.783_333_36),
        ),
        (Some(Value::Number(-0.0)), Some("-0"), Some(-0.0)),
        (Some(Value::Number(9_007_199_254_740_993.0)), None, None),
        (Some(Value::Number(0.1 + 0.2)), Some(""), Some(1.0)),
        (Some(Value::Bool(true)), Some("true"), Some(1.0)),
        (Some(Value::Bool(false)), Some("false"), Some(0.0)),
        (
            Some(Value::from("Grüße 🎛 \u{0} end")),
            Some("Grüße 🎛 \u{0} end"),
            None,
        ),
        (None, Some("only text"), None),
        (None, None, None),
    ]
    .into_iter()
    .map(|(value, string, position)| Change {
        series: id,
        value,
        string: string.map(Into::into),
        position,
    })
    .collect();
    recorder.changes(NOON, wanted.clone()).await;
    recorder.flush().await.unwrap();
    let found = all(dir.path());
    assert_eq!(found.len(), wanted.len());
    for (event, change) in found.iter().zip(&wanted) {
        assert_eq!(event.value, change.value);
        assert_eq!(event.string, change.string);
        assert_eq!(
            event.position.map(f64::to_bits),
            change.position.map(f64::to_bits)
        );
        assert_eq!(*event.series, series("Lobby.gain"));
        assert_eq!(event.at_ms, NOON);
    }
    let Some(Value::Number(zero)) = found[1].value else {
        panic!()
    };
    assert!(zero.is_sign_negative());
    assert_eq!(found[0].created_at(), "2026-03-01 12:00:00");
    stop(recorder, thread).await;
}

/// Values and strings that controls have, and some that no control has.
fn contents() -> impl Strategy<Value = Vec<(Option<Value>, Option<String>, Option<f64>)>> {
    let gain = (-1000i32..200).prop_map(|tenth| {
        let value = f64::from(tenth) / 10.0;
        let text = match value.abs() {
            0.0 => "0dB".to_owned(),
            size if size < 9.995 => format!("{value:.2}dB"),
            size if size < 99.95 => format!("{value:.1}dB"),
            _ => format!("{value:.0}dB"),
        };
        let position = ((((value + 100.0) / 120.0) as f32) as f64 * 1e8).trunc() / 1e8;
        (Some(Value::Number(value)), Some(text), Some(position))
    });
    let meter = (-120_000_000i64..20_000_000).prop_map(|micro| {
        let value = micro as f64 / 1e6;
        (
            Some(Value::Number(value)),
            Some(format!("{value:.1}dB")),
            None,
        )
    });
    let mute = any::<bool>().prop_map(|on| {
        let (value, text) = if on { (1.0, "muted") } else { (0.0, "unmuted") };
        (
            Some(Value::Number(value)),
            Some(text.to_owned()),
            Some(value),
        )
    });
    let odd = (
        prop_oneof![
            any::<f64>()
                .prop_filter("finite", |n| n.is_finite())
                .prop_map(|n| Some(Value::Number(n))),
            any::<bool>().prop_map(|b| Some(Value::Bool(b))),
            "\\PC{0,12}".prop_map(|text| Some(Value::Text(text.into()))),
            Just(None)
        ],
        proptest::option::of("\\PC{0,12}"),
        proptest::option::of(-2.0f64..2.0),
    );
    let same =
        "[a-z]{0,9}".prop_map(|text| (Some(Value::Text(text.as_str().into())), Some(text), None));
    prop_oneof![
        proptest::collection::vec(prop_oneof![9 => gain, 1 => odd.clone()], 1..60),
        proptest::collection::vec(prop_oneof![9 => meter, 1 => odd.clone()], 1..60),
        proptest::collection::vec(prop_oneof![9 => mute, 1 => odd.clone()], 1..60),
        proptest::collection::vec(prop_oneof![9 => same, 1 => odd], 1..60),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_library_and_the_view_give_back_what_went_in(contents in contents()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
        runtime.block_on(async {
            let (recorder, thread) = start(dir.path(), &clock);
            let id = recorder.series(series("A.b"));
            let changes = contents.iter().map(|(value, string, position)| Change {
                series: id, value: value.clone(), string: string.as_deref().map(Into::into), position: *position,
            });
            recorder.changes(NOON, changes.collect()).await;
            stop(recorder, thread).await;
        });
        let store = Store::open(dir.path()).unwrap();
        let view = store.day_reader(store.days().unwrap()[0]).unwrap();
        let mut rows = view.prepare("SELECT value, string_value, position, kind, id FROM events ORDER BY id").unwrap();
        let mut rows = rows.query([]).unwrap();
        for (event, (value, string, position)) in all(dir.path()).iter().zip(&contents) {
            prop_assert_eq!(&event.value, value);
            prop_assert_eq!(event.string.as_deref(), string.as_deref());
            prop_assert_eq!(event.position.map(f64::to_bits), position.map(f64::to_bits));
            let row = rows.next().unwrap().unwrap();
            prop_assert_eq!(row.get::<_, i64>(4).unwrap(), event.id.0);
            prop_assert_eq!(row.get::<_, Option<String>>(1).unwrap(), string.clone());
            prop_assert_eq!(row.get::<_, Option<f64>>(2).unwrap().map(f64::to_bits), position.map(f64::to_bits));
            let kind = row.get::<_, Option<String>>(3).unwrap();
            match value {
                Some(Value::Number(n)) => {
                    prop_assert_eq!(kind.as_deref(), Some("number"));
                    prop_assert_eq!(row.get::<_, f64>(0).unwrap().to_bits(), n.to_bits());
                }
                Some(Value::Bool(b)) => {
                    prop_assert_eq!(kind.as_deref(), Some("bool"));
                    prop_assert_eq!(row.get::<_, f64>(0).unwrap(), f64::from(*b));
                }
                Some(Value::Text(text)) => {
                    prop_assert_eq!(kind.as_deref(), Some("text"));
                    prop_assert_eq!(row.get::<_, String>(0).unwrap(), text.as_str());
                }
                None => prop_assert_eq!(kind, None),
            }
        }
        prop_assert!(rows.next().unwrap().is_none());
    }
}

#[tokio::test]
async fn a_poisonous_change_is_quarantined_and_stops_nobody() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    let long: String = "x".repeat(2 << 20);
    let changes = vec![
        number(id, 1.0),
        number(id, f64::NAN),
        number(id, f64::INFINITY),
        Change {
            series: id,
            value: Some(Value::from(long.as_str())),
            string: None,
            position: None,
        },
        Change {
            series: id,
            value: None,
            string: None,
            position: Some(f64::NEG_INFINITY),
        },
        number(id, 2.0),
    ];
    recorder.changes(NOON, changes).await;
    recorder.changes(-5, vec![number(id, 3.0)]).await;
    recorder.flush().await.unwrap();
    assert_eq!(numbers(dir.path()), [1.0, 2.0]);
    let stats = recorder.stats();
    assert_eq!(
        (
            stats.committed,
            stats.quarantined,
            stats.queued,
            stats.dropped
        ),
        (2, 5, 0, 0)
    );
    let store = Store::open(dir.path()).unwrap();
    let reasons: Vec<String> = store
        .quarantined()
        .unwrap()
        .into_iter()
        .map(|poison| poison.reason)
        .collect();
    assert_eq!(reasons.len(), 5);
    assert!(
        reasons[0].contains("NaN")
            && reasons[2].contains("2097152 bytes")
            && reasons[4].contains("-5 ms")
    );
    stop(recorder, thread).await;
}

#[tokio::test]
async fn a_second_recorder_is_refused_with_the_first_ones_pid() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    match backup::Recorder::start(dir.path(), crate::stage::options(&clock)) {
        Err(Error::Locked { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
    stop(recorder, thread).await;
    let (recorder, thread) = start(dir.path(), &clock);
    stop(recorder, thread).await;
}

#[tokio::test]
async fn the_time_between_two_runs_is_a_gap() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    stop(recorder, thread).await;
    clock.set(NOON + 60_000);
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder
        .keyframe(NOON + 61_000, vec![number(id, 2.0)])
        .await;
    recorder.flush().await.unwrap();
    let gaps = Store::open(dir.path()).unwrap().gaps(0, i64::MAX).unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].from_ms, gaps[0].to_ms), (NOON, NOON + 61_000));
    assert_eq!(gaps[0].why, "the agent was not running");
    assert_eq!(recorder.stats().gaps, 1);
    stop(recorder, thread).await;
}

#[tokio::test]
async fn stopping_commits_what_was_accepted() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    for i in 0..5000 {
        recorder.changes(NOON + i, vec![number(id, i as f64)]).await;
    }
    let watcher = recorder.clone();
    stop(recorder, thread).await;
    assert_eq!(
        numbers(dir.path()),
        (0..5000).map(f64::from).collect::<Vec<_>>()
    );
    assert_eq!(watcher.stats().state, RecorderState::Stopped);
    assert!(matches!(watcher.flush().await, Err(Error::Stopped)));
    assert!(!dir.path().join("events-2026-03-01.db-wal").exists());
}

#[tokio::test]
async fn a_paused_recorder_lets_files_be_replaced_and_says_what_is_missing_since() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("Lobby.gain"));
    let file = dir.path().join("events-2026-03-01.db");
    let kept = dir.path().join("kept");
    recorder
        .changes(NOON, vec![change(id, -6.0, "-6.00dB", 0.5)])
        .await;
    let (from, to) = (file.clone(), kept.clone());
    recorder
        .pause_and(move |_| std::fs::copy(from, to).unwrap())
        .await
        .unwrap();
    clock.set(NOON + 10_000);
    recorder
        .changes(NOON + 10_000, vec![change(id, -7.0, "-7.00dB", 0.4)])
        .await;
    let seen = recorder.pause_and(move |dir| {
        assert!(
            !dir.join("events-2026-03-01.db-wal").exists(),
            "the log was folded in"
        );
        std::fs::rename(kept, file).unwrap();
        42
    });
    assert_eq!(seen.await.unwrap(), 42);
    clock.set(NOON + 20_000);
    recorder
        .changes(NOON + 20_000, vec![change(id, -8.0, "-8.00dB", 0.3)])
        .await;
    recorder.flush().await.unwrap();
    assert_eq!(numbers(dir.path()), [-6.0, -8.0]);
    let store = Store::open(dir.path()).unwrap();
    let gaps = store.gaps(0, i64::MAX).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!((gaps[0].from_ms, gaps[0].to_ms), (NOON, NOON + 10_000));
    // The keyframe after the restore knows what the room really was.
    let state = store.state_at(NOON + 15_000).unwrap();
    assert_eq!(state.controls[0].value, Some(Value::Number(-7.0)));
    stop(recorder, thread).await;
}

#[tokio::test]
async fn backups_of_a_quiet_room_add_nothing_to_the_one_before() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(&dir.path().join("events"), &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    let archive = backup::Archive::open(dir.path().join("backups")).unwrap();
    let mut files = Vec::new();
    for round in 0..4 {
        // The gap is the last thing in the day from the second round on.
        if round == 1 {
            let (from, to) = (NOON + 1, NOON + 2);
            recorder.gap(from, to, "the link was down").await;
        }
        recorder.flush().await.unwrap();
        let store = Store::open(dir.path().join("events")).unwrap();
        let made = archive.backup(&store, &[], &()).unwrap();
        let manifest = dir.path().join(format!("backups/backup-{}.json", made.id));
        let manifest = std::fs::read_to_string(manifest).unwrap();
        files.push(manifest.matches("days/events-").count());
    }
    assert_eq!(files, [1, 2, 2, 2]);
    stop(recorder, thread).await;
}
