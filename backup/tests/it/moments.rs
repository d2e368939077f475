//! Moments: whatever the clock does, a moment means the same in every answer, and nothing before it is missing unsaid.

use std::collections::BTreeMap;
use std::path::Path;

use backup::{
    Archive, At, Day, ExportOptions, Format, Query, RestorePlan, RestoreSource, Store, Value,
    export,
};
use proptest::prelude::*;

use crate::stage::{NOON, TestClock, all, number, series, start, stop};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600_000;
const CONTROLS: [&str; 3] = ["A.a", "B.b", "C.c"];

/// A record as it is remembered: the wall time of each event; the n-th sets a control to n.
type Model = Vec<i64>;

/// How many events a moment means: up to the last that is not later.
fn meant(model: &Model, ms: i64) -> usize {
    let last = model.iter().rposition(|wall| *wall <= ms);
    last.map_or(0, |place| place + 1)
}

/// How often a moment happened, and whether it is within a second of a step.
fn times(model: &Model, ms: i64) -> (usize, bool) {
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    for wall in model {
        match stretches.last_mut() {
            Some((_, high)) if (-SECOND..=24 * HOUR).contains(&(wall - *high)) => {
                *high = *wall.max(high);
            }
            _ => stretches.push((*wall, *wall)),
        }
    }
    let ends = stretches.iter().flat_map(|(low, high)| [low, high]);
    let near_a_step = ends.into_iter().any(|end| ms.abs_diff(*end) <= 1_000);
    let Some(meant) = stretches.iter().rposition(|(low, _)| *low <= ms) else {
        return (0, near_a_step);
    };
    let reached = |(low, high): &&(i64, i64)| (*low..=*high).contains(&ms);
    (
        stretches[..meant].iter().filter(reached).count() + 1,
        near_a_step,
    )
}

fn control(n: usize) -> &'static str {
    CONTROLS[n % CONTROLS.len()]
}

#[derive(Debug, Clone)]
enum Step {
    /// The clock moves (backwards too), and so many things happen.
    Move(i64, usize),
    /// The program is started anew.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let by = prop_oneof![
        6 => 0i64..5 * SECOND,
        2 => -HOUR..=HOUR,
        1 => -30 * HOUR..30 * HOUR,
        1 => Just(-HOUR),
        1 => 0i64..40 * HOUR,
    ];
    let step = prop_oneof![
        9 => (by, 1usize..5).prop_map(|(by, events)| Step::Move(by, events)),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..30)
}

/// Records what the steps say; gives what is remembered of it.
fn record(dir: &Path, begin: i64, steps: &[Step]) -> Model {
    let mut model = Model::new();
    record_on(dir, begin, &mut model, steps);
    model
}

/// The same after what is remembered.
fn record_on(dir: &Path, begin: i64, model: &mut Model, steps: &[Step]) {
    let mut now = begin;
    let clock = TestClock::at(now);
    let run = async {
        let (mut recorder, mut thread) = start(dir, &clock);
        for step in steps {
            match step {
                Step::Move(by, events) => {
                    now += by;
                    clock.set(now);
                    for _ in 0..*events {
                        let id = recorder.series(series(control(model.len())));
                        let change = number(id, model.len() as f64);
                        recorder.changes(now, vec![change]).await;
                        model.push(now);
                    }
                    // The writer sees the clock as it stands now.
                    recorder.flush().await.unwrap();
                }
                Step::Restart => {
                    stop(recorder, thread).await;
                    (recorder, thread) = start(dir, &clock);
                }
            }
        }
        stop(recorder, thread).await;
    };
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(run);
}

fn numbers_in(store: &Store, since_ms: Option<i64>, until_ms: Option<i64>) -> Vec<usize> {
    let query = Query {
        since_ms,
        until_ms,
        limit: usize::MAX,
        ..Query::default()
    };
    let events = store.events(&query).unwrap().events.into_iter();
    events
        .map(|event| match event.value {
            Some(Value::Number(number)) => number as usize,
            other => panic!("no number: {other:?}"),
        })
        .collect()
}

fn state_of(store: &Store, at: impl Into<At>) -> BTreeMap<String, usize> {
    let controls = store.state_at(at).unwrap().controls.into_iter();
    controls
        .map(|control| match control.value {
            Some(Value::Number(number)) => (control.series.path.to_string(), number as usize),
            other => panic!("no number: {other:?}"),
        })
        .collect()
}

/// The state after so many events.
fn state_after(events: usize) -> BTreeMap<String, usize> {
    (0..events).map(|n| (control(n).to_owned(), n)).collect()
}

fn moments(model: &Model, seed: &[prop::sample::Index]) -> Vec<i64> {
    let offsets = [0, -1, 1, 700, -700, 1_500, HOUR, -HOUR];
    let near = |index: &prop::sample::Index| model[index.index(model.len())];
    let mut moments: Vec<i64> = seed
        .iter()
        .zip(offsets.iter().cycle())
        .map(|(index, offset)| near(index) + offset)
        .collect();
    moments.extend([0, i64::MAX]);
    moments
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_moment_means_the_same_in_state_events_and_exports(
        begin in prop_oneof![Just("2026-02-27"), Just("2026-03-29")],
        offset in 0i64..24 * HOUR,
        steps in steps(),
        picked in proptest::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let begin = begin.parse::<Day>().unwrap().start_ms() + offset;
        let model = record(dir.path(), begin, &steps);
        prop_assume!(!model.is_empty());
        let store = Store::open(dir.path()).unwrap();
        for ms in moments(&model, &picked) {
            let events = meant(&model, ms);
            prop_assert_eq!(numbers_in(&store, None, Some(ms)), (0..events).collect::<Vec<_>>(), "until {}", ms);
            prop_assert_eq!(state_of(&store, ms), state_after(events), "state at {}", ms);
            let after = meant(&model, ms.saturating_sub(1));
            prop_assert_eq!(numbers_in(&store, Some(ms), None), (after..model.len()).collect::<Vec<_>>(), "since {}", ms);
            let options = ExportOptions {
                since_ms: None, until_ms: Some(ms), format: Format::JsonLines, gz: false, exported_at_ms: 0,
            };
            let mut out = Vec::new();
            prop_assert_eq!(export(&store, &options, &mut out).unwrap(), events as u64);
            let repeated = store.repeated(ms).unwrap();
            if let Some(repeated) = &repeated {
                prop_assert_eq!((repeated.at_ms, repeated.shown), (ms, repeated.times));
                for time in 1..repeated.times {
                    let at = At { ms, time: Some(time) };
                    let earlier = store.repeated(at).unwrap().unwrap();
                    prop_assert_eq!((earlier.shown, earlier.times), (time, repeated.times));
                    // A prefix of the record that ends with an event not later.
                    let state = state_of(&store, at);
                    let last = state.values().max().copied().unwrap();
                    prop_assert!(last + 1 < events && model[last] <= ms);
                    prop_assert_eq!(state, state_after(last + 1));
                }
                let too_many = At { ms, time: Some(repeated.times + 1) };
                prop_assert!(store.state_at(too_many).is_err());
            }
            let (times, near_a_step) = times(&model, ms);
            if !near_a_step {
                prop_assert_eq!(repeated.map_or(1, |repeated| repeated.times), times.max(1), "at {}", ms);
            }
        }
    }
}

/// Restores into a folder of its own; gives the numbers that come back.
fn restored(plan: RestorePlan) -> Vec<usize> {
    let target = plan.target.clone();
    plan.build(&()).unwrap().swap().unwrap();
    numbers_in(&Store::open(target).unwrap(), None, None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_restore_to_a_moment_brings_back_what_the_moment_means(
        offset in 0i64..24 * HOUR,
        parts in proptest::collection::vec(steps(), 3),
        picked in proptest::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (events, mut model) = (dir.path().join("events"), Model::new());
        let archive = Archive::open(dir.path().join("backups")).unwrap();
        let mut now = NOON + offset;
        for (n, steps) in parts.iter().enumerate() {
            record_on(&events, now, &mut model, steps);
            now = model.last().copied().unwrap_or(now);
            prop_assume!(!model.is_empty());
            let store = Store::open(&events).unwrap();
            if n < 2 {
                archive.backup(&store, &[], &()).unwrap();
            } else {
                let mut shipper = archive.ship(&store).unwrap();
                while shipper.step().unwrap().more {}
            }
        }
        let range = archive.recoverable().unwrap().unwrap();
        let (low, high) = (*model.iter().min().unwrap(), *model.iter().max().unwrap());
        prop_assert!(range.from_ms <= low && high <= range.to_ms);
        for (n, ms) in moments(&model, &picked).into_iter().enumerate() {
            let target = dir.path().join(format!("restored-{n}"));
            let plan = archive.plan(RestoreSource::Latest, Some(ms), &target);
            if !(low..=high).contains(&ms) {
                // In between it is to a second.
                prop_assert!(plan.is_ok() || ms < low || ms > range.to_ms);
                continue;
            }
            let (plan, meant) = (plan.unwrap(), meant(&model, ms));
            prop_assert_eq!((plan.events, plan.would_restore_to_ms), (meant as u64, Some(ms)));
            let told = Store::open(&events).unwrap().repeated(ms).unwrap().map(|told| told.to_string());
            prop_assert_eq!(told.is_some(), plan.notes.iter().any(|note| Some(note) == told.as_ref()));
            prop_assert_eq!(restored(plan), (0..meant).collect::<Vec<_>>(), "to {}", ms);
        }
    }
}

#[test]
fn after_a_step_back_no_restore_misses_what_was_before_its_moment() {
    for back in [20 * SECOND, HOUR] {
        let dir = tempfile::tempdir().unwrap();
        let events = dir.path().join("events");
        let archive = Archive::open(dir.path().join("backups")).unwrap();
        let mut model = Model::new();
        let seconds = |n| (0..n).map(|_| Step::Move(SECOND, 3)).collect::<Vec<_>>();
        record_on(&events, NOON, &mut model, &seconds(40));
        archive
            .backup(&Store::open(&events).unwrap(), &[], &())
            .unwrap();
        let back_at = NOON + 40 * SECOND - back;
        record_on(&events, back_at, &mut model, &seconds(10));
        let store = Store::open(&events).unwrap();
        let mut shipper = archive.ship(&store).unwrap();
        while shipper.step().unwrap().more {}
        let at = back_at + 10 * SECOND;
        assert_eq!(meant(&model, at), 150);
        for source in [
            RestoreSource::Latest,
            RestoreSource::Id(archive.list().unwrap()[0].id.clone()),
        ] {
            let target = dir
                .path()
                .join(format!("{}", source == RestoreSource::Latest));
            let plan = archive.plan(source, Some(at), &target).unwrap();
            assert_eq!(plan.events, 150);
            assert_eq!(restored(plan).len(), 150);
        }
        assert_eq!(state_of(&store, at), state_after(150));
        let range = archive.recoverable().unwrap().unwrap();
        assert!(range.from_ms <= back_at + SECOND && range.to_ms >= NOON + 40 * SECOND);
    }
}

#[test]
fn an_hour_that_happened_twice_is_told_and_both_times_can_be_had() {
    let dir = tempfile::tempdir().unwrap();
    // 12:00 to 13:00, a minute apart; back by half an hour; 12:30 to 13:30.
    let mut steps = vec![Step::Move(0, 1)];
    steps.extend((0..60).map(|_| Step::Move(60 * SECOND, 1)));
    steps.push(Step::Move(-HOUR / 2, 1));
    steps.extend((0..60).map(|_| Step::Move(60 * SECOND, 1)));
    let model = record(dir.path(), NOON, &steps);
    assert_eq!(model.len(), 122);
    let store = Store::open(dir.path()).unwrap();
    let at = NOON + 45 * 60 * SECOND;
    let told = store.repeated(at).unwrap().unwrap();
    assert_eq!((told.times, told.shown), (2, 2));
    assert_eq!(told.set_back_ms, (NOON + HOUR, NOON + HOUR / 2));
    assert_eq!(
        told.to_string(),
        "2026-03-01 12:45:00 UTC happened 2 times, as the clock was set back from 2026-03-01 13:00:00 to \
         2026-03-01 12:30:00; this is time 2, with all that was recorded before it: @1 to @2 behind a moment chooses"
    );
    assert_eq!(state_of(&store, at), state_after(61 + 16));
    let first = At {
        ms: at,
        time: Some(1),
    };
    assert_eq!(state_of(&store, first), state_after(46));
    assert_eq!(store.repeated(NOON + 29 * 60 * SECOND).unwrap(), None);
    assert_eq!(store.repeated(NOON + 61 * 60 * SECOND).unwrap(), None);
    // A restore, too, goes to either.
    let archive = Archive::open(dir.path().join("backups")).unwrap();
    archive.backup(&store, &[], &()).unwrap();
    for (at, events) in [(At::from(at), 61 + 16), (first, 46)] {
        let target = dir.path().join(format!("restored-{events}"));
        let plan = archive
            .plan_to(RestoreSource::Latest, Some(at), &target)
            .unwrap();
        assert!(
            plan.notes[0].contains("happened 2 times"),
            "{:?}",
            plan.notes
        );
        assert_eq!(restored(plan), (0..events).collect::<Vec<_>>());
    }
    // What changed between the two times of one moment.
    let between = store.diff(first, at).unwrap();
    assert_eq!(between.len(), 3);
    // Plots count by the clock on the wall.
    let minutes: u64 = store
        .counts_per_minute(&[], at, at + 60 * SECOND - 1)
        .unwrap()
        .iter()
        .flat_map(|control| &control.minutes)
        .filter(|(minute, _)| *minute == at)
        .map(|(_, count)| count)
        .sum();
    assert_eq!(minutes, 1);
}

#[test]
fn seconds_in_another_year_are_no_second_time_of_any_moment_after_them() {
    let dir = tempfile::tempdir().unwrap();
    let year = 365 * 24 * HOUR;
    let steps = [
        Step::Move(0, 2),
        Step::Move(SECOND, 2),
        Step::Move(14 * year, 1),
        Step::Move(SECOND, 1),
        Step::Move(-14 * year, 2),
        Step::Move(60 * SECOND, 2),
    ];
    let model = record(dir.path(), NOON, &steps);
    let store = Store::open(dir.path()).unwrap();
    for (ms, events) in [
        (NOON + SECOND, 4),
        (NOON + 2 * SECOND, 8),
        (NOON + 62 * SECOND, 10),
    ] {
        assert_eq!(meant(&model, ms), events);
        assert_eq!(state_of(&store, ms), state_after(events), "{ms}");
        assert_eq!(store.repeated(ms).unwrap(), None);
    }
    assert_eq!(all(dir.path()).len(), 10);
}
