//! One folder of backups is one room's: a second room is refused and both go on recording; a folder that was emptied is
//! noticed and filled again.

use std::path::Path;

use qrc::method::component::{Set, SetControl};
use serde_json::Value;

use crate::stage::{EmulatedCore, Site, failed, until};

/// Turns faders, each time to another value below `from`, until all of it is in the store.
async fn play(site: &Site, core: &EmulatedCore, from: f64, changes: u32) {
    let wall = core.client();
    let before = site.count("1");
    for step in 1..=changes {
        let control = format!("input.{}.gain", step % 8 + 1);
        let value = from - f64::from(step) / 4.0;
        wall.call(&Set::new(
            "Main_Mixer",
            vec![SetControl::value(control, value)],
        ))
        .await
        .unwrap();
        let wanted = before + u64::from(step);
        until("the event", || (site.count("1") >= wanted).then_some(()));
    }
}

fn store_id(store: &Path) -> String {
    let bytes = std::fs::read(store.join("store.json")).unwrap();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    document["store"].as_str().unwrap().to_owned()
}

fn events(site: &Site) -> Value {
    site.json(&["events", "--limit", "100000"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_room_is_refused_and_both_record_on_and_a_lost_disk_brings_back_its_own_room() {
    let (hall, foyer) = (EmulatedCore::start(&[]), EmulatedCore::start(&[]));
    let first = Site::new(hall.port);
    let folder = first.path("backups").display().to_string();
    let second = Site::new(foyer.port).set("EVENT_BACKUP_PATH", &folder);
    let first_agent = first.recording_agent();
    play(&first, &hall, 0.0, 12).await;
    first.json(&["backup"]);
    let second_agent = second.recording_agent();
    play(&second, &foyer, -40.0, 9).await;

    let ids = [store_id(&first.store()), store_id(&second.store())];
    let said = until("the refusal", || {
        let check = second.run(&["check"]);
        let said = String::from_utf8(check.stdout).unwrap();
        (check.status.code() == Some(2)).then_some(said)
    });
    for part in [
        &ids[0],
        &ids[1],
        &folder,
        "another folder",
        "restore latest --force",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let status = second.json(&["status"]);
    assert_eq!(status["recording"], true);
    assert_eq!(status["backup"]["count"], 0);
    assert_eq!(status["recoverable"]["to"], Value::Null);
    for verb in [&["backup"][..], &["prune"], &["restore", "latest"]] {
        let (code, said) = failed(&second.run(verb));
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&ids[0]) && said.contains(&ids[1]), "{said}");
    }
    // Both go on.
    play(&second, &foyer, -60.0, 5).await;
    play(&first, &hall, -20.0, 7).await;
    let made = first.json(&["backup"]);
    assert_eq!(made["events"], 19);
    play(&first, &hall, -30.0, 4).await;
    assert_eq!(first.run(&["check"]).status.code(), Some(0));
    assert_eq!(first.json(&["verify"])["ok"], true);
    let shown = events(&first);
    until("all to be shipped", || {
        (first.json(&["status"])["rpo_seconds"] == 0.0).then_some(())
    });

    // The first room's disk dies.
    first_agent.kill();
    std::fs::remove_dir_all(first.store()).unwrap();
    let first_agent = first.recording_agent();
    assert_eq!(store_id(&first.store()), ids[0]);
    first.json(&["restore", "latest"]);
    assert_eq!(events(&first), shown);
    assert_eq!(first_agent.terminate(), 0);

    // The way out for the second one.
    let elsewhere = second.path("of its own").display().to_string();
    assert_eq!(second_agent.terminate(), 0);
    let second = second.set("EVENT_BACKUP_PATH", &elsewhere);
    let agent = second.recording_agent();
    assert_eq!(second.json(&["backup"])["events"], 14);
    assert_eq!(second.run(&["check"]).status.code(), Some(0));
    assert_eq!(agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_emptied_is_noticed_and_filled_again() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_BACKUP_INTERVAL", "86400000");
    let agent = site.recording_agent();
    play(&site, &core, 0.0, 10).await;
    site.json(&["backup"]);
    let archive = site.path("backups");
    let before = std::fs::read(archive.join("archive.json")).unwrap();
    // All at once: the agent writes there meanwhile.
    let emptied = site.path("emptied");
    std::fs::rename(&archive, &emptied).unwrap();
    play(&site, &core, -20.0, 6).await;
    until("a backup in the new archive", || {
        let list = site.json(&["list"]);
        (list.as_array().unwrap().len() == 1).then_some(())
    });
    assert_ne!(std::fs::read(archive.join("archive.json")).unwrap(), before);
    play(&site, &core, -30.0, 3).await;
    until("all to be shipped", || {
        (site.json(&["status"])["rpo_seconds"] == 0.0).then_some(())
    });
    let shown = events(&site);
    agent.kill();
    std::fs::remove_dir_all(site.store()).unwrap();
    assert_eq!(site.json(&["restore", "latest"])["events"], 19);
    assert_eq!(events(&site), shown);
}

/// The newest file of a folder by its name, of those that begin and end so.
fn newest(folder: &Path, begins: &str, ends: &str) -> std::path::PathBuf {
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let named = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(begins) && name.ends_with(ends)
    };
    files.filter(named).max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_takes_out_of_the_archive_is_noticed_and_backed_up_at_once() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_BACKUP_INTERVAL", "86400000");
    let agent = site.recording_agent();
    play(&site, &core, 0.0, 10).await;
    let archive = site.path("backups");
    let shipped = || {
        until("all to be shipped", || {
            (site.json(&["status"])["rpo_seconds"] == 0.0).then_some(())
        });
    };
    let kinds = [
        ("segments/segment-", ".jsonl.gz", -20.0),
        ("backup-", ".json", -40.0),
    ];
    for (begins, ends, from) in kinds {
        site.json(&["backup"]);
        play(&site, &core, from, 6).await;
        shipped();
        let folder = archive.join(begins).parent().unwrap().to_owned();
        let begins = begins.rsplit('/').next().unwrap();
        let gone = newest(&folder, begins, ends);
        let before = newest(&archive, "backup-", ".json");
        std::fs::remove_file(&gone).unwrap();
        until("a backup that nobody asked for", || {
            let now = newest(&archive, "backup-", ".json");
            (now > before).then_some(())
        });
        play(&site, &core, from - 10.0, 3).await;
        shipped();
        until("the agent to be content", || {
            (site.run(&["check"]).status.code() == Some(0)).then_some(())
        });
        assert_eq!(site.json(&["verify"])["ok"], true);
    }
    let shown = events(&site);
    agent.kill();
    std::fs::remove_dir_all(site.store()).unwrap();
    site.json(&["restore", "latest"]);
    assert_eq!(events(&site), shown);
}
