//! A store with known events, and an archive beside it, for the archive's tests.

use std::path::{Path, PathBuf};

use backup::{Archive, Day, EventId, RestoreSource, Store, SystemClock, TrustedNow, open_writer};
use rusqlite::{Connection, params};
use tempfile::TempDir;

/// 2026-03-14, 00:00 UTC.
pub(crate) const DAY_MS: i64 = 1_773_446_400_000;
const ONE_DAY: i64 = 86_400_000;

/// Events as ids and values, in order.
pub(crate) type Events = Vec<(i64, f64)>;

pub(crate) struct Stage {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
    pub(crate) archive: Archive,
}

/// The system's time, for tests that prune.
pub(crate) fn now() -> TrustedNow {
    TrustedNow::confirmed(&SystemClock)
}

/// The first millisecond of the n-th day.
pub(crate) fn day_ms(n: i64) -> i64 {
    DAY_MS + n * ONE_DAY
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("events")).unwrap();
        Stage {
            store: Store::open(dir.path().join("events")).unwrap(),
            archive: Archive::open(dir.path().join("backups")).unwrap(),
            dir,
        }
    }

    /// A stage with `days` days of `events` events each, one a second.
    pub(crate) fn with(days: i64, events: i64) -> Stage {
        let stage = Stage::new();
        for day in 0..days {
            stage.record(day_ms(day), events, 1000);
        }
        stage
    }

    /// A stage whose last backup was restored: the events there now, and what an undo gives back.
    pub(crate) fn restored() -> (Stage, Events, Events) {
        let stage = Stage::with(2, 200);
        let then = stage.all();
        stage.archive.backup(&stage.store, &[], &()).unwrap();
        stage.record(day_ms(1) + 1_000_000, 70, 10);
        stage.record(day_ms(2), 30, 10);
        let now = stage.all();
        let plan = stage
            .archive
            .plan(RestoreSource::Latest, None, &stage.events_dir())
            .unwrap();
        plan.build(&()).unwrap().swap().unwrap();
        (stage, then, now)
    }

    pub(crate) fn events_dir(&self) -> PathBuf {
        self.dir.path().join("events")
    }

    pub(crate) fn backups_dir(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    /// Writes events from `from_ms` on, and closes the day file.
    pub(crate) fn record(&self, from_ms: i64, events: i64, step_ms: i64) {
        let mut conn = self.writer(from_ms);
        write_events(&mut conn, from_ms, events, step_ms);
    }

    /// The day's file, left open as a recorder would.
    pub(crate) fn writer(&self, ms: i64) -> Connection {
        open_writer(&self.events_dir().join(Day::of_ms(ms).file_name())).unwrap()
    }

    /// Every event of the store.
    pub(crate) fn all(&self) -> Events {
        all_in(&self.events_dir())
    }

    /// Makes every day file look as if it had been at rest for a while.
    pub(crate) fn let_rest(&self) {
        for day in self.store.days().unwrap() {
            let path = self.store.day_path(day);
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
            let file = std::fs::File::options().append(true).open(path).unwrap();
            file.set_modified(old).unwrap();
        }
    }
}

/// Every file of a folder with its bytes.
pub(crate) fn bytes_in(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if !name.starts_with('.') {
                files.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Makes all files of an archive look as if nobody had written there for a while.
pub(crate) fn let_lie(archive: &Path) {
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(180);
    for (path, _) in bytes_in(archive) {
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(old).unwrap();
    }
}

pub(crate) fn all_in(dir: &Path) -> Events {
    let store = Store::open(dir).unwrap();
    let mut all = Vec::new();
    for day in store.days().unwrap() {
        let conn = store.day_reader(day).unwrap();
        let mut query = conn
            .prepare("SELECT id, value FROM events ORDER BY id")
            .unwrap();
        let rows = query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        all.extend(rows.map(Result::unwrap));
    }
    all
}

pub(crate) fn write_events(conn: &mut Connection, from_ms: i64, events: i64, step_ms: i64) {
    let change = conn.transaction().unwrap();
    for n in 0..8 {
        change
            .execute(
                "INSERT OR IGNORE INTO series (change_group, path, component, control, source)
                 VALUES ('main', ?1, ?2, 'gain', 'qrc')",
                [format!("Amp {n}.gain"), format!("Amp {n}")],
            )
            .unwrap();
    }
    {
        let mut insert = change
            .prepare("INSERT INTO changes (id, series, value, string, position) VALUES (?1, ?2, ?3, ?4, x'')")
            .unwrap();
        for n in 0..events {
            let id = EventId::first_of_ms(from_ms + n * step_ms).0;
            let value = (n * 37 % 1000) as f64 / 10.0 - 50.0;
            insert
                .execute(params![id, n % 8 + 1, value, format!("{value}dB")])
                .unwrap();
        }
    }
    change.commit().unwrap();
}

/// A database as the original writes it.
pub(crate) fn seed_database(path: &Path, events: i64, from_ms: i64) {
    let mut conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL, change_group_id TEXT NOT NULL,
            control_path TEXT NOT NULL, component_name TEXT NOT NULL, control_name TEXT NOT NULL, value REAL NOT NULL,
            string_value TEXT NOT NULL, source TEXT NOT NULL, created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
         CREATE INDEX i1 ON events (timestamp); CREATE INDEX i2 ON events (control_path);",
    )
    .unwrap();
    let change = conn.transaction().unwrap();
    for n in 0..events {
        change
            .execute(
                "INSERT INTO events (timestamp, change_group_id, control_path, component_name, control_name, value, string_value, source)
                 VALUES (?1, 'g', ?2, ?3, 'mute', ?4, ?5, 'controls')",
                params![from_ms + n * 10, format!("Amp {}.mute", n % 5), format!("Amp {}", n % 5), n as f64, format!("{n}")],
            )
            .unwrap();
    }
    change.commit().unwrap();
    drop(conn);
    let plain = Connection::open(path).unwrap();
    plain
        .query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
        .unwrap();
}

pub(crate) fn gzip_file(from: &Path, to: &Path) {
    use std::io::Write as _;
    let raw = std::fs::read(from).unwrap();
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(&raw).unwrap();
    std::fs::write(to, out.finish().unwrap()).unwrap();
}
