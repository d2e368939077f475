//! Midnight, clock steps, sleep and leap days: nothing lost, doubled, reordered or put into the wrong day.

use backup::{Day, EventId, Store};
use proptest::prelude::*;

use crate::stage::{TestClock, all, number, numbers, series, start, stop};

const HOUR: i64 = 3_600_000;

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future);
}

#[test]
fn midnight_begins_a_new_file_that_knows_the_state() {
    let midnight = "2028-02-29".parse::<Day>().unwrap().end_ms();
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(midnight - 10));
    block_on(async {
        let (recorder, thread) = start(dir.path(), &clock);
        let (a, b) = (
            recorder.series(series("A.a")),
            recorder.series(series("B.b")),
        );
        recorder
            .changes(midnight - 1, vec![number(a, 1.0), number(b, 2.0)])
            .await;
        clock.set(midnight + 5);
        recorder.changes(midnight, vec![number(a, 3.0)]).await;
        stop(recorder, thread).await;
    });
    let store = Store::open(dir.path()).unwrap();
    let days: Vec<String> = store.days().unwrap().iter().map(Day::to_string).collect();
    assert_eq!(days, ["2028-02-29", "2028-03-01"]);
    // The day before is closed and complete in itself; the new one can be read without it.
    std::fs::remove_file(store.day_path(days[0].parse().unwrap())).unwrap();
    let state = store.state_at(midnight + 1).unwrap();
    let values: Vec<_> = state
        .controls
        .iter()
        .map(|c| (c.series.path.as_str(), c.value.clone()))
        .collect();
    assert_eq!(
        values,
        [("A.a", Some(3.0.into())), ("B.b", Some(2.0.into()))]
    );
    assert_eq!(store.state_at(midnight - 1).unwrap().controls.len(), 0);
}

#[derive(Debug, Clone)]
enum Step {
    /// The clock moves (backwards too) and something happens.
    Move(i64),
    /// The program is started anew.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0i64..500).prop_map(Step::Move),
        2 => (-HOUR..=HOUR).prop_map(Step::Move),
        1 => Just(Step::Move(HOUR)),
        1 => Just(Step::Move(-HOUR)),
        1 => (0i64..40 * HOUR).prop_map(Step::Move),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_clock_does_no_event_is_lost_doubled_or_misplaced(
        begin in prop_oneof![Just("2027-12-31"), Just("2028-02-28"), Just("2026-03-29")],
        offset in 0i64..24 * HOUR,
        steps in steps(),
    ) {
        let mut now = begin.parse::<Day>().unwrap().start_ms() + offset;
        let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(now));
        let mut walls = Vec::new();
        block_on(async {
            let (mut recorder, mut thread) = start(dir.path(), &clock);
            for step in &steps {
                match step {
                    Step::Move(by) => {
                        now += by;
                        clock.set(now);
                        let id = recorder.series(series("A.a"));
                        recorder.changes(now, vec![number(id, walls.len() as f64)]).await;
                        walls.push(now);
                        if by % 3 == 0 {
                            recorder.flush().await.unwrap();
                        }
                    }
                    Step::Restart => {
                        stop(recorder, thread).await;
                        (recorder, thread) = start(dir.path(), &clock);
                    }
                }
            }
            stop(recorder, thread).await;
        });
        let events = all(dir.path());
        prop_assert_eq!(numbers(dir.path()), (0..walls.len()).map(|n| n as f64).collect::<Vec<_>>());
        prop_assert_eq!(events.iter().map(|event| event.at_ms).collect::<Vec<_>>(), walls);
        let store = Store::open(dir.path()).unwrap();
        let mut filed = 0;
        for day in store.days().unwrap() {
            let file = store.day_reader(day).unwrap();
            let mut query = file.prepare("SELECT id FROM changes").unwrap();
            let ids = query.query_map([], |row| row.get(0)).unwrap();
            let inside: Vec<EventId> = ids.map(|id| EventId(id.unwrap())).collect();
            prop_assert_eq!(inside.len() as u64, store.day_summary(day).unwrap().events);
            prop_assert!(inside.iter().all(|id| id.day() == day));
            filed += inside.len();
        }
        prop_assert_eq!(filed, events.len());
    }
}

#[test]
fn a_step_of_the_clock_becomes_a_row_of_the_record_and_stays_one_through_backup_and_restore() {
    let dir = tempfile::tempdir().unwrap();
    let (events, noon) = (dir.path().join("events"), crate::stage::NOON);
    let clock = TestClock::at(noon);
    block_on(async {
        let (mut recorder, mut thread) = start(&events, &clock);
        let moves = [
            (noon, false),
            (noon - HOUR, false),
            (noon - HOUR + 500, false),
            (noon + HOUR, false),
            // The machine starts with an empty battery.
            (noon - 50_000 * HOUR, true),
        ];
        for (at_ms, restart) in moves {
            if restart {
                stop(recorder, thread).await;
                clock.set(at_ms);
                (recorder, thread) = start(&events, &clock);
            }
            clock.set(at_ms);
            let id = recorder.series(series("A.a"));
            recorder.changes(at_ms, vec![number(id, 1.0)]).await;
            recorder.flush().await.unwrap();
        }
        stop(recorder, thread).await;
    });
    let store = Store::open(&events).unwrap();
    let steps = store.clock_steps().unwrap();
    let seen: Vec<(i64, i64)> = steps
        .iter()
        .map(|step| (step.from_ms, step.to_ms))
        .collect();
    // The test's clock stands still between its steps, the machine's counter does not.
    let near = |a: i64, b: i64| a.abs_diff(b) < 600_000;
    let expected = [
        (noon, noon - HOUR),
        (noon - HOUR, noon + HOUR),
        (noon + HOUR, noon - 50_000 * HOUR),
    ];
    assert_eq!(seen.len(), 3, "{steps:?}");
    for (seen, expected) in seen.iter().zip(expected) {
        assert!(
            near(seen.0, expected.0) && seen.1 == expected.1,
            "{steps:?}"
        );
    }
    assert_eq!(steps[2].how, "the clock is before the end of the record");
    assert_eq!(all(&events).len(), 5);

    let archive = backup::Archive::open(dir.path().join("backups")).unwrap();
    archive.backup(&store, &[], &()).unwrap();
    let target = dir.path().join("restored");
    let plan = archive.plan(backup::RestoreSource::Latest, None, &target);
    plan.unwrap().build(&()).unwrap().swap().unwrap();
    assert_eq!(Store::open(&target).unwrap().clock_steps().unwrap(), steps);
}
