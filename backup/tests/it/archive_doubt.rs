//! Prune beside backups in doubt: a failed look costs no backup, and no day that exists nowhere else.

use std::path::{Path, PathBuf};

use backup::{BackupInfo, Depth, Policy, PruneReport, RestoreSource, SettingsFile, SettingsSource};

use crate::archive_forge::{backdate, forge};
use crate::archive_stage::{Stage, day_ms, now};
use crate::read_back::{flip, stored};

/// A backup that looks some hours old.
fn backup(stage: &Stage, hours: i64) -> BackupInfo {
    let settings = [SettingsFile {
        name: "agent.toml".into(),
        source: SettingsSource::Text("interval = 1\n".into()),
    }];
    let made = stage.archive.backup(&stage.store, &settings, &()).unwrap();
    backdate(&stage.backups_dir(), hours);
    made
}

/// Three backups of three days. The first day is in the archive alone since.
fn three_backups() -> Stage {
    let stage = Stage::with(3, 50);
    for hours in [9, 8, 7] {
        stage.record(day_ms(2) + 1_000_000 - hours * 10_000, 5, 1000);
        backup(&stage, hours);
    }
    remove_from_store(&stage, 0);
    stage
}

fn live(stage: &Stage, day: i64) -> PathBuf {
    stage.store.day_path(backup::Day::of_ms(day_ms(day)))
}

fn remove_from_store(stage: &Stage, day: i64) {
    std::fs::remove_file(live(stage, day)).unwrap();
}

/// A verification while a file is away, as on a share that stumbles.
fn verify_without(stage: &Stage, file: &Path) {
    let aside = stage.dir.path().join("aside");
    std::fs::rename(file, &aside).unwrap();
    assert!(!stage.archive.verify(None, Depth::Quick).ok);
    std::fs::rename(&aside, file).unwrap();
}

/// Prunes; a dry run before says the same.
fn prune(stage: &Stage, keep: usize) -> PruneReport {
    let prune =
        |dry_run| (stage.archive).prune_beside(&stage.store, Policy::count(keep), now(), dry_run);
    let said = prune(true).unwrap();
    let done = prune(false).unwrap();
    assert_eq!(
        (&said.removed, &said.kept, &said.notes),
        (&done.removed, &done.kept, &done.notes)
    );
    done
}

fn removed(report: &PruneReport) -> Vec<&str> {
    report.removed.iter().map(|gone| gone.id.as_str()).collect()
}

fn verified(stage: &Stage) -> Vec<bool> {
    let list = stage.archive.list().unwrap().into_iter();
    list.map(|info| info.verified).collect()
}

fn settings_file(stage: &Stage) -> PathBuf {
    let mut files = std::fs::read_dir(stage.backups_dir().join("settings")).unwrap();
    files.next().unwrap().unwrap().path()
}

fn manifest_of_first(stage: &Stage) -> PathBuf {
    crate::archive_forge::manifests(&stage.backups_dir()).remove(0)
}

#[test]
fn what_was_away_during_a_verification_costs_no_backup() {
    for file in [
        |stage: &Stage| stored(stage, 0).remove(0),
        |stage: &Stage| stored(stage, 1).remove(0),
        settings_file,
        manifest_of_first,
    ] {
        let stage = three_backups();
        let file = file(&stage);
        verify_without(&stage, &file);
        assert_eq!(removed(&prune(&stage, 7)), [""; 0]);
        backup(&stage, 0);
        assert_eq!(removed(&prune(&stage, 7)), [""; 0], "{}", file.display());
        assert_eq!(verified(&stage), [true; 4], "{}", file.display());
        assert!(stage.archive.verify(None, Depth::Deep).ok);
    }
}

#[test]
fn what_was_away_during_a_verification_leaves_by_the_rules_as_if_it_had_not_been() {
    let stage = three_backups();
    let ids: Vec<String> = (stage.archive.list().unwrap().into_iter())
        .map(|info| info.id)
        .collect();
    verify_without(&stage, &stored(&stage, 1)[0]);
    assert_eq!(removed(&prune(&stage, 2)), [&ids[2]]);
}

#[test]
fn a_damaged_day_that_is_stored_anew_makes_all_backups_whole_that_share_it() {
    let stage = three_backups();
    flip(&stored(&stage, 1)[0]);
    assert!(!stage.archive.verify(None, Depth::Quick).ok);
    assert_eq!(verified(&stage), [false; 3]);
    backup(&stage, 0);
    assert_eq!(verified(&stage), [true; 4]);
    assert_eq!(removed(&prune(&stage, 7)), [""; 0]);
    assert!(stage.archive.verify(None, Depth::Deep).ok);
}

#[test]
fn what_is_damaged_goes_only_once_proved_backups_fill_the_rules_and_takes_no_day_along_unsaid() {
    let stage = three_backups();
    let damaged: Vec<String> = (stage.archive.list().unwrap().into_iter())
        .map(|info| info.id)
        .collect();
    flip(&stored(&stage, 1)[0]);
    // Gone from the store, too, so that nothing can mend it.
    remove_from_store(&stage, 1);
    assert!(!stage.archive.verify(None, Depth::Quick).ok);
    for hours in [3, 2] {
        backup(&stage, hours);
        assert_eq!(removed(&prune(&stage, 3)), [""; 0]);
    }
    backup(&stage, 1);
    let report = prune(&stage, 3);
    assert_eq!(removed(&report), damaged);
    let told = "2026-03-14 leaves with it: no other backup and not the store holds it";
    let why = |n: usize| report.removed[n].why.as_str();
    assert!(why(0).ends_with(told), "{}", why(0));
    assert!(!why(1).contains("leaves with it"), "{}", why(1));
    assert!(!why(0).contains("2026-03-15"), "{}", why(0));
}

#[test]
fn a_day_that_leaves_by_the_rules_is_told_and_one_that_another_backup_holds_is_not() {
    let stage = three_backups();
    assert!(!prune(&stage, 2).removed[0].why.contains("leaves with it"));
    backup(&stage, 2);
    assert!(!prune(&stage, 2).removed[0].why.contains("leaves with it"));
    backup(&stage, 1);
    let report = prune(&stage, 2);
    let why = &report.removed[0].why;
    assert!(
        why.ends_with("2026-03-14 leaves with it: no other backup and not the store holds it"),
        "{why}"
    );
}

/// The rules would let the older backup go, since a newer one that stays has the day, too; but of that one nobody knows
/// whether it is whole.
#[test]
fn the_only_whole_copy_of_a_day_stays_while_the_other_is_in_doubt() {
    let stage = Stage::with(3, 50);
    stage.record(day_ms(2) + 500_000, 5, 1000);
    let first = backup(&stage, 9);
    stage.record(day_ms(2) + 600_000, 5, 1000);
    let holder = backup(&stage, 8);
    let aside = stage.dir.path().join("aside");
    std::fs::rename(live(&stage, 0), &aside).unwrap();
    let without = backup(&stage, 7);
    std::fs::rename(&aside, live(&stage, 0)).unwrap();
    let known = stored(&stage, 0);
    // In the past of the day, so that it is stored in a file of its own.
    stage.record(day_ms(0) + 500, 5, 1000);
    let doubtful = backup(&stage, 6);
    remove_from_store(&stage, 0);
    let newest = backup(&stage, 5);
    let own = stored(&stage, 0).into_iter();
    flip(&own.into_iter().find(|file| !known.contains(file)).unwrap());
    assert!(!stage.archive.verify(None, Depth::Quick).ok);

    let report = prune(&stage, 2);
    assert_eq!(removed(&report), [&first.id]);
    assert_eq!(
        report.kept,
        [&newest.id, &doubtful.id, &without.id, &holder.id].map(String::clone)
    );
    let said = format!(
        "backup {} stays though no rule keeps it: it alone holds 2026-03-14 whole",
        holder.id
    );
    assert!(report.notes[0].starts_with(&said), "{:?}", report.notes);
    assert!(report.notes[0].contains(&doubtful.id), "{:?}", report.notes);
}

/// Each hash is right, so that a look at the file alone finds nothing.
#[test]
fn a_day_whose_rows_are_others_is_not_whole_again_because_its_file_is() {
    let stage = Stage::with(2, 100);
    backup(&stage, 3);
    forge(&stage.backups_dir(), |conn| {
        conn.execute(
            "UPDATE changes SET value = -1 WHERE id = (SELECT max(id) FROM changes)",
            [],
        )
        .unwrap();
    });
    stage.record(day_ms(2), 5, 1000);
    let retention = backup::Retention {
        days: Some(30),
        bytes: None,
    };
    let plan = stage
        .archive
        .prune_days(&stage.store, &retention, now(), false);
    assert!(plan.unwrap().kept[0].why.contains("its copy is damaged"));
    assert_eq!(verified(&stage), [false]);
    prune(&stage, 2);
    assert_eq!(verified(&stage), [false]);
}

/// A backup may turn out whole when it is looked at again, so one in doubt stays for a damaged day as a proved one does.
#[test]
fn a_damaged_day_keeps_the_newest_backup_of_it_though_that_is_in_doubt() {
    let stage = three_backups();
    let newest = stage.archive.list().unwrap().remove(0);
    let written = |file: &PathBuf| file.metadata().unwrap().modified().unwrap();
    let its_own = stored(&stage, 2).into_iter().max_by_key(written).unwrap();
    let third = live(&stage, 2);
    std::fs::rename(
        &third,
        third.with_extension(format!("db.corrupt-{}", day_ms(4))),
    )
    .unwrap();
    stage.record(day_ms(3), 5, 1000);
    verify_without(&stage, &its_own);
    let mends = stage.archive.mends(&stage.store).unwrap();
    assert_ne!(mends[0].from.as_ref().unwrap().0, newest.id);
    assert!(mends[0].stays.contains(&newest.id), "{mends:?}");
}

/// What was shipped is all that is left of an abandoned history where its backup turns out damaged.
#[test]
fn segments_of_another_history_stay_while_the_backup_that_covers_them_is_in_doubt() {
    let stage = Stage::with(1, 100);
    let first = backup(&stage, 9);
    let ship = |from_ms: i64| {
        stage.record(from_ms, 10, 100);
        let mut shipper = stage.archive.ship(&stage.store).unwrap();
        while shipper.step().unwrap().more {}
    };
    ship(day_ms(0) + 1_000_000);
    let segments = || std::fs::read_dir(stage.backups_dir().join("segments")).unwrap();
    let shipped = segments().next().unwrap().unwrap().path();
    backup(&stage, 8);
    let its_own = stored(&stage, 0).pop().unwrap();
    let back = RestoreSource::Id(first.id);
    let plan = stage.archive.plan(back, None, &stage.events_dir());
    plan.unwrap().build(&()).unwrap().swap().unwrap();
    ship(day_ms(0) + 2_000_000);
    verify_without(&stage, &its_own);
    backup(&stage, 7);
    assert!(shipped.exists());
    prune(&stage, 7);
    ship(day_ms(0) + 3_000_000);
    backup(&stage, 6);
    assert!(!shipped.exists(), "the backup is whole after all");
}
