//! A day's file is damaged: it is moved aside, recording goes on, and what puts the day back is offered until it is.

use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};

use qrc::method::component::{Set, SetControl};
use serde_json::Value;

use crate::stage::{EmulatedCore, Site, agent_program, day_files, program_at, until};

/// A changed master gain, seen in the store.
async fn change(site: &Site, wall: &qrc::Client, value: f64) {
    let set = Set::new("Master", vec![SetControl::value("gain", value)]);
    wall.call(&set).await.unwrap();
    let filter = format!("component_name = 'Master' AND value = {value:?}");
    until("the change", || (site.count(&filter) == 1).then_some(()));
}

/// Writes rubbish over everything but the first page, in place.
fn spoil(file: &Path) {
    let pages = std::fs::metadata(file).unwrap().len() / 4096;
    let open = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    for page in 1..pages {
        open.write_all_at(&[0xa5; 4096], page * 4096).unwrap();
    }
}

fn offers(site: &Site) -> Vec<Value> {
    let status = site.json(&["status"]);
    status["store"]["damaged"].as_array().unwrap().clone()
}

fn offered(site: &Site) -> Value {
    until("the damaged day to be offered", || offers(site).pop())
}

/// Types what was offered, word for word.
fn put_back(site: &Site, offer: &Value) {
    let command = offer["command"].as_str().unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "qsys-agent");
    let output = site.run(&words[1..]);
    assert!(output.status.success(), "{command}: {output:?}");
}

/// Events of three days before today, so that there are sealed days.
fn import_earlier_days(site: &Site) -> Vec<PathBuf> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.unwrap().as_millis()).unwrap();
    let lines = (1..=3).map(|days| {
        format!(
            r#"{{"timestamp":{},"control_path":"Old.gain","component_name":"Old","control_name":"gain","value":{days}}}"#,
            now - days * 86_400_000
        )
    });
    let file = site.path("earlier.jsonl");
    std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(
        site.json(&["import", &file.display().to_string()])["added"],
        3
    );
    let mut days = day_files(&site.store());
    days.sort();
    days
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_open_day_is_offered_until_the_offered_command_has_put_it_back() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let wall = core.client();
    let agent = site.recording_agent();
    change(&site, &wall, -1.0).await;
    change(&site, &wall, -2.0).await;
    site.json(&["backup"]);
    // Only shipped.
    change(&site, &wall, -3.0).await;
    until("nothing to be at risk", || {
        (site.json(&["status"])["rpo_seconds"] == 0.0).then_some(())
    });
    agent.kill();
    let day = day_files(&site.store()).pop().unwrap();
    // What is still in the log would cover the damage.
    rusqlite::Connection::open(&day)
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    spoil(&day);

    let agent = site.recording_agent();
    change(&site, &wall, -4.0).await;
    assert_eq!(site.count("value = -1.0"), 0);
    let offer = offered(&site);
    let moved_to = PathBuf::from(offer["moved_to"].as_str().unwrap());
    assert!(moved_to.exists());
    let check = site.run(&["check"]);
    let said = String::from_utf8(check.stdout).unwrap();
    assert_eq!(check.status.code(), Some(1), "{said}");
    for part in ["command", "day"].map(|part| offer[part].as_str().unwrap()) {
        assert!(said.contains(part), "{said}");
    }
    let shown = String::from_utf8(site.run(&["status"]).stdout).unwrap();
    assert!(
        shown.contains(offer["command"].as_str().unwrap()),
        "{shown}"
    );

    assert!(
        site.json(&["status"])["rpo_seconds"].as_f64().unwrap() > 0.0,
        "the backup does not hold what came after, and nothing shipped has a backup to stand on"
    );
    // A later backup holds only what came after. Neither it nor a new start changes the offer.
    site.json(&["backup"]);
    until("nothing to be at risk", || {
        (site.json(&["status"])["rpo_seconds"] == 0.0).then_some(())
    });
    assert_eq!(agent.terminate(), 0);
    assert_eq!(offered(&site), offer);
    let agent = site.recording_agent();
    assert_eq!(offered(&site), offer);

    put_back(&site, &offer);
    for value in ["-1.0", "-2.0", "-3.0", "-4.0"] {
        assert_eq!(
            site.count(&format!("component_name = 'Master' AND value = {value}")),
            1,
            "{value}"
        );
    }
    until("the offer to go", || offers(&site).is_empty().then_some(()));
    assert!(!moved_to.exists());
    let gaps = backup::Store::open(site.store())
        .unwrap()
        .gaps(0, i64::MAX)
        .unwrap();
    let mut lost = gaps.iter().filter(|gap| gap.why.contains("damaged"));
    let last = backup::Store::open(site.store())
        .unwrap()
        .events(&backup::Query::default())
        .unwrap();
    let came_back = last
        .events
        .iter()
        .find(|event| event.value == Some(backup::Value::Number(-3.0)));
    assert_eq!(
        lost.next().unwrap().from_ms,
        came_back.unwrap().at_ms,
        "what came back is no gap any more"
    );
    let events = site.json(&["events", "--control", "Master.gain"]);
    assert_eq!(events.as_array().unwrap().len(), 4);

    // An undo brings the damage back; an undo of that makes the day whole again.
    // The whole day was backed up before the undo, so what is offered now reaches further.
    site.json(&["undo"]);
    let again = offered(&site);
    for member in ["day", "at", "moved_to"] {
        assert_eq!(again[member], offer[member]);
    }
    for member in ["backup", "reaches"] {
        assert!(again[member].as_str().unwrap() > offer[member].as_str().unwrap());
    }
    let command = again["command"].as_str().unwrap();
    assert!(command.contains(again["backup"].as_str().unwrap()));
    site.json(&["undo"]);
    until("the offer to go", || offers(&site).is_empty().then_some(()));
    assert_eq!(site.count("value = -3.0"), 1);
    assert_eq!(agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_sealed_day_is_offered_whether_it_is_seen_at_once_or_by_the_next_backup() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let wall = core.client();
    let agent = site.recording_agent();
    let days = import_earlier_days(&site);
    change(&site, &wall, -1.0).await;
    site.json(&["backup"]);

    // Under the running agent.
    spoil(&days[0]);
    let offer = offered(&site);
    assert!(!days[0].exists());
    put_back(&site, &offer);
    until("the offer to go", || offers(&site).is_empty().then_some(()));
    assert_eq!(site.count("component_name = 'Old'"), 3);
    assert_eq!(agent.terminate(), 0);

    // While none runs: the first page is whole, so only a backup reads far enough.
    spoil(&days[1]);
    let agent = site.recording_agent();
    let made = site.json(&["backup"]);
    assert_eq!(made["verified"], true, "the other days are backed up");
    let offer = offered(&site);
    assert_ne!(offer["backup"], made["id"]);
    // Backups that push others out leave this one.
    for _ in 0..8 {
        site.json(&["backup"]);
    }
    put_back(&site, &offer);
    until("the offer to go", || offers(&site).is_empty().then_some(()));
    assert_eq!(site.count("component_name = 'Old'"), 3);
    assert_eq!(agent.terminate(), 0);
}

#[test]
fn a_command_that_is_offered_acts_on_its_own_site_from_any_folder() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port)
        .unset("EVENT_MONITORING_DB_PATH")
        .unset("EVENT_BACKUP_PATH");
    let file = site.path("the site's settings/agent.toml");
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    let text = "[store]\npath = \"../events\"\n[backup]\npath = \"../backups\"\n";
    std::fs::write(&file, text).unwrap();
    let site = site.set("QSYS_AGENT_CONFIG", file.to_str().unwrap());
    let programs = tempfile::tempdir().unwrap();
    let program = std::path::absolute(agent_program().get_program()).unwrap();
    symlink(program, programs.path().join("qsys-agent")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    // Typed in another folder, by a person whose shell has none of the site's variables.
    let type_elsewhere = |command: &str| {
        let output = program_at("sh".as_ref())
            .current_dir(elsewhere.path())
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", programs.path().display()),
            )
            .args(["-c", command])
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };

    import_earlier_days(&site);
    let none = String::from_utf8(site.run(&["list"]).stdout).unwrap();
    type_elsewhere(quoted(&none));
    let kept = site.json(&["list"]);
    assert_eq!(kept.as_array().unwrap().len(), 1, "{none}");

    let agent = site.recording_agent();
    let mut days = day_files(&site.store());
    days.sort();
    spoil(&days[0]);
    let offer = offered(&site);
    let restored = type_elsewhere(offer["command"].as_str().unwrap());
    assert_eq!(site.count("component_name = 'Old'"), 3);
    type_elsewhere(quoted(&restored));
    assert_eq!(site.count("component_name = 'Old'"), 2, "taken back");
    assert_eq!(agent.terminate(), 0);
    let made = std::fs::read_dir(elsewhere.path()).unwrap().count();
    assert_eq!(made, 0, "nothing is made where it was typed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_removed_under_a_running_agent_is_critical_until_the_said_command_has_brought_it_back()
 {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let wall = core.client();
    let agent = site.recording_agent();
    let days = import_earlier_days(&site);
    change(&site, &wall, -1.0).await;
    let held = site.json(&["backup"]);
    std::fs::remove_file(&days[1]).unwrap();
    let lost = || site.json(&["status"])["store"]["lost"].clone();
    let loss = until("the lost day to be told", || {
        lost().as_array()?.first().cloned()
    });
    assert_eq!(loss["backup"], held["id"]);
    let check = || {
        let output = site.run(&["check"]);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, said) = check();
    assert_eq!(code, Some(2), "{said}");
    for part in ["day", "command"].map(|part| loss[part].as_str().unwrap()) {
        assert!(said.contains(part), "{said}");
    }
    let removed = |gaps: &Value| {
        let mut gaps = gaps.as_array().unwrap().iter();
        gaps.any(|gap| {
            gap["why"]
                .as_str()
                .unwrap()
                .ends_with("was removed by another program")
        })
    };
    // Later backups lack the day, and neither they nor a new start change what is said.
    site.json(&["backup"]);
    let plan = site.json(&["restore", "latest", "--dry-run"]);
    let notes = plan["notes"].to_string();
    assert!(notes.contains(held["id"].as_str().unwrap()), "{notes}");
    assert!(removed(&plan["gaps"]), "{plan}");
    assert_eq!(agent.terminate(), 0);
    assert_eq!(lost()[0], loss);
    let agent = site.recording_agent();
    until("the same to be told", || (lost()[0] == loss).then_some(()));

    put_back(&site, &loss);
    until("nothing to be lost", || {
        (lost() == serde_json::json!([])).then_some(())
    });
    assert_eq!(site.count("component_name = 'Old'"), 3);
    assert_eq!(site.count("value = -1.0 AND component_name = 'Master'"), 1);
    let (code, said) = check();
    assert_ne!(code, Some(2), "{said}");
    site.json(&["backup"]);
    let plan = site.json(&["restore", "latest", "--dry-run"]);
    assert!(!removed(&plan["gaps"]), "{plan}");
    until("no gap to tell of it", || {
        (!removed(&site.json(&["status"])["recoverable"]["gaps"])).then_some(())
    });
    assert_eq!(agent.terminate(), 0);
}

/// The command in a sentence.
fn quoted(sentence: &str) -> &str {
    sentence.split('`').nth(1).expect(sentence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_day_that_no_backup_holds_is_said_until_its_file_is_removed() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let days = import_earlier_days(&site);
    spoil(&days[0]);
    let offer = offered(&site);
    assert!(
        offer["command"].is_null() && offer["backup"].is_null(),
        "{offer}"
    );
    std::fs::remove_file(offer["moved_to"].as_str().unwrap()).unwrap();
    until("it to be said no more", || {
        offers(&site).is_empty().then_some(())
    });
    assert_eq!(agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_written_over_under_a_running_agent_is_set_aside_before_more_goes_into_it() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let wall = core.client();
    let mut agent = site.recording_agent();
    change(&site, &wall, -1.0).await;
    site.json(&["backup"]);
    spoil(&day_files(&site.store())[0]);
    change(&site, &wall, -2.0).await;
    assert_eq!(site.count("value = -1.0"), 0);
    let offer = offered(&site);
    assert_eq!(site.json(&["status"])["recording"], true);
    put_back(&site, &offer);
    assert_eq!(
        site.count("value IN (-1.0, -2.0) AND component_name = 'Master'"),
        2
    );
    assert!(agent.is_running());
    assert_eq!(agent.terminate(), 0);
}
