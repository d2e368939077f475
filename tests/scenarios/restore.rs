//! The store is lost, or wrong; a restore brings it back.

use qrc::method::component::{Set, SetControl};

use crate::stage::{EmulatedCore, Process, Site, failed, until};

async fn recorded(site: &Site, core: &EmulatedCore, changes: u32) -> Process {
    let agent = site.recording_agent();
    let wall = core.client();
    let before = site.json(&["status"])["events"]["total"].as_u64().unwrap();
    for step in 1..=changes {
        let control = format!("input.{}.gain", step % 8 + 1);
        let value = -f64::from(step) / 4.0;
        wall.call(&Set::new(
            "Main_Mixer",
            vec![SetControl::value(control, value)],
        ))
        .await
        .unwrap();
        let wanted = before + u64::from(step);
        if step % 8 == 0 || step == changes {
            until("the events", || (site.count("1") >= wanted).then_some(()));
        }
    }
    agent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_store_comes_back_with_every_event() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = recorded(&site, &core, 40).await;
    let made = site.json(&["backup"]);
    assert_eq!(made["verified"], true);
    assert_eq!(agent.terminate(), 0);
    let before = site.json(&["events", "--limit", "100000"]);
    assert_eq!(before.as_array().unwrap().len(), 40);

    std::fs::remove_dir_all(site.store()).unwrap();
    let restored = site.json(&["restore", "latest"]);
    assert_eq!(restored["events"], 40);
    assert_eq!(restored["verified"], true);
    assert_eq!(site.json(&["events", "--limit", "100000"]), before);

    // And the agent goes on where the record ends.
    let agent = site.recording_agent();
    assert_eq!(agent.terminate(), 0);
    assert_eq!(site.count("1"), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_agent_restores_without_stopping_and_undo_takes_it_back() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let mut agent = recorded(&site, &core, 16).await;
    // Named, since `latest` reaches beyond the backup, to what was shipped since.
    let made = site.json(&["backup"]);
    let id = made["id"].as_str().unwrap();
    let wall = core.client();
    wall.call(&Set::new("Master", vec![SetControl::value("gain", -33.0)]))
        .await
        .unwrap();
    until("the newer event", || (site.count("1") == 17).then_some(()));

    let (code, said) = failed(&site.run(&["restore", id]));
    assert_eq!(code, 1);
    assert!(
        said.contains("drop 1 event") && said.contains("--keep-newer"),
        "{said}"
    );
    assert_eq!(site.count("1"), 17);

    let restored = site.json(&["restore", id, "--force"]);
    assert_eq!(restored["events"], 16);
    assert!(restored["undo"].is_string());
    assert!(agent.is_running());
    assert_eq!(site.count("1"), 16);

    // Recording goes on into the restored store.
    wall.call(&Set::new("Master", vec![SetControl::value("gain", -34.0)]))
        .await
        .unwrap();
    until("the event after the restore", || {
        (site.count("value = -34.0") == 1).then_some(())
    });

    site.json(&["undo"]);
    until("the former store", || {
        (site.count("value = -33.0") == 1).then_some(())
    });
    assert!(agent.is_running());
    assert_eq!(agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_and_touches_nothing_and_a_moment_is_reached_to_the_event() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = recorded(&site, &core, 24).await;
    site.json(&["backup"]);
    assert_eq!(agent.terminate(), 0);
    let events = site.json(&["events", "--limit", "100000"]);
    let middle = events[11]["timestamp"].as_i64().unwrap();
    let until_middle = site.count(&format!("timestamp <= {middle}"));

    let at = middle.to_string();
    let plan = site.json(&["restore", "latest", "--at", &at, "--dry-run"]);
    assert_eq!(plan["events_lost"], 24 - until_middle);
    let controls = plan["controls"].as_array().unwrap();
    let lost: u64 = controls
        .iter()
        .map(|control| control["lost"].as_u64().unwrap())
        .sum();
    assert_eq!(lost, 24 - until_middle, "{plan}");
    for member in [
        "would_restore_to",
        "events_gained",
        "bytes_needed",
        "estimate_seconds",
        "gaps",
    ] {
        assert!(!plan[member].is_null(), "{member}: {plan}");
    }
    assert_eq!(site.count("1"), 24);

    let target = site.path("elsewhere");
    let target_text = target.display().to_string();
    let restored = site.json(&["restore", "latest", "--at", &at, "--target", &target_text]);
    assert_eq!(restored["events"], until_middle);
    assert_eq!(site.count("1"), 24);
    assert_eq!(crate::stage::day_files(&target).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn export_and_import_bring_the_same_events_once() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = recorded(&site, &core, 16).await;
    assert_eq!(agent.terminate(), 0);
    for name in ["all.json", "all.jsonl.gz", "all.csv"] {
        let file = site.path(name).display().to_string();
        assert_eq!(site.json(&["export", "--output", &file])["events"], 16);
        let again = site.json(&["import", &file]);
        assert_eq!(
            (&again["added"], &again["skipped"]),
            (&0.into(), &16.into()),
            "{name}"
        );
    }
    std::fs::remove_dir_all(site.store()).unwrap();
    let file = site.path("all.json").display().to_string();
    let back = site.json(&["import", &file]);
    assert_eq!((&back["added"], &back["rejected"]), (&16.into(), &0.into()));
    assert_eq!(site.count("1"), 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_after_the_last_backup_comes_back_too() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = recorded(&site, &core, 16).await;
    site.json(&["backup"]);
    let wall = core.client();
    wall.call(&Set::new("Master", vec![SetControl::value("gain", -33.0)]))
        .await
        .unwrap();
    until("the newer event", || {
        (site.count("value = -33.0") == 1).then_some(())
    });
    until("nothing to be at risk", || {
        (site.json(&["status"])["rpo_seconds"] == 0.0).then_some(())
    });

    // The agent is killed, and the store is gone.
    agent.kill();
    std::fs::remove_dir_all(site.store()).unwrap();
    assert_eq!(site.json(&["restore", "latest"])["events"], 17);
    assert_eq!(site.count("value = -33.0"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_deleted_under_a_running_agent_is_restored_through_it() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let mut agent = recorded(&site, &core, 16).await;
    site.json(&["backup"]);
    std::fs::remove_dir_all(site.store()).unwrap();

    let wall = core.client();
    wall.call(&Set::new("Master", vec![SetControl::value("gain", -33.0)]))
        .await
        .unwrap();
    until("recording into a store made again", || {
        let status = site.json(&["status"]);
        (status["recording"] == true && site.count("value = -33.0") == 1).then_some(())
    });
    let restored = site.json(&["restore", "latest", "--keep-newer"]);
    assert_eq!(restored["events"], 17);
    assert!(agent.is_running());
    assert_eq!(agent.terminate(), 0);
    assert_eq!(site.count("1"), 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_the_latest_while_changes_come_loses_none_of_them() {
    let core = EmulatedCore::start(&[]);
    let site = std::sync::Arc::new(Site::new(core.port));
    let agent = recorded(&site, &core, 8).await;
    site.json(&["backup"]);
    let moving = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let (restored_site, goes_on) = (site.clone(), moving.clone());
    let restores = std::thread::spawn(move || {
        let mut done = 0;
        while goes_on.load(std::sync::atomic::Ordering::Relaxed) || done == 0 {
            // Refused while something is not shipped yet: then it would be lost.
            let output = restored_site.run(&["restore", "latest"]);
            done += usize::from(output.status.success());
        }
        done
    });
    let wall = core.client();
    for step in 1..=40 {
        let value = -40.0 - f64::from(step);
        wall.call(&Set::new("Master", vec![SetControl::value("gain", value)]))
            .await
            .unwrap();
        let filter = format!("value = {value:?}");
        until("the event", || (site.count(&filter) == 1).then_some(()));
    }
    moving.store(false, std::sync::atomic::Ordering::Relaxed);
    let done = restores.join().unwrap();
    assert!(done > 0);
    assert_eq!(agent.terminate(), 0);
    assert_eq!(
        site.count("value <= -41.0 AND component_name = 'Master'"),
        40,
        "{done} restores"
    );
}

#[test]
fn what_cannot_be_restored_or_proved_makes_no_folder_and_no_lock() {
    let site = Site::new(1);
    let (store, archive) = (site.store(), site.path("backups"));
    let nothing_is_made = || {
        for verb in [
            &["restore", "latest"][..],
            &["restore", "latest", "--dry-run"],
            &["restore", "none", "--target", "elsewhere"],
            &["verify"],
        ] {
            let (code, said) = failed(&site.run(verb));
            assert_eq!(code, 1, "{verb:?}: {said}");
        }
        site.json(&["list"]);
        site.json(&["status"]);
        assert!(!store.exists() && !site.path("elsewhere").exists());
    };
    nothing_is_made();
    assert!(!archive.exists());
    std::fs::create_dir(&archive).unwrap();
    nothing_is_made();
    assert_eq!(std::fs::read_dir(&archive).unwrap().count(), 0);
    let said = String::from_utf8(site.run(&["verify"]).stdout).unwrap();
    assert!(
        said.contains("no backup") && !said.contains("sound"),
        "{said}"
    );
}

/// One flipped bit in a stored day, and the store is lost.
#[test]
fn of_21_days_one_is_damaged_in_the_archive_and_20_come_back_loudly_in_part() {
    let site = Site::new(1);
    let event = |day: u32| {
        format!(
            r#"{{"timestamp":{},"control_path":"Old.gain","component_name":"Old","control_name":"gain","value":{day}}}"#,
            1_772_400_000_000_i64 + i64::from(day) * 86_400_000
        )
    };
    let file = site.path("days.jsonl");
    std::fs::write(&file, (0..21).map(event).collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(site.json(&["import", file.to_str().unwrap()])["added"], 21);
    site.json(&["backup"]);
    let days = std::fs::read_dir(site.path("backups/days")).unwrap();
    let mut days: Vec<_> = days.map(|entry| entry.unwrap().path()).collect();
    days.sort();
    let mut bytes = std::fs::read(&days[9]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&days[9], bytes).unwrap();
    let elsewhere = site.path("elsewhere");
    let target = elsewhere.to_str().unwrap();

    let output = site.run(&["restore", "latest", "--target", target]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("RESTORED IN PART to "), "{said}");
    assert!(
        said.contains("\nNote: not restored: 2026-03-10 with 1 events, "),
        "{said}"
    );
    assert!(!said.contains("checked"), "{said}");
    // Known from now on: a dry run says it, too. The store still has that day, which stays.
    let planned = site.json(&["restore", "latest", "--dry-run"]);
    assert_eq!(planned["days_left_out"], serde_json::json!(["2026-03-10"]));
    assert_eq!(
        (&planned["events"], &planned["events_lost"]),
        (&20.into(), &0.into())
    );
    let restored = site.run(&["restore", "latest", "--json"]);
    assert_eq!(restored.status.code(), Some(1));
    let restored: serde_json::Value = serde_json::from_slice(&restored.stdout).unwrap();
    assert_eq!(
        (&restored["verified"], &restored["events"]),
        (&false.into(), &20.into())
    );
    assert_eq!(restored["days_left_out"], serde_json::json!(["2026-03-10"]));
    assert_eq!(site.count("1"), 21);
    // The next backup stores the day anew, and all is well.
    assert_eq!(site.json(&["backup"])["verified"], true);
    std::fs::remove_dir_all(site.store()).unwrap();
    assert_eq!(site.json(&["restore", "latest"])["verified"], true);
    assert_eq!(site.count("1"), 21);
}
