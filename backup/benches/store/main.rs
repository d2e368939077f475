//! The store against the original's table, on the same events in the same run.
//!
//! `cargo bench -p backup --bench store -- 100000 1000000 10000000` (sizes; the first two by default).
//! `--no-wide` leaves the original's table out, `--runs N` sets how often each size is recorded (3).
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod generator;

use std::path::Path;
use std::time::{Duration, Instant};

use backup::{Change, Query, Recorder, RecorderOptions, Store, Value};
use generator::House;
use rusqlite::{Connection, params};

const BEGIN: i64 = 1_772_323_200_000; // 2026-03-01T00:00:00Z
const DAY: i64 = 86_400_000;

fn main() {
    let mut sizes = Vec::new();
    let (mut wide, mut runs) = (true, 3);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--no-wide" => wide = false,
            "--runs" => {
                runs = arguments
                    .next()
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(runs)
            }
            other => sizes.extend(other.parse::<u64>()),
        }
    }
    if sizes.is_empty() {
        sizes = vec![100_000, 1_000_000];
    }
    let root = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    for size in sizes {
        println!("{size} events over one day, {runs} runs, medians");
        let floor = median((0..runs).map(|_| generate(size)).collect());
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for run in 0..runs {
            let dir = tempfile::tempdir_in(&root).unwrap();
            let store = dir.path().join("store");
            ours.push(record(&store, size));
            if wide {
                theirs.push(record_wide(&dir.path().join("wide.db"), size));
            }
            if run + 1 == runs {
                report("ours, through the recorder", &ours, floor, size);
                if wide {
                    report(
                        "the original's table, batches of 1000",
                        &theirs,
                        floor,
                        size,
                    );
                }
                questions(
                    &store,
                    size,
                    wide.then(|| dir.path().join("wide.db")).as_deref(),
                );
            }
        }
    }
}

struct Recorded {
    cpu: f64,
    wall: f64,
    bytes: u64,
    /// Peak resident memory so far, MiB.
    rss: f64,
}

fn report(what: &str, recorded: &[Recorded], floor: f64, size: u64) {
    let n = size as f64;
    let cpu = median(recorded.iter().map(|r| r.cpu).collect()) - floor;
    let wall = median(recorded.iter().map(|r| r.wall).collect());
    println!(
        "  record, {what}: {:.2} us CPU/event, {:.0} events/s wall, {:.1} B/event, peak RSS so far {:.0} MiB",
        cpu / n * 1e6,
        n / wall,
        recorded[0].bytes as f64 / n,
        recorded[0].rss
    );
}

/// CPU seconds of making the events alone; taken off both sides.
fn generate(size: u64) -> f64 {
    let mut house = House::new(BEGIN, size);
    let begun = cpu();
    for _ in 0..size {
        std::hint::black_box(house.sample());
    }
    cpu() - begun
}

fn record(dir: &Path, size: u64) -> Recorded {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut house = House::new(BEGIN, size);
        let (recorder, thread) = Recorder::start(dir, RecorderOptions::default()).unwrap();
        let ids: Vec<_> = house
            .controls
            .iter()
            .map(|series| recorder.series(series.clone()))
            .collect();
        let (begun, started) = (cpu(), Instant::now());
        let (mut left, mut frame) = (size, Vec::new());
        let mut at = BEGIN;
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
            left -= frame.len() as u64;
            recorder.changes(at, std::mem::take(&mut frame)).await;
        }
        recorder.flush().await.unwrap();
        let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu() - begun);
        let rss = peak_rss();
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

fn record_wide(path: &Path, size: u64) -> Recorded {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL,
            change_group_id TEXT NOT NULL, control_path TEXT NOT NULL, component_name TEXT NOT NULL,
            control_name TEXT NOT NULL, value REAL, string_value TEXT, source TEXT,
            created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
         CREATE INDEX i1 ON events (timestamp); CREATE INDEX i2 ON events (change_group_id);
         CREATE INDEX i3 ON events (control_path); CREATE INDEX i4 ON events (component_name);
         CREATE INDEX i5 ON events (control_name); CREATE INDEX i6 ON events (component_name, timestamp);
         CREATE INDEX i7 ON events (change_group_id, timestamp);",
    )
    .unwrap();
    let mut house = House::new(BEGIN, size);
    let (begun, started) = (cpu(), Instant::now());
    {
        let mut insert = conn
            .prepare(
                "INSERT INTO events (timestamp, change_group_id, control_path, component_name, control_name, value,
                 string_value, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .unwrap();
        let mut left = size;
        while left > 0 {
            conn.execute_batch("BEGIN").unwrap();
            for _ in 0..left.min(1000) {
                let sample = house.sample();
                let series = &house.controls[sample.control];
                let value = match sample.value {
                    Some(Value::Number(number)) => Some(number),
                    _ => None,
                };
                insert
                    .execute(params![
                        sample.at_ms,
                        series.change_group.as_str(),
                        series.path.as_str(),
                        series.component.as_str(),
                        series.control.as_str(),
                        value,
                        sample.string,
                        series.source.as_str()
                    ])
                    .unwrap();
            }
            conn.execute_batch("COMMIT").unwrap();
            left -= left.min(1000);
        }
    }
    let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu() - begun);
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    Recorded {
        cpu,
        wall,
        bytes: std::fs::metadata(path).unwrap().len(),
        rss: peak_rss(),
    }
}

/// The questions, warm: each is asked five times, medians.
fn questions(dir: &Path, size: u64, wide: Option<&Path>) {
    let store = Store::open(dir).unwrap();
    let noon = BEGIN + DAY / 2;
    let hour = |controls: &str, limit| Query {
        controls: vec![controls.into()],
        since_ms: Some(noon),
        until_ms: Some(noon + 3_600_000),
        limit,
        ..Query::default()
    };
    let (meter, gain) = (
        "Room 10 Channel Strip.meter.1",
        "Room 10 Channel Strip.gain.1",
    );
    ask("state of all controls at noon", || {
        store.state_at(noon).unwrap().controls.len()
    });
    ask("state just before the next keyframe", || {
        // The worst moment: as many changes as there can be after a keyframe.
        store.state_at(worst_moment(&store)).unwrap().controls.len()
    });
    ask("one meter, one hour", || {
        store.events(&hour(meter, usize::MAX)).unwrap().events.len()
    });
    ask("one gain, one hour", || {
        store.events(&hour(gain, usize::MAX)).unwrap().events.len()
    });
    ask("one gain, first page of the day", || {
        let query = Query {
            controls: vec![gain.into()],
            limit: 100,
            ..Query::default()
        };
        store.events(&query).unwrap().events.len()
    });
    ask("one gain, newest page", || {
        let query = Query {
            controls: vec![gain.into()],
            limit: 100,
            newest_first: true,
            ..Query::default()
        };
        store.events(&query).unwrap().events.len()
    });
    ask("first page of an hour, all controls", || {
        store
            .events(&Query {
                controls: vec![],
                limit: 100,
                ..hour("", 100)
            })
            .unwrap()
            .events
            .len()
    });
    ask("counts per minute of one meter, the day", || {
        store
            .counts_per_minute(&[meter.into()], BEGIN, BEGIN + DAY)
            .unwrap()
            .len()
    });
    ask("counts per minute of all controls, the day", || {
        store
            .counts_per_minute(&[], BEGIN, BEGIN + DAY)
            .unwrap()
            .len()
    });
    ask("diff between 11:00 and 12:00", || {
        store.diff(noon - 3_600_000, noon).unwrap().len()
    });
    let Some(wide) = wide else { return };
    let conn = Connection::open(wide).unwrap();
    conn.execute_batch("PRAGMA cache_size = -64000").unwrap();
    let count = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        let mut query = conn.prepare_cached(sql).unwrap();
        let mut rows = query.query(values).unwrap();
        let mut count = 0;
        while rows.next().unwrap().is_some() {
            count += 1;
        }
        count
    };
    println!("  the original's table:");
    let controls = House::new(BEGIN, size).controls;
    ask("state at noon, best query found", || {
        controls
            .iter()
            .map(|series| {
                count(
                    "SELECT value, string_value FROM events WHERE component_name = ?1 AND timestamp <= ?2
                     AND control_name = ?3 ORDER BY timestamp DESC LIMIT 1",
                    &[&series.component.as_str(), &noon, &series.control.as_str()],
                )
            })
            .sum::<usize>()
    });
    for (what, path) in [("one meter, one hour", meter), ("one gain, one hour", gain)] {
        ask(what, || {
            count(
                "SELECT * FROM events WHERE control_path = ?1 AND timestamp BETWEEN ?2 AND ?3 ORDER BY timestamp",
                &[&path, &noon, &(noon + 3_600_000)],
            )
        });
    }
    ask("first page of an hour, all controls", || {
        count(
            "SELECT * FROM events WHERE timestamp BETWEEN ?1 AND ?2 ORDER BY timestamp LIMIT 100",
            &[&noon, &(noon + 3_600_000)],
        )
    });
}

/// The last moment before a keyframe in the middle of the day.
fn worst_moment(store: &Store) -> i64 {
    let conn = store.day_reader(store.days().unwrap()[0]).unwrap();
    let id: Option<i64> = conn
        .query_row(
            "SELECT min(id) FROM keyframes WHERE id > ?1",
            [(BEGIN + DAY / 2) << 12],
            |row| row.get(0),
        )
        .unwrap();
    id.map_or(BEGIN + DAY, |id| (id >> 12) - 1)
}

fn ask(what: &str, mut question: impl FnMut() -> usize) {
    let mut rows = question();
    let times = (0..5).map(|_| {
        let begun = Instant::now();
        rows = question();
        begun.elapsed().as_secs_f64()
    });
    let time = Duration::from_secs_f64(median(times.collect()));
    println!("  {what}: {:.2} ms ({rows} rows)", time.as_secs_f64() * 1e3);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU seconds of all threads that live, from the scheduler's own account.
fn cpu() -> f64 {
    let mut sum = 0.0;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        sum += text
            .split(' ')
            .next()
            .and_then(|ns| ns.parse::<f64>().ok())
            .unwrap_or(0.0);
    }
    sum / 1e9
}

fn peak_rss() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}
