//! What the store answers.

use backup::{EventId, Query, Store, Value};

use crate::stage::{NOON, TestClock, all, number, options, series, start, stop};

/// 120,000 changes of 40 controls over two hours, enough for several blocks and keyframes.
pub(crate) async fn busy_store(dir: &std::path::Path) {
    let clock = TestClock::at(NOON);
    let (recorder, thread) = backup::Recorder::start(
        dir,
        backup::RecorderOptions {
            keyframe_every: 30_000,
            ..options(&clock)
        },
    )
    .unwrap();
    let ids: Vec<_> = (0..40)
        .map(|n| recorder.series(series(&format!("Zone {n:02}.gain"))))
        .collect();
    for step in 0..1200i64 {
        let at = NOON + step * 6000;
        clock.set(at);
        // The first control moves rarely, the others all the time.
        let changes = (0..100).map(|n| {
            let control = if step % 300 == 0 && n == 0 {
                0
            } else {
                1 + (step as usize * 7 + n) % 39
            };
            number(ids[control], (step * 100) as f64 + n as f64)
        });
        recorder.changes(at, changes.collect()).await;
    }
    stop(recorder, thread).await;
}

#[tokio::test]
async fn a_big_day_answers_like_a_plain_scan() {
    let dir = tempfile::tempdir().unwrap();
    busy_store(dir.path()).await;
    let store = Store::open(dir.path()).unwrap();
    let everything = all(dir.path());
    assert_eq!(everything.len(), 120_000);
    assert_eq!(store.summary().unwrap().events, 120_000);

    for (glob, newest_first) in [
        ("Zone 00.*", false),
        ("Zone 00.*", true),
        ("Zone 1?.gain", false),
        ("Zone 39*", true),
    ] {
        for (since, until) in [(None, None), (Some(NOON + 600_000), Some(NOON + 5_000_000))] {
            let matching = |path: &str| match glob {
                "Zone 00.*" => path == "Zone 00.gain",
                "Zone 1?.gain" => path.starts_with("Zone 1"),
                _ => path == "Zone 39.gain",
            };
            let mut expected: Vec<EventId> = everything
                .iter()
                .filter(|event| matching(&event.series.path))
                .filter(|event| {
                    event.at_ms >= since.unwrap_or(0) && event.at_ms <= until.unwrap_or(i64::MAX)
                })
                .map(|event| event.id)
                .collect();
            if newest_first {
                expected.reverse();
            }
            let mut found = Vec::new();
            let mut query = Query {
                controls: vec![glob.into()],
                since_ms: since,
                until_ms: until,
                limit: 777,
                newest_first,
                after: None,
            };
            loop {
                let page = store.events(&query).unwrap();
                assert!(page.events.len() <= 777);
                found.extend(page.events.iter().map(|event| event.id));
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
            assert_eq!(found, expected, "{glob} {newest_first} {since:?}");
        }
    }

    for at in [
        NOON - 1,
        NOON,
        NOON + 59_999,
        NOON + 1_800_000,
        NOON + 3_333_333,
        NOON + 9_000_000,
    ] {
        let state = store.state_at(at).unwrap();
        for control in &state.controls {
            let last = everything
                .iter()
                .rfind(|event| event.series == control.series && event.at_ms <= at)
                .expect("only what was seen");
            assert_eq!(control.value, last.value, "{} at {at}", control.series.path);
        }
        let known: std::collections::HashSet<_> = everything
            .iter()
            .filter(|event| event.at_ms <= at)
            .map(|event| &event.series.path)
            .collect();
        assert_eq!(state.controls.len(), known.len());
    }

    let counts = store
        .counts_per_minute(&[], NOON + 60_000, NOON + 1_859_999)
        .unwrap();
    let mut expected = std::collections::BTreeMap::<(String, i64), u64>::new();
    for event in everything
        .iter()
        .filter(|event| (NOON + 60_000..=NOON + 1_859_999).contains(&event.at_ms))
    {
        *expected
            .entry((event.series.path.to_string(), event.at_ms / 60_000 * 60_000))
            .or_default() += 1;
    }
    let found: std::collections::BTreeMap<(String, i64), u64> = counts
        .iter()
        .flat_map(|control| {
            control
                .minutes
                .iter()
                .map(|(minute, count)| ((control.path.to_string(), *minute), *count))
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_diff_names_what_is_different_and_nothing_else() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let ids: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .map(|name| recorder.series(series(name)))
        .collect();
    recorder
        .keyframe(
            NOON,
            vec![
                number(ids[0], 1.0),
                number(ids[1], 1.0),
                number(ids[2], 1.0),
            ],
        )
        .await;
    clock.set(NOON + 1000);
    recorder
        .changes(
            NOON + 1000,
            vec![
                number(ids[0], 2.0),
                number(ids[1], 2.0),
                number(ids[3], 5.0),
            ],
        )
        .await;
    clock.set(NOON + 2000);
    recorder
        .changes(NOON + 2000, vec![number(ids[1], 1.0)])
        .await;
    stop(recorder, thread).await;
    let differences = Store::open(dir.path())
        .unwrap()
        .diff(NOON, NOON + 3000)
        .unwrap();
    let told: Vec<_> = differences
        .iter()
        .map(|d| {
            (
                d.before.as_ref().and_then(|s| s.value.clone()),
                d.after.as_ref().and_then(|s| s.value.clone()),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some(1.0.into()), Some(2.0.into())),
            (None, Some(Value::Number(5.0)))
        ]
    );
}

#[tokio::test]
async fn a_state_says_which_gaps_make_it_uncertain() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("a"));
    recorder.keyframe(NOON, vec![number(id, 1.0)]).await;
    clock.set(NOON + 5000);
    recorder.gap(NOON + 1000, NOON + 5000, "link down").await;
    recorder.keyframe(NOON + 5001, vec![number(id, 2.0)]).await;
    stop(recorder, thread).await;
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.state_at(NOON + 3000).unwrap().gaps.len(), 1);
    let healed = store.state_at(NOON + 6000).unwrap();
    assert!(healed.gaps.is_empty());
    assert_eq!(healed.controls[0].value, Some(Value::Number(2.0)));
}

#[test]
fn a_malformed_glob_is_an_error_that_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(dir.path())
        .unwrap()
        .events(&Query {
            controls: vec!["Lobby[".into()],
            ..Query::default()
        })
        .unwrap_err();
    assert!(error.to_string().contains("Lobby["), "{error}");
}
