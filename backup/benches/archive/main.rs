//! The archive beside the tools one would use today: makes the stores, and runs one verb per process so that time and
//! peak memory can be taken from outside. `benches/archive/compare.sh` drives it and prints the table.
//!
//! `make DIR EVENTS [no-wide]`, `grow DIR EVENTS [no-wide]`, `backup DIR`, `restore DIR`, `restore-to DIR FRACTION`,
//! `verify DIR`, `deep DIR`, `export DIR NAME`, `import DIR NAME`, `prune DIR`; `levels FILE` and `commits DIR RATE`
//! print a table of their own.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod commits;
#[path = "../store/generator.rs"]
mod generator;
mod levels;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use backup::{
    Archive, Change, Clock, Depth, Destination, ExportOptions, Policy, Recorder, RecorderOptions,
    RestoreSource, Store, SystemClock, TrustedNow, Value, export, import,
};
use generator::House;
use rusqlite::{Connection, params};

const BEGIN: i64 = 1_772_323_200_000; // 2026-03-01T00:00:00Z

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["make", dir, events, rest @ ..] => {
            let events = events.parse().unwrap();
            make(Path::new(dir), 0, events, events, rest.is_empty());
        }
        // One percent more of what `make` made.
        ["grow", dir, events, rest @ ..] => {
            let events: u64 = events.parse().unwrap();
            make(
                Path::new(dir),
                events,
                events / 100,
                events,
                rest.is_empty(),
            );
        }
        ["backup", dir] => {
            let dir = Path::new(dir);
            let archive = Archive::open(dir.join("archive")).unwrap();
            let made = archive
                .backup(&Store::open(dir.join("store")).unwrap(), &[], &())
                .unwrap();
            assert!(made.verified);
        }
        ["restore", dir] => restore(Path::new(dir), None),
        ["restore-to", dir, fraction] => {
            let fraction: f64 = fraction.parse().unwrap();
            restore(
                Path::new(dir),
                Some(BEGIN + (80_000_000.0 * fraction) as i64),
            );
        }
        ["verify", dir] => verify(Path::new(dir), Depth::Quick),
        ["deep", dir] => verify(Path::new(dir), Depth::Deep),
        ["export", dir, name] => export_as(Path::new(dir), name),
        ["import", dir, name] => {
            let (dir, into) = (Path::new(dir), Path::new(dir).join("imported"));
            let report = import(Destination::Folder(&into), &dir.join(name)).unwrap();
            assert!(report.added > 0 && report.rejected == 0, "{report:?}");
        }
        ["prune", dir] => {
            let archive = Archive::open(Path::new(dir).join("archive")).unwrap();
            let now = TrustedNow::confirmed(&SystemClock);
            archive.prune(Policy::count(1), now, false).unwrap();
        }
        ["levels", file] => levels::table(Path::new(file)),
        ["commits", dir, rate] => commits::table(Path::new(dir), rate.parse().unwrap()),
        // Called by `cargo test --benches` without a verb: nothing to do.
        _ => println!("verbs: see the head of benches/archive/main.rs"),
    }
}

fn verify(dir: &Path, depth: Depth) {
    let archive = Archive::open(dir.join("archive")).unwrap();
    let report = archive.verify(None, depth);
    assert!(report.ok, "{report:?}");
}

/// Exports into a file whose name says the format.
fn export_as(dir: &Path, name: &str) {
    let (format, gz) = ExportOptions::by_name(name).unwrap();
    let options = ExportOptions {
        since_ms: None,
        until_ms: None,
        format,
        gz,
        exported_at_ms: BEGIN,
    };
    let mut file = std::fs::File::create(dir.join(name)).unwrap();
    let store = Store::open(dir.join("store")).unwrap();
    assert!(export(&store, &options, &mut file).unwrap() > 0);
    file.sync_all().unwrap();
}

fn restore(dir: &Path, at: Option<i64>) {
    let archive = Archive::open(dir.join("archive")).unwrap();
    let plan = archive
        .plan(RestoreSource::Latest, at, &dir.join("restored"))
        .unwrap();
    let report = plan.build(&()).unwrap().swap().unwrap();
    assert!(report.verified && report.events > 0);
}

#[derive(Debug, Default)]
struct DataClock(AtomicI64);

impl Clock for DataClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The same events into our store and, if wanted, into the original's table.
fn make(dir: &Path, skip: u64, events: u64, size: u64, with_wide: bool) {
    // One day holds all events and has room for a tenth more.
    let mut house = House::new(BEGIN, size + size / 10);
    for _ in 0..skip {
        std::hint::black_box(house.sample());
    }
    let wide = with_wide.then(|| wide_table(&dir.join("wide.db")));
    let clock = Arc::new(DataClock(AtomicI64::new(BEGIN)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = RecorderOptions {
            clock: clock.clone(),
            ..RecorderOptions::default()
        };
        let (recorder, thread) = Recorder::start(dir.join("store"), options).unwrap();
        let ids: Vec<_> = house
            .controls
            .iter()
            .map(|series| recorder.series(series.clone()))
            .collect();
        let mut left = events;
        while left > 0 {
            let (mut frame, mut at) = (Vec::new(), BEGIN);
            if let Some(wide) = &wide {
                wide.execute_batch("BEGIN").unwrap();
            }
            for _ in 0..left.min(1000) {
                let sample = house.sample();
                at = sample.at_ms;
                clock.0.store(at, Ordering::Relaxed);
                if let Some(wide) = &wide {
                    wide_row(wide, &house, &sample);
                }
                frame.push(Change {
                    series: ids[sample.control],
                    value: sample.value,
                    string: Some(sample.string.into()),
                    position: sample.position,
                });
                if frame.len() == 32 {
                    recorder.changes(at, std::mem::take(&mut frame)).await;
                }
            }
            if let Some(wide) = &wide {
                wide.execute_batch("COMMIT").unwrap();
            }
            left -= left.min(1000);
            recorder.changes(at, frame).await;
        }
        recorder.stop().await.unwrap();
        thread.join();
    });
    if let Some(wide) = &wide {
        wide.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
    }
}

fn wide_row(wide: &Connection, house: &House, sample: &generator::Sample) {
    let series = &house.controls[sample.control];
    let value = match sample.value {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    wide.prepare_cached(
        "INSERT INTO events (timestamp, change_group_id, control_path, component_name, control_name, value,
         string_value, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .unwrap()
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

fn wide_table(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
         CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL,
            change_group_id TEXT NOT NULL, control_path TEXT NOT NULL, component_name TEXT NOT NULL,
            control_name TEXT NOT NULL, value REAL, string_value TEXT, source TEXT,
            created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
         CREATE INDEX IF NOT EXISTS i1 ON events (timestamp); CREATE INDEX IF NOT EXISTS i2 ON events (change_group_id);
         CREATE INDEX IF NOT EXISTS i3 ON events (control_path); CREATE INDEX IF NOT EXISTS i4 ON events (component_name);
         CREATE INDEX IF NOT EXISTS i5 ON events (control_name); CREATE INDEX IF NOT EXISTS i6 ON events (component_name, timestamp);
         CREATE INDEX IF NOT EXISTS i7 ON events (change_group_id, timestamp);",
    )
    .unwrap();
    conn
}
