//! What the tests stand on: a folder, a clock that can be stepped, and short ways to say what happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backup::{
    Change, Clock, Event, Query, Recorder, RecorderOptions, RecorderThread, Series, SeriesId,
    Store, Value,
};

/// 2026-03-01T12:00:00Z.
pub(crate) const NOON: i64 = 1_772_366_400_000;

/// A clock that stands until it is set.
#[derive(Debug, Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(ms: i64) -> TestClock {
        TestClock(Arc::new(AtomicI64::new(ms)))
    }

    pub(crate) fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn series(path: &str) -> Series {
    let (component, control) = path.split_once('.').unwrap_or(("", path));
    Series {
        change_group: "desk".into(),
        path: path.into(),
        component: component.into(),
        control: control.into(),
        source: "qrc".into(),
    }
}

pub(crate) fn change(series: SeriesId, value: f64, string: &str, position: f64) -> Change {
    Change {
        series,
        value: Some(Value::Number(value)),
        string: Some(string.into()),
        position: Some(position),
    }
}

pub(crate) fn number(series: SeriesId, value: f64) -> Change {
    Change {
        series,
        value: Some(Value::Number(value)),
        string: None,
        position: None,
    }
}

pub(crate) fn options(clock: &TestClock) -> RecorderOptions {
    RecorderOptions {
        clock: Arc::new(clock.clone()),
        ..RecorderOptions::default()
    }
}

pub(crate) fn start(dir: &std::path::Path, clock: &TestClock) -> (Recorder, RecorderThread) {
    Recorder::start(dir, options(clock)).unwrap()
}

pub(crate) async fn stop(recorder: Recorder, thread: RecorderThread) {
    recorder.stop().await.unwrap();
    thread.join();
}

/// Everything in a store, oldest first.
pub(crate) fn all(dir: &std::path::Path) -> Vec<Event> {
    Store::open(dir)
        .unwrap()
        .events(&Query {
            limit: usize::MAX,
            ..Query::default()
        })
        .unwrap()
        .events
}

/// The numbers of all events.
pub(crate) fn numbers(dir: &std::path::Path) -> Vec<f64> {
    all(dir)
        .into_iter()
        .map(|event| match event.value {
            Some(Value::Number(number)) => number,
            other => panic!("no number: {other:?}"),
        })
        .collect()
}
