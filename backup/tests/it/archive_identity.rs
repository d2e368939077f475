//! Whose record an archive holds: one store's, and nothing of another is taken, changed or brought back unasked.

use std::fs;
use std::path::{Path, PathBuf};

use backup::{Archive, BackupKind, Depth, Error, Policy, RestoreSource, Store};
use serde_json::{Value as Json, json};

use crate::archive_forge::{manifests, reseal};
use crate::archive_stage::{Stage, all_in, bytes_in, day_ms, let_lie, now};
use crate::stage::{NOON, TestClock, number, series, start, stop};

fn json_of(path: &Path) -> Json {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn store_id(store: &Path) -> String {
    let document = json_of(&store.join("store.json"));
    document["store"].as_str().unwrap().to_owned()
}

fn back_up(archive: &Archive, store: &Path) -> backup::Result<backup::BackupInfo> {
    archive.backup(&Store::open(store).unwrap(), &[], &())
}

fn lose(store: &Path) {
    fs::remove_dir_all(store).unwrap();
    fs::create_dir(store).unwrap();
}

fn ship(archive: &Archive, store: &Path) -> backup::Result<()> {
    let mut shipper = archive.ship(&Store::open(store).unwrap())?;
    while shipper.step()?.more {}
    Ok(())
}

fn restore_latest(archive: &Archive, target: &Path) -> backup::Result<()> {
    let plan = archive.plan(RestoreSource::Latest, None, target)?;
    plan.build(&())?.swap().map(drop)
}

#[test]
fn the_first_backup_and_the_first_shipping_say_whose_the_archive_is() {
    for shipped in [false, true] {
        let stage = Stage::with(1, 10);
        if shipped {
            ship(&stage.archive, &stage.events_dir()).unwrap();
        } else {
            back_up(&stage.archive, &stage.events_dir()).unwrap();
        }
        let says = json_of(&stage.backups_dir().join("archive.json"));
        assert_eq!(says["kind"], "qsys-agent archive");
        assert_eq!(says["format"], 2);
        assert_eq!(says["archive"].as_str().unwrap().len(), 32);
        assert_eq!(says["store"], store_id(&stage.events_dir()));
        let path = stage.events_dir().canonicalize().unwrap();
        assert_eq!(says["writer"]["path"], path.to_str().unwrap());
        assert_ne!(says["writer"]["machine"].as_str().unwrap(), "");
        back_up(&stage.archive, &stage.events_dir()).unwrap();
        assert_eq!(json_of(&stage.backups_dir().join("archive.json")), says);
        let manifest = json_of(&manifests(&stage.backups_dir()).pop().unwrap());
        let store = json_of(&stage.events_dir().join("store.json"));
        assert_eq!(manifest["format"], 2);
        assert_eq!(manifest["archive"], says["archive"]);
        assert_eq!(manifest["store"], says["store"]);
        assert_eq!(manifest["lineages"], store["lineages"]);
        assert_eq!(manifest["lineage"], store["lineages"][0]["id"]);
    }
}

#[test]
fn an_archive_of_another_store_is_refused_with_both_names_and_stays_as_it_is() {
    let (own, other) = (Stage::with(1, 10), Stage::with(1, 20));
    let archive = &own.archive;
    back_up(archive, &own.events_dir()).unwrap();
    let before = bytes_in(&own.backups_dir());
    back_up(&other.archive, &other.events_dir()).unwrap();
    let refused = [
        back_up(archive, &other.events_dir()).map(drop),
        ship(archive, &other.events_dir()),
        archive.meant_for(&other.events_dir()),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::OtherStore { .. }), "{error}");
        let said = error.to_string();
        for named in [
            store_id(&own.events_dir()),
            store_id(&other.events_dir()),
            own.backups_dir().display().to_string(),
        ] {
            assert!(said.contains(&named), "{said}");
        }
        let hint = error.hint().unwrap();
        assert!(hint.contains("another folder"), "{hint}");
        assert!(hint.contains("--force"), "{hint}");
    }
    assert_eq!(bytes_in(&own.backups_dir()), before);
    archive.meant_for(&own.events_dir()).unwrap();
}

#[test]
fn a_copy_of_a_store_is_refused_while_the_first_one_is_at_work() {
    let stage = Stage::with(1, 10);
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    let copy = stage.dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for (path, bytes) in bytes_in(&stage.events_dir()) {
        fs::write(copy.join(path.file_name().unwrap()), bytes).unwrap();
    }
    let error = back_up(&stage.archive, &copy).unwrap_err();
    assert!(matches!(error, Error::OtherAgent { .. }), "{error}");
    let first = stage.events_dir().canonicalize().unwrap();
    assert!(
        error.to_string().contains(first.to_str().unwrap()),
        "{error}"
    );
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    let_lie(&stage.backups_dir());
    back_up(&stage.archive, &copy).unwrap();
    let says = json_of(&stage.backups_dir().join("archive.json"));
    assert_eq!(
        says["writer"]["path"],
        copy.canonicalize().unwrap().to_str().unwrap()
    );
}

#[test]
fn a_store_that_was_lost_is_the_same_store_in_another_history() {
    let stage = Stage::with(2, 10);
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    let before = json_of(&stage.events_dir().join("store.json"));
    let events = stage.all();
    lose(&stage.events_dir());
    assert!(stage.archive.take_up(&stage.events_dir()).unwrap());
    assert!(!stage.archive.take_up(&stage.events_dir()).unwrap());
    let after = json_of(&stage.events_dir().join("store.json"));
    assert_eq!(after["store"], before["store"]);
    let lineages = after["lineages"].as_array().unwrap();
    assert_eq!(lineages.len(), 2);
    assert_eq!(lineages[0], before["lineages"][0]);
    assert_eq!(lineages[1]["left"]["lineage"], lineages[0]["id"]);
    assert_eq!(lineages[1]["left"]["after"], events.last().unwrap().0);
    let why = lineages[1]["left"]["why"].as_str().unwrap();
    assert!(why.contains("lost"), "{why}");

    // Nobody called it: a backup does it as well.
    lose(&stage.events_dir());
    stage.record(day_ms(3), 7, 10);
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    assert_eq!(store_id(&stage.events_dir()), before["store"]);
    assert!(stage.archive.verify(None, Depth::Deep).ok);
    let target = tempfile::tempdir().unwrap();
    restore_latest(&stage.archive, target.path()).unwrap();
    assert_eq!(all_in(target.path()).len(), 7);
}

#[test]
fn a_store_elsewhere_does_not_become_the_archives_by_itself() {
    let (own, other) = (Stage::with(1, 10), Stage::with(1, 20));
    back_up(&own.archive, &own.events_dir()).unwrap();
    assert!(!own.archive.take_up(&other.events_dir()).unwrap());
    assert!(!other.events_dir().join("store.json").exists());
    let error = back_up(&own.archive, &other.events_dir()).unwrap_err();
    assert!(matches!(error, Error::OtherStore { .. }), "{error}");
}

#[test]
fn an_archive_that_lost_its_name_has_it_again_from_its_backups() {
    let stage = Stage::with(1, 10);
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    let file = stage.backups_dir().join("archive.json");
    let says = json_of(&file);
    for damage in [
        None,
        Some(&b""[..]),
        Some(b"{ \"kind\": \"qsys"),
        Some(b"{}"),
    ] {
        match damage {
            None => fs::remove_file(&file).unwrap(),
            Some(bytes) => fs::write(&file, bytes).unwrap(),
        }
        let report = stage.archive.verify(None, Depth::Quick);
        assert_eq!(report.ok, damage.is_none(), "{report:?}");
        let other = Stage::with(1, 3);
        assert!(back_up(&stage.archive, &other.events_dir()).is_err());
        back_up(&stage.archive, &stage.events_dir()).unwrap();
        assert_eq!(json_of(&file), says);
    }
    // A newer program's is left alone.
    let newer = fs::read_to_string(&file)
        .unwrap()
        .replace("\"format\": 2", "\"format\": 3");
    fs::write(&file, &newer).unwrap();
    let error = back_up(&stage.archive, &stage.events_dir()).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), newer);
}

#[test]
fn whether_an_archive_is_still_the_same_is_known() {
    let stage = Stage::with(1, 10);
    assert_eq!(stage.archive.id().unwrap(), None);
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    let id = stage.archive.id().unwrap().unwrap();
    assert!(stage.archive.still(&id).unwrap());
    let aside = stage.dir.path().join("aside");
    fs::rename(stage.backups_dir(), &aside).unwrap();
    assert!(!stage.archive.still(&id).unwrap());
    fs::create_dir(stage.backups_dir()).unwrap();
    assert!(!stage.archive.still(&id).unwrap());
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    assert!(!stage.archive.still(&id).unwrap());
    fs::remove_dir_all(stage.backups_dir()).unwrap();
    fs::rename(&aside, stage.backups_dir()).unwrap();
    assert!(stage.archive.still(&id).unwrap());
}

/// Two archives in one folder; the other room's backup is the newer one. Gives the files that came with it, too.
fn merged() -> (Stage, Stage, Vec<(PathBuf, Vec<u8>)>) {
    let (own, other) = (Stage::with(2, 10), Stage::with(3, 20));
    back_up(&own.archive, &own.events_dir()).unwrap();
    back_up(&own.archive, &own.events_dir()).unwrap();
    for _ in 0..4 {
        back_up(&other.archive, &other.events_dir()).unwrap();
    }
    let mut came = Vec::new();
    for (from, bytes) in bytes_in(&other.backups_dir()) {
        let inside = from.strip_prefix(other.backups_dir()).unwrap();
        let to = own.backups_dir().join(inside);
        if !to.exists() {
            fs::write(&to, &bytes).unwrap();
            came.push((to, bytes));
        }
    }
    (own, other, came)
}

#[test]
fn backups_of_another_store_are_listed_as_that_and_never_taken_counted_or_removed() {
    let (own, other, theirs) = merged();
    assert!(theirs.len() >= 7, "four manifests and three days");
    let list = own.archive.list().unwrap();
    assert_eq!(list.len(), 6);
    let of = |kind| list.iter().filter(move |info| info.kind == kind);
    assert_eq!(of(BackupKind::Ours).count(), 2);
    let foreign: Vec<_> = of(BackupKind::OtherStore).collect();
    assert_eq!(foreign.len(), 4);
    for info in &foreign {
        let problem = info.problem.as_deref().unwrap();
        assert!(
            problem.contains(&store_id(&other.events_dir())),
            "{problem}"
        );
        assert!(!info.verified && !info.restores);
    }
    let target = tempfile::tempdir().unwrap();
    let plan = own
        .archive
        .plan(RestoreSource::Latest, None, target.path())
        .unwrap();
    let passed_over = plan
        .notes
        .iter()
        .filter(|note| note.contains("another store"));
    assert_eq!(passed_over.count(), 4);
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(all_in(target.path()), own.all());

    let report = own.archive.verify(None, Depth::Quick);
    let said = report
        .findings
        .iter()
        .filter(|it| it.problem == "of another store");
    assert_eq!(said.count(), 4, "{report:?}");
    assert_eq!(report.findings.len(), 4, "{report:?}");

    let pruned = own.archive.prune(Policy::count(1), now(), false).unwrap();
    assert_eq!((pruned.kept.len(), pruned.removed.len()), (1, 1));
    for (file, bytes) in theirs {
        assert_eq!(fs::read(file).unwrap(), bytes);
    }
    // The next one goes on from the newest of this store.
    back_up(&own.archive, &own.events_dir()).unwrap();
    let newest = manifests(&own.backups_dir()).pop().unwrap();
    assert_eq!(json_of(&newest)["sequence"], 3);
}

#[test]
fn a_restore_into_an_empty_folder_gives_it_the_archives_name() {
    let stage = Stage::with(1, 10);
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    let target = tempfile::tempdir().unwrap();
    restore_latest(&stage.archive, target.path()).unwrap();
    let (then, now) = (
        json_of(&stage.events_dir().join("store.json")),
        json_of(&target.path().join("store.json")),
    );
    assert_eq!(then["store"], now["store"]);
    let lineages = now["lineages"].as_array().unwrap();
    assert_eq!(lineages.len(), 2);
    assert_eq!(lineages[0], then["lineages"][0]);
}

#[test]
fn a_restore_over_another_store_is_refused_until_it_is_taken_over() {
    let (own, other) = (Stage::with(1, 10), Stage::with(2, 20));
    back_up(&own.archive, &own.events_dir()).unwrap();
    back_up(&other.archive, &other.events_dir()).unwrap();
    let (own_id, other_id) = (store_id(&own.events_dir()), store_id(&other.events_dir()));
    let before = bytes_in(&other.events_dir());
    let events = other.all();
    let plan = || {
        let latest = RestoreSource::Latest;
        own.archive.plan(latest, None, &other.events_dir()).unwrap()
    };
    let asked = plan();
    let differs = asked.other_store.clone().unwrap();
    assert_eq!((&differs.found, &differs.expected), (&other_id, &own_id));
    assert!(
        asked
            .notes
            .iter()
            .any(|note| note.contains("another store"))
    );
    for refused in [asked, plan().keep_newer(), plan().keep_newer().take_over()] {
        let error = refused.build(&()).unwrap_err();
        assert!(matches!(error, Error::OtherStore { .. }), "{error}");
        assert!(error.to_string().contains(&own_id), "{error}");
    }
    assert_eq!(bytes_in(&other.events_dir()), before);
    plan().take_over().build(&()).unwrap().swap().unwrap();
    assert_eq!(store_id(&other.events_dir()), own_id);
    assert_eq!(other.all(), own.all());
    let now = json_of(&other.events_dir().join("store.json"));
    assert_eq!(now["lineages"].as_array().unwrap().len(), 2);
    // It goes on in that archive once the other writer is done.
    let_lie(&own.backups_dir());
    back_up(&own.archive, &other.events_dir()).unwrap();
    // Taking it back makes it the store that it was.
    backup::undo(&other.events_dir()).unwrap();
    assert_eq!(store_id(&other.events_dir()), other_id);
    assert_eq!(other.all(), events);
    back_up(&other.archive, &other.events_dir()).unwrap();
}

#[test]
fn a_file_of_another_store_is_refused_until_it_is_forced_and_import_is_named() {
    let (own, other) = (Stage::with(1, 10), Stage::with(2, 20));
    back_up(&own.archive, &own.events_dir()).unwrap();
    back_up(&other.archive, &other.events_dir()).unwrap();
    // As a recorder notes it.
    let path = own.store.day_path(own.store.days().unwrap()[0]);
    let conn = own.writer(day_ms(0));
    conn.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('store', ?1)",
        [store_id(&own.events_dir())],
    )
    .unwrap();
    drop(conn);
    let plan = || {
        let file = RestoreSource::File(path.clone());
        own.archive.plan(file, None, &other.events_dir()).unwrap()
    };
    let error = plan().build(&()).unwrap_err();
    assert!(matches!(error, Error::OtherStore { .. }), "{error}");
    assert!(error.hint().unwrap().contains("import"), "{error}");
    let before = store_id(&other.events_dir());
    plan().take_over().build(&()).unwrap().swap().unwrap();
    assert_eq!(store_id(&other.events_dir()), before);
    assert_eq!(other.all().len(), 30);
    // Nothing is in the way of its own file.
    let file = RestoreSource::File(path.clone());
    let own_plan = own.archive.plan(file, None, &own.events_dir()).unwrap();
    assert_eq!(own_plan.other_store, None);
    // A folder without a record gets the file's.
    let target = tempfile::tempdir().unwrap();
    let file = RestoreSource::File(path);
    let plan = own.archive.plan(file, None, target.path()).unwrap();
    plan.build(&()).unwrap().swap().unwrap();
    assert_eq!(store_id(target.path()), store_id(&own.events_dir()));
}

#[test]
fn a_day_is_safe_only_in_a_backup_of_a_history_that_the_store_came_from() {
    let stage = Stage::with(2, 10);
    back_up(&stage.archive, &stage.events_dir()).unwrap();
    let first = stage.store.days().unwrap()[0];
    let safe = || stage.archive.is_archived(&stage.store, first).unwrap();
    assert!(safe());
    let file = stage.events_dir().join("store.json");
    let own = json_of(&file);
    let spoil: [fn(&mut Json); 2] = [
        |says| says["lineages"][0]["id"] = json!("00000000000000aa"),
        |says| says["store"] = json!("000000000000000000000000000000bb"),
    ];
    for spoil in spoil {
        let mut other = own.clone();
        spoil(&mut other);
        fs::write(&file, other.to_string()).unwrap();
        assert!(!safe());
    }
    fs::write(&file, own.to_string()).unwrap();
    assert!(safe());
}

#[test]
fn a_manifest_of_format_2_says_whose_it_is() {
    for member in ["store", "archive", "lineage", "lineages"] {
        let stage = Stage::with(1, 10);
        back_up(&stage.archive, &stage.events_dir()).unwrap();
        reseal(&stage.backups_dir(), |manifest| {
            manifest.as_object_mut().unwrap().remove(member);
        });
        let report = stage.archive.verify(None, Depth::Quick);
        let found = report.findings.iter().map(|it| it.problem.as_str());
        assert!(
            found.clone().any(|it| it == "not a manifest"),
            "{member}: {report:?}"
        );
    }
}

#[tokio::test]
async fn a_store_whose_folder_is_removed_while_it_is_recorded_stays_the_same_store() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::at(NOON));
    let dir = folder.path().join("events");
    let archive = Archive::open(folder.path().join("backups")).unwrap();
    let (recorder, thread) = start(&dir, &clock);
    let id = recorder.series(series("Lobby.gain"));
    recorder.changes(NOON, vec![number(id, 1.0)]).await;
    recorder.flush().await.unwrap();
    back_up(&archive, &dir).unwrap();
    let before = json_of(&dir.join("store.json"));
    let mut shipper = archive.ship(&Store::open(&dir).unwrap()).unwrap();
    shipper.step().unwrap();
    fs::remove_dir_all(&dir).unwrap();
    // Shipping does not give it another name.
    let _ = shipper.step();
    assert!(!dir.join("store.json").exists());
    recorder.changes(NOON + 1, vec![number(id, 2.0)]).await;
    recorder.flush().await.unwrap();
    let after = json_of(&dir.join("store.json"));
    assert_eq!(after["store"], before["store"]);
    let lineages = after["lineages"].as_array().unwrap();
    assert_eq!(lineages.len(), 2);
    assert_eq!(lineages[1]["left"]["lineage"], before["lineages"][0]["id"]);
    shipper.step().unwrap();
    back_up(&archive, &dir).unwrap();
    stop(recorder, thread).await;
}

#[test]
fn what_is_shipped_is_never_that_of_another_store() {
    let (own, other) = (Stage::with(1, 10), Stage::with(1, 20));
    back_up(&own.archive, &own.events_dir()).unwrap();
    back_up(&other.archive, &other.events_dir()).unwrap();
    let latest = RestoreSource::Latest;
    let plan = own.archive.plan(latest, None, &other.events_dir()).unwrap();
    plan.take_over().build(&()).unwrap().swap().unwrap();
    let_lie(&own.backups_dir());
    let mut shipper = own.archive.ship(&other.store).unwrap();
    shipper.step().unwrap();
    backup::undo(&other.events_dir()).unwrap();
    let before = bytes_in(&own.backups_dir());
    let error = shipper.step().unwrap_err();
    assert!(matches!(error, Error::OtherStore { .. }), "{error}");
    assert_eq!(bytes_in(&own.backups_dir()), before);
}
