//! Proof means read: what a day leaves the store for, and what a backup says of the files that it shares.

use std::collections::BTreeMap;
use std::path::PathBuf;

use backup::{Archive, Depth, RestoreSource, Retention, RetentionPlan};
use serde_json::{Value as Json, json};

use crate::archive_forge::reseal_file;
use crate::archive_stage::{Stage, all_in, day_ms, now};

/// Flips one bit in the middle of a stored file, and leaves its size and time as they were.
pub(crate) fn flip(path: &PathBuf) {
    let mut bytes = std::fs::read(path).unwrap();
    let modified = path.metadata().unwrap().modified().unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}

/// The stored files of a day, the whole one first.
pub(crate) fn stored(stage: &Stage, day: i64) -> Vec<PathBuf> {
    let name = backup::Day::of_ms(day_ms(day)).to_string();
    let entries = std::fs::read_dir(stage.backups_dir().join("days")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().contains(&name));
    files.sort_by_key(|file| file.to_string_lossy().contains("-after-"));
    files
}

fn prune_days(stage: &Stage, dry_run: bool) -> RetentionPlan {
    let retention = Retention {
        days: Some(30),
        bytes: None,
    };
    let archive = Archive::open(stage.backups_dir()).unwrap();
    archive
        .prune_days(&stage.store, &retention, now(), dry_run)
        .unwrap()
}

fn restored(stage: &Stage) -> Vec<(i64, f64)> {
    let target = tempfile::tempdir().unwrap();
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, target.path())
        .unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    all_in(target.path())
}

pub(crate) fn back_up(stage: &Stage) -> backup::BackupInfo {
    stage.archive.backup(&stage.store, &[], &()).unwrap()
}

/// The whole file of the first day, or the later part that it was completed with.
#[test]
fn a_day_stays_in_the_store_while_the_archives_copy_is_damaged_and_the_next_backup_stores_it_anew()
{
    for spoilt in [0, 1] {
        let stage = Stage::with(3, 100);
        back_up(&stage);
        stage.record(day_ms(0) + 200_000, 5, 1000);
        back_up(&stage);
        stage.let_rest();
        let whole = stage.all();
        let file = stored(&stage, 0)[spoilt].clone();
        flip(&file);

        // Nobody has read it: a dry run does not either.
        let dry = prune_days(&stage, true);
        assert_eq!(dry.remove.len(), 2, "{dry:?}");
        let plan = prune_days(&stage, false);
        let first = backup::Day::of_ms(day_ms(0));
        assert_eq!(plan.remove.len(), 1, "{plan:?}");
        assert_eq!(plan.kept[0].day, first);
        let why = &plan.kept[0].why;
        assert!(
            why.starts_with("older than 30 days, but its copy is damaged: "),
            "{why}"
        );
        assert!(why.contains("altered: found"), "{why}");
        assert!(
            why.contains(file.file_name().unwrap().to_str().unwrap()),
            "{why}"
        );
        assert!(stage.store.day_path(first).exists());

        // From now on that copy is not held, also for whoever comes later.
        let listed = stage.archive.list().unwrap();
        assert!(!listed[0].verified && !listed[0].restores, "{listed:?}");
        assert!(prune_days(&stage, false).remove.is_empty());
        let made = back_up(&stage);
        assert!(made.verified);
        assert_eq!(made.events, Some(whole.len() as u64 - 100));
        let plan = prune_days(&stage, false);
        assert_eq!(plan.remove.len(), 1, "{plan:?}");
        assert_eq!(stage.store.days().unwrap().len(), 1);
        let back = restored(&stage);
        assert!(whole[..105].iter().all(|event| back.contains(event)));
        assert!(stage.archive.verify(Some(&made.id), Depth::Deep).ok);
    }
}

/// Each hash is right, so that only the rows tell.
#[test]
fn a_day_stays_in_the_store_while_the_rows_of_the_archives_copy_are_others() {
    let stage = Stage::with(2, 100);
    back_up(&stage);
    stage.record(day_ms(1) + 500_000, 5, 1000);
    back_up(&stage);
    stage.record(day_ms(2), 5, 1000);
    crate::archive_forge::forge(&stage.backups_dir(), |conn| {
        conn.execute(
            "UPDATE changes SET value = -1 WHERE id = (SELECT max(id) FROM changes)",
            [],
        )
        .unwrap();
    });
    let plan = prune_days(&stage, false);
    assert_eq!(plan.remove.len(), 1, "{plan:?}");
    let why = &plan.kept[0].why;
    assert!(
        why.contains("its copy is damaged: found 105 changes"),
        "{why}"
    );
    let made = back_up(&stage);
    assert!(stage.archive.verify(Some(&made.id), Depth::Deep).ok);
    assert_eq!(prune_days(&stage, false).remove.len(), 1);
    assert_eq!(restored(&stage).len(), 110);
}

#[test]
fn what_a_verification_found_damaged_is_stored_anew_alone() {
    let stage = Stage::with(3, 100);
    let first = back_up(&stage);
    stage.let_rest();
    let (spoilt, sound) = (stored(&stage, 0).remove(0), stored(&stage, 1).remove(0));
    flip(&spoilt);
    assert!(!stage.archive.verify(Some(&first.id), Depth::Quick).ok);
    let before = [&spoilt, &sound].map(|file| file.metadata().unwrap().modified().unwrap());
    assert!(back_up(&stage).verified);
    assert!(back_up(&stage).verified);
    let after = [&spoilt, &sound].map(|file| file.metadata().unwrap().modified().unwrap());
    assert!(before[0] < after[0] && before[1] == after[1]);
    assert!(stage.archive.verify(None, Depth::Quick).ok);
}

/// When each stored day file was read last, by its name.
fn looks(stage: &Stage) -> BTreeMap<String, i64> {
    let text = std::fs::read(stage.backups_dir().join("looks.json")).unwrap();
    let looks: Json = serde_json::from_slice(&text).unwrap();
    let files = looks["files"].as_object().unwrap().iter();
    files
        .map(|(file, look)| (file.clone(), look["read_at_ms"].as_i64().unwrap()))
        .collect()
}

/// Makes it look as if all stored files had been read so many hours earlier.
fn age(stage: &Stage, hours: i64) {
    reseal_file(&stage.backups_dir().join("looks.json"), |looks| {
        for look in looks["files"].as_object_mut().unwrap().values_mut() {
            let at = &mut look["read_at_ms"];
            *at = json!(at.as_i64().unwrap() - hours * 3_600_000);
        }
    });
}

#[test]
fn a_backup_shares_no_damaged_day_that_was_not_read_back_within_the_limit() {
    let forget: [fn(&Stage); 3] = [
        |stage| age(stage, 7 * 24 + 1),
        // A clock that was wrong when they were read.
        |stage| age(stage, -24),
        |stage| std::fs::remove_file(stage.backups_dir().join("looks.json")).unwrap(),
    ];
    for forget in forget {
        let stage = Stage::with(3, 100);
        back_up(&stage);
        stage.record(day_ms(2) + 200_000, 5, 1000);
        stage.let_rest();
        back_up(&stage);
        stage.let_rest();
        back_up(&stage);
        forget(&stage);
        // A sealed day, and the later part of the newest one.
        flip(&stored(&stage, 0)[0]);
        flip(&stored(&stage, 2)[1]);
        let made = back_up(&stage);
        assert!(made.verified, "{made:?}");
        let report = stage.archive.verify(Some(&made.id), Depth::Deep);
        assert!(report.ok, "{:?}", report.findings);
        assert_eq!(restored(&stage), stage.all());
    }
}

#[test]
fn a_later_part_is_put_on_no_day_that_is_damaged() {
    let stage = Stage::with(1, 100);
    back_up(&stage);
    age(&stage, 7 * 24 + 1);
    flip(&stored(&stage, 0)[0]);
    stage.record(day_ms(0) + 200_000, 5, 1000);
    let made = back_up(&stage);
    let report = stage.archive.verify(Some(&made.id), Depth::Deep);
    assert!(report.ok, "{:?}", report.findings);
    assert_eq!(restored(&stage), stage.all());
}

#[test]
fn what_was_read_back_lately_is_shared_unread_and_the_rest_is_read_again_little_by_little() {
    // The first three days are a little more than half of the bytes.
    let stage = Stage::new();
    for day in 0..6 {
        stage.record(day_ms(day), if day < 3 { 120 } else { 100 }, 1000);
    }
    back_up(&stage);
    stage.let_rest();
    back_up(&stage);
    let before = looks(&stage);
    assert_eq!(before.len(), 6);
    back_up(&stage);
    assert_eq!(looks(&stage), before);
    // The last backup was a day ago, and in two days all must be read: half of them now, then the other half.
    let mut unread = Vec::new();
    for _ in 0..2 {
        if unread.is_empty() {
            age(&stage, 5 * 24);
        } else {
            age(&stage, 24);
        }
        crate::archive_forge::backdate(&stage.backups_dir(), 24);
        let aged = looks(&stage);
        back_up(&stage);
        let now = looks(&stage);
        unread.push(aged.iter().filter(|(file, at)| now[*file] == **at).count());
    }
    assert_eq!(unread, [3, 3]);
}

#[test]
fn a_settings_file_that_is_damaged_in_the_archive_is_stored_anew() {
    let stage = Stage::with(1, 10);
    let settings = [backup::SettingsFile {
        name: "agent.toml".into(),
        source: backup::SettingsSource::Text("[core]\nhost = \"192.0.2.7\"\n".into()),
    }];
    let backup = || stage.archive.backup(&stage.store, &settings, &()).unwrap();
    backup();
    let mut entries = std::fs::read_dir(stage.backups_dir().join("settings")).unwrap();
    flip(&entries.next().unwrap().unwrap().path());
    backup();
    let report = stage.archive.verify(None, Depth::Quick);
    assert!(report.ok, "{:?}", report.findings);
}
