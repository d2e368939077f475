//! Export and import: out and back unchanged, twice the same as once, and what the original left behind.

use std::io::Write;
use std::path::Path;

use backup::{Change, Destination, Event, ExportOptions, Format, Store, Value, export, import};

use crate::stage::{NOON, TestClock, all, change, number, series, start, stop};

const DAY: i64 = 86_400_000;

fn export_to(dir: &Path, format: Format, gz: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let options = ExportOptions {
        since_ms: None,
        until_ms: None,
        format,
        gz,
        exported_at_ms: NOON,
    };
    let count = export(&Store::open(dir).unwrap(), &options, &mut out).unwrap();
    assert_eq!(count, all(dir).len() as u64);
    out
}

/// Two days with everything that is awkward in them.
async fn colourful_store(dir: &Path) {
    let clock = TestClock::at(NOON);
    let (recorder, thread) = start(dir, &clock);
    let gain = recorder.series(series("Lobby \"1\", left.gain"));
    let mute = recorder.series(series("MuteAll"));
    for step in 0..300i64 {
        let at = NOON + step * 500_000;
        clock.set(at);
        let value = (step % 120) as f64 / 2.0 - 50.0;
        recorder
            .changes(
                at,
                vec![change(gain, value, &format!("{value:.1}dB"), 0.25)],
            )
            .await;
    }
    let at = NOON + DAY + DAY / 2 + 1;
    clock.set(at);
    let odd = [
        (Some(Value::Bool(true)), Some("muted"), Some(1.0)),
        (
            Some(Value::from("two\nlines, \"quoted\"\r")),
            Some(""),
            None,
        ),
        (Some(Value::Number(-0.0)), None, Some(-0.0)),
        (Some(Value::Number(1e300)), Some(" Grüße 🎛 "), None),
        (Some(Value::Number(5e-324)), Some("12"), None),
        (Some(Value::from("1")), Some("true"), None),
        (None, None, None),
        (None, None, None),
    ];
    let odd = odd.map(|(value, string, position)| Change {
        series: mute,
        value,
        string: string.map(Into::into),
        position,
    });
    recorder.changes(at, odd.into()).await;
    // The clock steps back by an hour.
    clock.set(at - 3_600_000);
    recorder
        .changes(at - 3_600_000, vec![number(gain, 1.0), number(gain, 1.0)])
        .await;
    stop(recorder, thread).await;
}

/// Everything that makes an event what it is, with the numbers to the bit.
fn content(events: &[Event]) -> Vec<String> {
    let bits = |value: &Option<Value>| match value {
        Some(Value::Number(number)) => number.to_bits(),
        _ => 0,
    };
    let one = |e: &Event| {
        format!(
            "{e:?} {} {:?}",
            bits(&e.value),
            e.position.map(f64::to_bits)
        )
    };
    events.iter().map(one).collect()
}

#[tokio::test]
async fn out_and_back_is_equal_byte_for_byte_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    colourful_store(dir.path()).await;
    let original = content(&all(dir.path()));
    for (format, gz, name) in [
        (Format::Json, false, "a.json"),
        (Format::Json, true, "a.json.gz"),
        (Format::JsonLines, false, "a.jsonl"),
        (Format::JsonLines, true, "a.jsonl.gz"),
        (Format::Csv, false, "a.csv"),
        (Format::Csv, true, "a.csv.gz"),
    ] {
        assert_eq!(ExportOptions::by_name(name), Some((format, gz)));
        let bytes = export_to(dir.path(), format, gz);
        let other = tempfile::tempdir().unwrap();
        let file = other.path().join("whatever");
        std::fs::write(&file, &bytes).unwrap();
        let store = other.path().join("store");
        let report = import(Destination::Folder(&store), &file).unwrap();
        assert_eq!(
            (report.added, report.skipped, report.rejected),
            (310, 0, 0),
            "{name}: {:?}",
            report.first_reasons
        );
        assert_eq!(content(&all(&store)), original, "{name}");
        assert_eq!(export_to(&store, format, gz), bytes, "{name}");
        // A second import adds nothing.
        let again = import(Destination::Folder(&store), &file).unwrap();
        assert_eq!(
            (again.added, again.skipped, again.rejected),
            (0, 310, 0),
            "{name}"
        );
        assert_eq!(content(&all(&store)), original);
        assert!(store.read_dir().unwrap().all(|entry| {
            !entry
                .unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with(".import")
        }));
    }
}

#[tokio::test]
async fn a_day_file_can_be_imported_plain_or_zipped() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    colourful_store(dir.path()).await;
    let days = Store::open(dir.path()).unwrap().days().unwrap();
    let first = dir.path().join(days[0].file_name());
    let zipped = other.path().join("x.gz");
    let mut zip = flate2::write::GzEncoder::new(
        std::fs::File::create(&zipped).unwrap(),
        flate2::Compression::fast(),
    );
    zip.write_all(&std::fs::read(dir.path().join(days[1].file_name())).unwrap())
        .unwrap();
    zip.finish().unwrap();
    let store = other.path().join("store");
    import(Destination::Folder(&store), &first).unwrap();
    import(Destination::Folder(&store), &zipped).unwrap();
    let report = import(Destination::Folder(&store), &zipped).unwrap();
    assert_eq!(report.added, 0);
    let there: u64 = days[..2]
        .iter()
        .map(|day| {
            Store::open(dir.path())
                .unwrap()
                .day_summary(*day)
                .unwrap()
                .events
        })
        .sum();
    assert_eq!(all(&store).len() as u64, there);
}

#[tokio::test]
async fn into_a_running_recorder_and_its_open_day() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    colourful_store(dir.path()).await;
    let file = other.path().join("a.jsonl");
    std::fs::write(&file, export_to(dir.path(), Format::JsonLines, false)).unwrap();
    let store = other.path().join("store");
    let clock = TestClock::at(NOON + 1_000_000);
    let (recorder, thread) = start(&store, &clock);
    let id = recorder.series(series("Live.level"));
    recorder
        .changes(NOON + 1_000_000, vec![number(id, 0.0)])
        .await;
    let importing = recorder.clone();
    let import =
        tokio::task::spawn_blocking(move || import(Destination::Recorder(&importing), &file));
    for step in 1..=2000i64 {
        recorder
            .changes(NOON + 1_000_000 + step, vec![number(id, step as f64)])
            .await;
    }
    assert_eq!(import.await.unwrap().unwrap().added, 310);
    recorder.flush().await.unwrap();
    assert_eq!(recorder.stats().quarantined, 0);
    stop(recorder, thread).await;
    let events = all(&store);
    assert_eq!(events.len(), 310 + 2001);
    let live: Vec<Value> = events
        .iter()
        .filter(|e| e.series.path == "Live.level")
        .filter_map(|e| e.value.clone())
        .collect();
    assert_eq!(
        live,
        (0..=2000)
            .map(|n| Value::Number(f64::from(n)))
            .collect::<Vec<_>>()
    );
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id));
}

/// A database as the original makes it.
fn original_database(path: &Path) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL, change_group_id TEXT NOT NULL,
            control_path TEXT NOT NULL, component_name TEXT NOT NULL, control_name TEXT NOT NULL, value REAL,
            string_value TEXT, source TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
         CREATE INDEX i1 ON events (timestamp); CREATE INDEX i2 ON events (change_group_id);
         CREATE INDEX i3 ON events (control_path); CREATE INDEX i4 ON events (component_name);
         CREATE INDEX i5 ON events (control_name); CREATE INDEX i6 ON events (component_name, timestamp);
         CREATE INDEX i7 ON events (change_group_id, timestamp);",
    )
    .unwrap();
    let mut insert = conn
        .prepare(
            "INSERT INTO events (timestamp, change_group_id, control_path, component_name, control_name, value,
             string_value, source) VALUES (?1, 'g', 'Amp.gain', 'Amp', 'gain', ?2, ?3, 'poll')",
        )
        .unwrap();
    for n in 0..50i64 {
        // Five in the same millisecond, two of them equal.
        insert
            .execute(rusqlite::params![NOON + n / 5, (n % 5 / 2) as f64, "x"])
            .unwrap();
    }
    insert
        .execute(rusqlite::params![NOON, "a text", rusqlite::types::Null])
        .unwrap();
    insert
        .execute(rusqlite::params![NOON, vec![1u8, 2], "a blob"])
        .unwrap();
    insert
        .execute(rusqlite::params![-7, 1.0, "before time"])
        .unwrap();
}

#[test]
fn a_database_of_the_original_is_imported_once_whatever_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("events-2025-08-08.db");
    original_database(&database);
    let store = dir.path().join("store");
    let report = import(Destination::Folder(&store), &database).unwrap();
    assert_eq!(
        (report.added, report.skipped, report.rejected),
        (51, 0, 2),
        "{report:?}"
    );
    assert_eq!(
        report.first_reasons,
        [
            "row 53: found time -7 ms, expected a time between 1970 and 9999",
            "row 52: found value a blob, expected a number, a text or null",
        ]
    );
    let again = import(Destination::Folder(&store), &database).unwrap();
    assert_eq!((again.added, again.skipped, again.rejected), (0, 51, 2));
    // Our export of it has other ids, and is still the same events.
    let file = dir.path().join("ours.json");
    std::fs::write(&file, export_to(&store, Format::Json, false)).unwrap();
    assert_eq!(
        import(Destination::Folder(&store), &file).unwrap().skipped,
        51
    );
    let state = Store::open(&store).unwrap().state_at(NOON + 100).unwrap();
    assert_eq!(state.controls.len(), 1);
}

#[test]
fn an_export_of_the_original_is_imported() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("events-export.json");
    std::fs::write(
        &file,
        r#"{"exportedAt":"2025-08-08T02:50:45.359Z","eventsCount":3,"startTime":null,"events":[
        {"id":1,"timestamp":1754621445359,"change_group_id":"g","control_path":"Amp.gain","component_name":"Amp",
         "control_name":"gain","value":-6.5,"string_value":"-6.50dB","source":"poll","created_at":"2025-08-08 02:50:46"},
        {"id":2,"timestamp":"soon","control_path":"Amp.gain","control_name":"gain"},
        {"id":3,"timestamp":1754621445359,"control_path":"Amp.mute","value":true,"extra":{"deep":[1,2]}}]}"#,
    )
    .unwrap();
    let store = dir.path().join("store");
    let report = import(Destination::Folder(&store), &file).unwrap();
    assert_eq!((report.added, report.rejected), (2, 1));
    assert_eq!(
        report.first_reasons,
        ["event 2: found timestamp \"soon\", expected Unix milliseconds"]
    );
    assert_eq!(all(&store)[1].value, Some(Value::Bool(true)));
}

#[test]
fn an_event_that_is_none_is_rejected_alone() {
    let sound = r#"{"timestamp":1754621445359,"control_path":"Amp.gain","value":1}"#;
    let unsound = [
        (
            "5",
            "event 2: found 5 (invalid type: integer `5`), expected an event",
        ),
        (
            r#"{"timestamp":1,"control_path":"a.b","string_value":"\ud800"}"#,
            "hex escape",
        ),
        (
            r#"{"timestamp":1,"control_path":"a.b","value":1e999}"#,
            "1e999",
        ),
        (
            r#"{"timestamp":1,"control_path":"a.b","value":9007199254740993}"#,
            "9007199254740993, expected a number that double precision holds",
        ),
        // An id of 1970.
        (
            r#"{"id":5,"timestamp":1754621445359,"control_path":"a.b","value":1,"kind":"number"}"#,
            "found id 5 of 1970-01-01 00:00:00 with timestamp 1754621445359, expected an id of that time or later",
        ),
    ];
    for (unsound, told) in unsound {
        // In a file of lines only an object is an event.
        let lines = unsound.starts_with('{');
        let list = format!("[{sound},{unsound},{sound}]");
        let export = format!("{{\"events\":{list}}}");
        let mut files = vec![("list.json", list), ("export.json", export)];
        files.extend(lines.then(|| ("lines.jsonl", format!("{sound}\n{unsound}\n{sound}\n"))));
        for (name, text) in files {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join(name);
            std::fs::write(&file, text).unwrap();
            let store = dir.path().join("store");
            let report = import(Destination::Folder(&store), &file).unwrap();
            assert_eq!((report.added, report.rejected), (2, 1), "{name}: {unsound}");
            let reason = &report.first_reasons[0];
            assert!(reason.starts_with("event 2: found"), "{reason}");
            assert!(reason.contains(told), "{reason}");
        }
    }
}

#[test]
fn what_is_no_export_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let whole = br#"{"events":[{"timestamp":1,"control_path":"a.b"},{"timestamp":2,"control_path":"a.b"}]}"#;
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(&whole.repeat(100)).unwrap();
    let zip = zip.finish().unwrap();
    let cases: [(&str, &[u8], &str); 8] = [
        ("empty", b"", "empty"),
        ("cut.json", &whole[..60], "JSON"),
        ("list of nothing.json", b"{}", "events"),
        ("cut.gz", &zip[..zip.len() - 9], "cut-off"),
        ("garbage", &[7, 8, 9, 200], "expected"),
        ("text.csv", b"name,age\nx,1\n", "timestamp"),
        (
            "open quote.csv",
            b"timestamp,control_path\n1,\"a.b\n",
            "quote",
        ),
        ("torn.db", b"SQLite format 3\0torn", "torn.db"),
    ];
    for (name, bytes, told) in cases {
        let file = dir.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let error = import(Destination::Folder(&store), &file)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(told) && error.contains(name),
            "{name}: {error}"
        );
        assert_eq!(Store::open(&store).unwrap().days().unwrap(), []);
    }
    assert!(import(Destination::Folder(&store), &dir.path().join("none")).is_err());
}

#[tokio::test]
async fn databases_of_the_original_in_the_stores_folder_are_set_aside_and_can_be_imported() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    original_database(&dir.path().join("events-2026-02-28.db"));
    original_database(&dir.path().join("events-2026-03-01.db"));
    let (recorder, thread) = start(dir.path(), &clock);
    let id = recorder.series(series("A.a"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    stop(recorder, thread).await;
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(all(dir.path()).len(), 1);
    let originals = store.originals().unwrap();
    assert_eq!(originals.len(), 2);
    assert_eq!(
        import(Destination::Folder(dir.path()), &originals[0])
            .unwrap()
            .added,
        51
    );
    assert_eq!(
        import(Destination::Folder(dir.path()), &originals[1])
            .unwrap()
            .added,
        0
    );
    assert_eq!(all(dir.path()).len(), 52);
}

#[tokio::test]
async fn nothing_is_said_to_have_ended_badly_in_a_day_that_was_imported() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let file = dir.path().join("day.csv");
    let line = format!(
        "timestamp,control_path,value\n{},Amp.gain,1\n",
        NOON - 60_000
    );
    std::fs::write(&file, line).unwrap();
    let store = dir.path().join("store");
    assert_eq!(import(Destination::Folder(&store), &file).unwrap().added, 1);
    let (recorder, thread) = start(&store, &clock);
    let id = recorder.series(series("Amp.gain"));
    recorder.changes(NOON, vec![number(id, 2.0)]).await;
    stop(recorder, thread).await;
    let gaps = Store::open(&store).unwrap().gaps(0, i64::MAX).unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].why, "the agent was not running");
}
