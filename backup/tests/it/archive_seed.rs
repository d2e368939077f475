//! The original's backups: listed, verified, restored.

use backup::{BackupKind, Depth, RestoreSource};

use crate::archive_stage::{DAY_MS, Stage, all_in, gzip_file, seed_database};

fn seeded() -> (Stage, &'static str) {
    let stage = Stage::new();
    let name = "events-backup-2026-03-14T10-00-00-000Z.db.gz";
    let raw = stage.dir.path().join("seed.db");
    seed_database(&raw, 1000, DAY_MS + 1000);
    gzip_file(&raw, &stage.backups_dir().join(name));
    (stage, name)
}

#[test]
fn a_seed_backup_is_listed_and_called_verified_only_once_it_is() {
    let (stage, name) = seeded();
    let list = stage.archive.list().unwrap();
    assert_eq!(
        (list[0].id.as_str(), list[0].kind, list[0].verified),
        (name, BackupKind::Original, false)
    );
    assert_eq!(list[0].created_at_ms, DAY_MS + 36_000_000);
    let report = stage.archive.verify(Some(name), Depth::Quick);
    assert!(report.ok, "{:?}", report.findings);
    let list = stage.archive.list().unwrap();
    assert_eq!((list[0].events, list[0].verified), (Some(1000), true));
    let bytes = std::fs::read(stage.backups_dir().join(name)).unwrap();
    std::fs::write(stage.backups_dir().join(name), &bytes[..bytes.len() / 2]).unwrap();
    assert!(
        !stage.archive.list().unwrap()[0].verified,
        "a changed file has lost its proof"
    );
    let report = stage.archive.verify(None, Depth::Quick);
    assert_eq!(report.findings[0].problem, "damaged");
}

#[test]
fn a_seed_backup_restores_as_day_files() {
    let (stage, name) = seeded();
    for source in [
        RestoreSource::Latest,
        RestoreSource::Id(name.into()),
        RestoreSource::File(stage.backups_dir().join(name)),
        RestoreSource::File(stage.dir.path().join("seed.db")),
    ] {
        let target = stage
            .dir
            .path()
            .join(format!("{source:?}").replace('/', "-"));
        let plan = stage.archive.plan(source, None, &target).unwrap();
        let report = plan.build(&()).unwrap().swap().unwrap();
        assert_eq!(report.events, 1000);
        let all = all_in(&target);
        assert_eq!(all.len(), 1000);
        assert!(
            all.iter()
                .enumerate()
                .all(|(n, (_, value))| *value == n as f64)
        );
    }
    let left: Vec<_> = std::fs::read_dir(stage.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("seed.db-"))
        .collect();
    assert!(left.is_empty(), "nothing is left beside the file: {left:?}");
}

#[test]
fn a_seed_backup_restores_to_a_moment_too() {
    let (stage, name) = seeded();
    let at = DAY_MS + 1000 + 4999;
    let plan = stage
        .archive
        .plan(
            RestoreSource::Id(name.into()),
            Some(at),
            &stage.events_dir(),
        )
        .unwrap();
    assert_eq!(plan.events, 500);
    assert_eq!(plan.build(&()).unwrap().swap().unwrap().events, 500);
}

#[test]
fn a_seed_backup_with_a_row_that_no_day_can_hold_is_refused_when_it_is_planned() {
    let (stage, _) = seeded();
    for outside in [-1, 253_402_300_800_000, i64::MAX] {
        let file = stage.dir.path().join("outside.db");
        let _ = std::fs::remove_file(&file);
        seed_database(&file, 10, DAY_MS);
        let conn = rusqlite::Connection::open(&file).unwrap();
        conn.execute("UPDATE events SET timestamp = ?1 WHERE id = 10", [outside])
            .unwrap();
        drop(conn);
        for at in [None, Some(DAY_MS + 20)] {
            let plan =
                stage
                    .archive
                    .plan(RestoreSource::File(file.clone()), at, &stage.events_dir());
            let error = plan.unwrap_err().to_string();
            assert!(error.contains(&outside.to_string()), "{error}");
        }
    }
}

#[test]
fn what_is_no_backup_is_said_to_be_none() {
    let (stage, _) = seeded();
    let file = stage.dir.path().join("notes.db");
    for (content, word) in [(&b"hello"[..], "not a database"), (b"", "foreign")] {
        std::fs::write(&file, content).unwrap();
        let report = backup::Archive::verify_file(&file, Depth::Quick);
        assert!(
            !report.ok && report.findings[0].problem.contains(word),
            "{:?}",
            report.findings
        );
        assert!(
            stage
                .archive
                .plan(RestoreSource::File(file.clone()), None, &stage.events_dir())
                .is_err()
        );
    }
    let missing = backup::Archive::verify_file(&stage.dir.path().join("none.db"), Depth::Quick);
    assert_eq!(missing.findings[0].problem, "missing");
}
