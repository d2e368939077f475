//! Backup, list, verify, restore, undo: the way there and back.

use backup::{
    Depth, RestoreSource, SettingsFile, SettingsSource, Store, finish_interrupted, undo,
    undo_available,
};

use crate::archive_stage::{DAY_MS, Stage, all_in, day_ms};

#[test]
fn a_deleted_store_comes_back_to_the_event() {
    let stage = Stage::with(3, 500);
    let before = stage.all();
    let made = stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert!(made.verified);
    assert_eq!((made.events, made.from_ms), (Some(1500), Some(DAY_MS)));
    assert_eq!(stage.archive.list().unwrap(), vec![made.clone()]);
    std::fs::remove_dir_all(stage.events_dir()).unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    assert_eq!(
        (plan.events, plan.events_gained, plan.events_lost),
        (1500, 1500, 0)
    );
    assert!(!stage.events_dir().exists(), "a plan writes nothing");
    let report = plan.build(&()).unwrap().swap().unwrap();
    assert_eq!((report.events, report.restored_to_ms), (1500, made.to_ms));
    assert!(report.verified && report.undo.is_none());
    assert_eq!(stage.all(), before);
}

#[test]
fn sealed_days_are_stored_once_and_shared() {
    let stage = Stage::with(3, 400);
    stage.let_rest();
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let days = || {
        std::fs::read_dir(stage.backups_dir().join("days"))
            .unwrap()
            .count()
    };
    assert_eq!(days(), 3);
    stage.record(day_ms(2) + 500_000, 10, 1000);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(days(), 4, "only the changed day is new");
    // Nothing changed: the same content is not stored again, even if the file's time moved.
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    assert_eq!(days(), 4);
    let list = stage.archive.list().unwrap();
    assert_eq!(
        list.iter().map(|info| info.events).collect::<Vec<_>>(),
        [Some(1210), Some(1210), Some(1200)]
    );
}

#[test]
fn a_backup_of_no_store_is_an_error_and_no_backup() {
    let stage = Stage::new();
    let error = stage.archive.backup(&stage.store, &[], &()).unwrap_err();
    assert!(error.to_string().contains("no day files"), "{error}");
    assert!(stage.archive.list().unwrap().is_empty());
}

#[test]
fn a_restore_to_a_moment_is_exact_to_the_event_and_undo_takes_it_back() {
    let stage = Stage::with(2, 600);
    let before = stage.all();
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let at = day_ms(1) + 300_000;
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, Some(at), &stage.events_dir())
        .unwrap();
    assert_eq!(plan.would_restore_to_ms, Some(at));
    assert_eq!(
        (plan.events, plan.events_gained, plan.events_lost),
        (901, 0, 299)
    );
    let report = plan.build(&()).unwrap().swap().unwrap();
    assert_eq!((report.events, report.restored_to_ms), (901, Some(at)));
    let now = stage.all();
    assert_eq!(now, before[..901]);
    assert!(now.last().unwrap().0 >> 12 == at);
    assert!(
        undo_available(&stage.events_dir())
            .unwrap()
            .contains("restore from backup")
    );
    undo(&stage.events_dir()).unwrap();
    assert_eq!(stage.all(), before);
    // An undo can itself be taken back.
    undo(&stage.events_dir()).unwrap();
    assert_eq!(stage.all(), now);
}

#[test]
fn a_moment_before_the_second_day_drops_that_day() {
    let stage = Stage::with(2, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let at = day_ms(0) + 3_600_000;
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, Some(at), &stage.events_dir())
        .unwrap();
    assert_eq!((plan.events, plan.events_lost), (100, 100));
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(stage.store.days().unwrap().len(), 1);
}

#[test]
fn a_moment_that_nothing_reaches_is_refused_with_the_nearest_ones() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    for (at, word) in [
        (DAY_MS - 5000, "at the earliest 2026-03-14T00:00:00.000Z"),
        (i64::MAX / 8192, "at the latest"),
    ] {
        let error = stage
            .archive
            .plan(RestoreSource::Latest, Some(at), &stage.events_dir())
            .unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn leftover_logs_are_never_replayed_over_a_restored_day() {
    let stage = Stage::with(1, 200);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let before = stage.all();
    // A recorder that died: its log holds 300 more events and is still there.
    let mut conn = stage.writer(DAY_MS);
    crate::archive_stage::write_events(&mut conn, DAY_MS + 900_000, 300, 1000);
    let day = stage.store.days().unwrap()[0];
    let path = stage.store.day_path(day);
    let log = |end: &str| std::path::PathBuf::from(format!("{}{end}", path.display()));
    let copies: Vec<_> = ["", "-wal"]
        .iter()
        .map(|end| std::fs::read(log(end)).unwrap())
        .collect();
    drop(conn);
    for (end, bytes) in ["", "-wal"].iter().zip(&copies) {
        std::fs::write(log(end), bytes).unwrap();
    }
    std::fs::write(log("-journal"), b"rubbish").unwrap();
    std::fs::remove_file(log("-journal")).unwrap();
    assert!(copies[1].len() > 1000);
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert!(!log("-wal").exists());
    assert_eq!(stage.all(), before);
    undo(&stage.events_dir()).unwrap();
    assert_eq!(
        stage.all().len(),
        500,
        "the dead recorder's log was kept with its database"
    );
}

#[test]
fn keeping_newer_puts_back_what_was_deleted_and_loses_nothing() {
    let stage = Stage::with(2, 300);
    let before = stage.all();
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    // Somebody deletes an hour and a whole day; recording goes on.
    stage
        .writer(day_ms(1))
        .execute("DELETE FROM changes WHERE id % 3 = 0", [])
        .unwrap();
    std::fs::remove_file(stage.events_dir().join("events-2026-03-14.db")).unwrap();
    stage.record(day_ms(1) + 600_000, 50, 1000);
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap()
        .keep_newer();
    assert_eq!(plan.events_lost, 0);
    let built = plan.build(&()).unwrap();
    // Still recording while the restore was built.
    stage.record(day_ms(1) + 700_000, 5, 1000);
    let report = built.swap().unwrap();
    assert_eq!(report.events, 655);
    let now = stage.all();
    assert_eq!(now.len(), 655);
    assert!(before.iter().all(|event| now.contains(event)));
}

#[test]
fn a_restore_goes_elsewhere_when_told_to() {
    let stage = Stage::with(1, 50);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let elsewhere = stage.dir.path().join("a/b");
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &elsewhere)
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(all_in(&elsewhere), stage.all());
    assert!(!elsewhere.join(".restore").exists());
}

#[test]
fn a_build_that_is_dropped_leaves_no_trace() {
    let stage = Stage::with(1, 50);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &stage.events_dir())
        .unwrap();
    drop(plan.build(&()).unwrap());
    assert!(!stage.events_dir().join(".restore").exists());
    assert_eq!(finish_interrupted(&stage.events_dir()).unwrap(), None);
}

#[test]
fn a_backup_beside_a_busy_recorder_is_one_moment() {
    let stage = Stage::with(1, 20_000);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut conn = stage.writer(DAY_MS);
            let mut at = DAY_MS + 50_000_000;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                crate::archive_stage::write_events(&mut conn, at, 100, 1);
                at += 100;
            }
        });
        let made = stage.archive.backup(&stage.store, &[], &()).unwrap();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(made.events.unwrap() % 100, 0, "whole commits only");
    });
    assert!(stage.archive.verify(None, Depth::Deep).ok);
}

#[test]
fn settings_files_come_along_without_their_secrets() {
    let stage = Stage::with(1, 10);
    let path = stage.dir.path().join("qsys-agent.toml");
    std::fs::write(&path, "host = \"core\"\npin = \"90210\"\n").unwrap();
    let part = |name: &str, source| SettingsFile {
        name: name.into(),
        source,
    };
    let settings = [
        part("qsys-agent.toml", SettingsSource::File(path)),
        part(
            "plugin.json",
            SettingsSource::Text("{\"version\":\"1\"}".into()),
        ),
    ];
    stage.archive.backup(&stage.store, &settings, &()).unwrap();
    let mut copies: Vec<String> = std::fs::read_dir(stage.backups_dir().join("settings"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    copies.sort();
    assert_eq!(
        copies,
        [
            "host = \"core\"\npin = \"left-out-of-backup\"\n",
            "{\"version\":\"1\"}"
        ]
    );
    assert!(stage.archive.verify(None, Depth::Quick).ok);
}

#[test]
fn the_stored_days_are_readable_with_gunzip_and_sqlite_alone() {
    let stage = Stage::with(1, 100);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let stored = std::fs::read_dir(stage.backups_dir().join("days"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let out = stage.dir.path().join("plain.db");
    let run = std::process::Command::new("gunzip")
        .arg("-c")
        .arg(&stored)
        .output()
        .unwrap();
    assert!(run.status.success());
    std::fs::write(&out, run.stdout).unwrap();
    let conn = rusqlite::Connection::open(&out).unwrap();
    let mode: String = conn
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "delete", "a copy that leaves no companions beside it");
    let events: i64 = conn
        .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
        .unwrap();
    assert_eq!(events, 100);
    let sum = std::process::Command::new("sha256sum")
        .arg(&stored)
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert!(
        stored.to_str().unwrap().contains(&sum[..16]),
        "the name holds the hash's first digits"
    );
}

#[test]
fn two_at_once_do_not_meet() {
    let stage = Stage::with(1, 3000);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    stage
                        .archive
                        .backup(&Store::open(stage.events_dir()).unwrap(), &[], &())
                        .unwrap()
                        .id
                })
            })
            .collect();
        let ids: std::collections::HashSet<_> =
            threads.into_iter().map(|t| t.join().unwrap()).collect();
        assert_eq!(ids.len(), 3);
    });
    assert!(stage.archive.verify(None, Depth::Quick).ok);
}

#[test]
fn a_day_that_goes_on_adds_only_what_is_new() {
    let stage = Stage::with(1, 20_000);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let size = || -> u64 {
        std::fs::read_dir(stage.backups_dir().join("days"))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum()
    };
    let first = size();
    for n in 0..3 {
        stage.record(day_ms(0) + 30_000_000 + n * 1_000_000, 200, 1000);
        stage.archive.backup(&stage.store, &[], &()).unwrap();
    }
    let added = size() - first;
    assert!(added < first / 5, "{added} of {first}");
    assert_eq!(stage.archive.list().unwrap()[0].events, Some(20_600));
    let report = stage.archive.verify(None, Depth::Deep);
    assert!(report.ok, "{:?}", report.findings);
    let before = stage.all();
    let at = day_ms(0) + 31_100_000;
    let elsewhere = stage.dir.path().join("elsewhere");
    for (at, events) in [(None, 20_600), (Some(at), 20_301)] {
        let plan = stage
            .archive
            .plan(RestoreSource::Latest, at, &elsewhere)
            .unwrap();
        assert_eq!(plan.build(&()).unwrap().swap().unwrap().events, events);
        assert_eq!(all_in(&elsewhere), before[..events as usize]);
    }
}

#[test]
fn a_day_that_was_changed_in_its_past_is_stored_whole_again() {
    let stage = Stage::with(1, 1000);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    // An import adds what was missing in the middle.
    stage.record(day_ms(0) + 500, 100, 1000);
    stage.archive.backup(&stage.store, &[], &()).unwrap();
    let names: Vec<String> = std::fs::read_dir(stage.backups_dir().join("days"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.iter().all(|name| !name.contains("after")),
        "{names:?}"
    );
    assert!(stage.archive.verify(None, Depth::Deep).ok);
    assert_eq!(stage.archive.list().unwrap()[0].events, Some(1100));
}

#[test]
fn an_undo_of_an_undo_is_named_as_the_restore_that_it_makes_again() {
    let (stage, then, now) = Stage::restored();
    let dir = stage.events_dir();
    let restore = undo_available(&dir).unwrap();
    assert!(restore.starts_with("restore from "), "{restore}");
    for _ in 0..2 {
        assert_eq!(undo(&dir).unwrap().undone, restore);
        assert_eq!(stage.all(), now);
        assert_eq!(undo_available(&dir).unwrap(), format!("undo of {restore}"));
        assert_eq!(undo(&dir).unwrap().undone, format!("undo of {restore}"));
        assert_eq!(stage.all(), then);
        assert_eq!(undo_available(&dir).unwrap(), restore);
    }
}
