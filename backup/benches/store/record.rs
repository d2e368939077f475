//! Recording a day of the house: into our store through the recorder, and into the original's table.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Instant;

use backup::{Change, Clock, Recorder, RecorderOptions, Store, Value};

use crate::account::{cpu, peak_rss};
use crate::generator::House;
use crate::original;

/// What recording a day took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Recorded {
    /// CPU seconds, the making of the events among them.
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
    pub(crate) bytes: u64,
    /// Peak resident memory of the process so far, MiB.
    pub(crate) rss: f64,
}

/// The time in the house. By the machine's clock a second day would lie behind everything recorded today.
struct HouseClock(AtomicI64);

impl Clock for HouseClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// CPU seconds of making a day's events alone.
pub(crate) fn generate(begin: i64, size: u64) -> f64 {
    let mut house = House::new(begin, size);
    let begun = cpu();
    for _ in 0..size {
        std::hint::black_box(house.sample());
    }
    cpu() - begun
}

/// The day from `begin` on, through the recorder.
pub(crate) fn ours(dir: &Path, begin: i64, size: u64) -> Recorded {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut house = House::new(begin, size);
        let clock = Arc::new(HouseClock(AtomicI64::new(begin)));
        let options = RecorderOptions {
            clock: clock.clone(),
            ..RecorderOptions::default()
        };
        let (recorder, thread) = Recorder::start(dir, options).unwrap();
        let ids: Vec<_> = house
            .controls
            .iter()
            .map(|series| recorder.series(series.clone()))
            .collect();
        let (begun, started) = (cpu(), Instant::now());
        let (mut left, mut frame) = (size, Vec::new());
        let mut at = begin;
        while left > 0 {
            // A pushed frame holds a few dozen changes of one moment.
            for _ in 0..left.min(32) {
                let sample = house.sample();
                at = sample.at_ms;
                frame.push(Change {
                    series: ids[sample.control],
                    value: sample.value,
                    string: Some(sample.string.into()),
                    position: sample.position,
                });
            }
            clock.0.store(at, Relaxed);
            left -= frame.len() as u64;
            recorder.changes(at, std::mem::take(&mut frame)).await;
        }
        recorder.flush().await.unwrap();
        let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu() - begun);
        let rss = peak_rss(Path::new("/proc/self"));
        assert_eq!(recorder.stats().committed, size);
        recorder.stop().await.unwrap();
        thread.join();
        let bytes = Store::open(dir).unwrap().summary().unwrap().bytes;
        Recorded {
            cpu,
            wall,
            bytes,
            rss,
        }
    })
}

/// The same day into the original's table.
pub(crate) fn original(path: &Path, begin: i64, size: u64) -> Recorded {
    let conn = original::create(path);
    let mut house = House::new(begin, size);
    let controls = house.controls.clone();
    let (begun, started) = (cpu(), Instant::now());
    original::fill(
        &conn,
        (0..size).map(|_| {
            let sample = house.sample();
            original::Row {
                at_ms: sample.at_ms,
                series: &controls[sample.control],
                value: match sample.value {
                    Some(Value::Number(number)) => Some(number),
                    _ => None,
                },
                string: Some(sample.string),
            }
        }),
    );
    let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu() - begun);
    original::checkpoint(&conn);
    Recorded {
        cpu,
        wall,
        bytes: std::fs::metadata(path).unwrap().len(),
        rss: peak_rss(Path::new("/proc/self")),
    }
}
