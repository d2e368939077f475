//! Old days leave the store only when the newest proved backup holds all of them.

use serde_json::{Value, json};

use crate::stage::{EmulatedCore, Site, day_files, failed, until};

const DAYS: [&str; 4] = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"];

/// Imports an event at a time of each day, as if it had been recorded: days that came in just now would stay for a
/// while.
fn import(site: &Site, days: &[&str], time: &str) {
    let mut lines = String::new();
    for day in days {
        let at: jiff::Timestamp = format!("{day}T{time}Z").parse().unwrap();
        let event = json!({
            "timestamp": at.as_millisecond(), "change_group_id": "main", "control_path": "Master.gain",
            "component_name": "Master", "control_name": "gain", "value": -3.5, "string_value": "-3.50dB",
            "source": "qrc",
        });
        lines += &format!("{event}\n");
    }
    let file = site.path("old.jsonl");
    std::fs::write(&file, lines).unwrap();
    let report = site.json(&["import", file.to_str().unwrap()]);
    assert_eq!(report["added"], days.len(), "{report}");
    for day in days {
        let path = site.store().join(format!("events-{day}.db"));
        let file = rusqlite::Connection::open(path).unwrap();
        file.execute_batch("DELETE FROM meta WHERE key = 'came_ms'")
            .unwrap();
    }
}

#[test]
fn history_that_is_too_old_is_told_at_its_import_and_does_not_leave_by_itself_the_same_day() {
    let site = Site::new(1).set("EVENT_MONITORING_RETENTION_DAYS", "30");
    let file = site.path("old.jsonl");
    let line =
        json!({"timestamp": 1_700_000_000_000_i64, "control_path": "Master.gain", "value": 1});
    std::fs::write(&file, line.to_string()).unwrap();
    let said = site.json(&["import", file.to_str().unwrap()]);
    let note = said["notes"][0].as_str().unwrap();
    assert!(
        note.contains("older than the 30 days that the store keeps"),
        "{note}"
    );
    import(&site, &DAYS[..1], "10:00:00");
    site.json(&["backup"]);
    let pruned = site.json(&["prune"]);
    assert_eq!(days(&pruned["days"]), [""; 0]);
    assert_eq!(days(&pruned["days_kept"]), ["2023-11-14"]);
    assert_eq!(day_files(&site.store()).len(), 2);
}

fn days(list: &Value) -> Vec<&str> {
    let days = list.as_array().unwrap().iter();
    days.map(|day| day["day"].as_str().unwrap()).collect()
}

#[test]
fn a_day_goes_only_when_the_newest_proved_backup_holds_all_of_it() {
    // Nobody listens there: no agent runs.
    let site = Site::new(1).set("EVENT_MONITORING_RETENTION_DAYS", "36500");
    import(&site, &DAYS, "10:00:00");
    assert_eq!(site.json(&["backup"])["verified"], true);
    // Since then a day gained an event, and a proved file of the original with a newer time lies there.
    import(&site, &DAYS[1..2], "11:00:00");
    let seed = site.path("backups/events-backup-2199-01-01T00-00-00-000Z.db");
    let database = rusqlite::Connection::open(&seed).unwrap();
    database
        .execute_batch(
            "CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp INTEGER, change_group_id TEXT, control_path TEXT,
                component_name TEXT, control_name TEXT, value REAL, string_value TEXT, source TEXT, created_at DATETIME);",
        )
        .unwrap();
    database.close().unwrap();
    assert_eq!(site.json(&["verify"])["ok"], true);

    let site = site.set("EVENT_MONITORING_RETENTION_DAYS", "30");
    let said = site.json(&["prune", "--dry-run"]);
    assert_eq!(days(&said["days"]), [DAYS[0], DAYS[2]], "{said}");
    assert_eq!(days(&said["days_kept"]), [DAYS[1]], "{said}");
    assert_eq!(day_files(&site.store()).len(), 4);

    let done = site.json(&["prune"]);
    assert_eq!(
        (&done["days"], &done["days_kept"]),
        (&said["days"], &said["days_kept"])
    );
    assert_eq!(day_files(&site.store()).len(), 2);
    // Once it is archived it goes too; the newest stays.
    let made = site.json(&["backup"]);
    assert_eq!(made["events"], 3);
    assert_eq!(day_files(&site.store()).len(), 1);
}

/// What the retention of the original never did: it ran only with a backup, if at all.
#[test]
fn the_clock_prunes_though_no_backups_are_scheduled_and_leaves_what_is_not_archived() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_MONITORING_RETENTION_DAYS", "36500");
    import(&site, &DAYS, "10:00:00");
    for _ in 0..3 {
        site.json(&["backup"]);
    }
    import(&site, &DAYS[1..2], "11:00:00");
    let kept = |site: &Site| site.json(&["list"]).as_array().unwrap().len();
    assert_eq!(kept(&site), 3);

    // The limits are lowered, and nobody asks for anything.
    let site = site
        .set("EVENT_MONITORING_RETENTION_DAYS", "30")
        .set("EVENT_MAX_BACKUPS", "2");
    let _agent = site.recording_agent();
    let row = until("the schedule's prune", || {
        let rows = site.json(&["audit"]);
        let mut rows = rows.as_array().unwrap().iter();
        rows.find(|row| row["what"] == "prune" && row["outcome"] != "begun")
            .cloned()
    });
    assert_eq!(
        (&row["asker"], &row["outcome"], &row["said"]),
        (
            &json!("schedule"),
            &json!("done"),
            &json!("1 backup and 3 days of the store removed")
        )
    );
    assert_eq!(kept(&site), 2);
    let old = |day: &str| site.store().join(format!("events-{day}.db")).exists();
    assert_eq!(DAYS.map(old), [false, true, false, false]);
}

/// Imports so many events of a day.
fn import_many(site: &Site, day: &str, events: i64) {
    let noon: jiff::Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
    let noon = noon.as_millisecond();
    let lines = (0..events).map(|n| {
        let event = json!({
            "timestamp": noon + n, "control_path": "Master.gain", "component_name": "Master", "control_name": "gain",
            "value": n as f64 * 0.37, "string_value": format!("step {}", n * 7919 % 10_007),
        });
        format!("{event}\n")
    });
    let file = site.path("many.jsonl");
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    let report = site.json(&["import", file.to_str().unwrap()]);
    assert_eq!(report["added"], events, "{report}");
}

#[test]
fn beyond_a_size_the_oldest_archived_days_go_and_no_more_than_needed() {
    let site = Site::new(1).set("EVENT_MONITORING_RETENTION_DAYS", "36500");
    for (day, events) in DAYS.into_iter().zip([900, 300, 600, 1200]) {
        import_many(&site, day, events);
    }
    import_many(&site, "2026-03-05", 200);
    site.json(&["backup"]);
    // The second day has gained an event that no backup holds.
    import(&site, &DAYS[1..2], "11:00:00");
    let size = |day: &str| {
        site.store()
            .join(format!("events-{day}.db"))
            .metadata()
            .unwrap()
            .len()
    };
    let all: u64 = DAYS
        .iter()
        .chain(&["2026-03-05"])
        .map(|day| size(day))
        .sum();
    // The first goes, the second may not, and one byte of the third is too much.
    let limit = all - size(DAYS[0]) - 1;
    std::fs::write(
        site.path("qsys-agent.toml"),
        format!("[store]\nretention_size = \"{limit} B\"\n"),
    )
    .unwrap();
    let before = site.json(&["events", "--limit", "100000"]);

    let said = site.json(&["prune", "--dry-run"]);
    assert_eq!(days(&said["days"]), [DAYS[0], DAYS[2]], "{said}");
    assert_eq!(days(&said["days_kept"]), [DAYS[1]], "{said}");
    assert_eq!(
        site.json(&["events", "--limit", "100000"]),
        before,
        "a dry run touches nothing"
    );
    let done = site.json(&["prune"]);
    assert_eq!(done["days"], said["days"]);
    let mut left: Vec<String> = day_files(&site.store())
        .iter()
        .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [DAYS[1], DAYS[3], "2026-03-05"].map(|day| format!("events-{day}.db"))
    );
    assert_eq!(site.count("1"), 300 + 1 + 1200 + 200, "what stays is whole");
    // Within the limit no more days go, and those that went come back from the archive.
    assert_eq!(days(&site.json(&["prune", "--dry-run"])["days"]), [""; 0]);
    site.json(&["restore", "latest", "--keep-newer"]);
    assert_eq!(site.count("1"), 3201);
}

#[test]
fn a_file_that_is_away_during_a_verification_costs_no_backup_and_no_day_that_exists_nowhere_else() {
    let site = Site::new(1).set("EVENT_MONITORING_RETENTION_DAYS", "36500");
    import(&site, &DAYS, "10:00:00");
    for _ in 0..3 {
        site.json(&["backup"]);
    }
    // A day is only in the archive now, and another one's stored file is away for a moment.
    std::fs::remove_file(site.store().join(format!("events-{}.db", DAYS[0]))).unwrap();
    let stored = |day: &str| {
        let files = std::fs::read_dir(site.path("backups/days")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let is_of = |file: &std::path::PathBuf| file.to_string_lossy().contains(day);
        files.find(is_of).unwrap()
    };
    let (file, aside) = (stored(DAYS[1]), site.path("aside"));
    std::fs::rename(&file, &aside).unwrap();
    failed(&site.run(&["verify"]));
    std::fs::rename(&aside, &file).unwrap();

    let backups = |site: &Site| -> Vec<(String, bool)> {
        let list = site.json(&["list"]);
        let of = |backup: &Value| {
            let id = backup["id"].as_str().unwrap().to_owned();
            (id, backup["verified"].as_bool().unwrap())
        };
        list.as_array().unwrap().iter().map(of).collect()
    };
    let said = site.json(&["prune", "--dry-run"]);
    assert_eq!(said["removed"], json!([]), "{said}");
    site.json(&["backup"]);
    let left = backups(&site);
    assert_eq!(left.len(), 4);
    assert!(left.iter().all(|(_, verified)| *verified), "{left:?}");

    // A byte that flips in a day that the store still has: the next backup mends all that share it.
    let file = stored(DAYS[2]);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&file, bytes).unwrap();
    failed(&site.run(&["verify"]));
    site.json(&["backup"]);
    let left = backups(&site);
    assert_eq!(left.len(), 5);
    assert!(left.iter().all(|(_, verified)| *verified), "{left:?}");
    let back = site.path("back");
    let oldest = &left.last().unwrap().0;
    site.json(&["restore", oldest, "--target", back.to_str().unwrap()]);
    assert_eq!(day_files(&back).len(), 4);
}
