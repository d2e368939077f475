//! Backups by the clock: made when something is new, proved again when nothing is, made anew when one is damaged.

use qrc::method::component::{Set, SetControl};
use serde_json::Value;

use crate::stage::{EmulatedCore, Site, day_files, until};

fn ids(site: &Site) -> Vec<String> {
    let list = site.json(&["list"]);
    let id = |backup: &Value| backup["id"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(id).collect()
}

/// Waits for a look at the schedule that finds the last backup good later than at `after`.
fn good_again(site: &Site, after: &str) -> String {
    until("the schedule to look again", || {
        let last = site.json(&["status"])["backup"]["last_good"].clone();
        last.as_str()
            .filter(|last| *last > after)
            .map(str::to_owned)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_room_is_proved_again_and_a_new_change_is_backed_up() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_BACKUP_INTERVAL", "200");
    let _agent = site.recording_agent();

    // What the start itself recorded may lie between the first two.
    let first = until("the first backup", || ids(&site).into_iter().next());
    let mut looked = String::new();
    let quiet = until("two looks without a new backup", || {
        let before = ids(&site);
        looked = good_again(&site, &looked);
        looked = good_again(&site, &looked);
        (ids(&site) == before).then_some(before)
    });
    assert!(quiet.contains(&first), "{quiet:?} has lost {first}");

    let wall = core.client();
    let set = Set::new("Master", vec![SetControl::value("gain", -31.5)]);
    wall.call(&set).await.unwrap();
    until("a backup of the new change", || {
        let backups = site.json(&["list"]);
        (backups[0]["id"] != quiet[0].as_str()).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_files_are_damaged_is_made_anew_though_nothing_is_new() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_BACKUP_INTERVAL", "200");
    let _agent = site.recording_agent();
    let mut looked = String::new();
    let quiet = until("a look without a new backup", || {
        let before = ids(&site);
        looked = good_again(&site, &looked);
        (!before.is_empty() && ids(&site) == before).then_some(before)
    });

    let days = site.path("backups").join("days");
    for day in std::fs::read_dir(days).unwrap() {
        let path = day.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
    }
    let anew = until("a backup that is whole", || {
        let backups = site.json(&["list"]);
        let newest = &backups[0];
        (newest["id"] != quiet[0].as_str() && newest["verified"] == true)
            .then(|| newest["id"].as_str().unwrap().to_owned())
    });
    let proved = site.json(&["verify", &anew]);
    assert_eq!(proved["ok"], true, "{proved}");
}

#[test]
fn an_archive_that_cannot_be_read_is_a_failure_though_nothing_is_new_and_is_tried_again() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_BACKUP_INTERVAL", "200");
    let _agent = site.recording_agent();
    let mut looked = String::new();
    until("a look without a new backup", || {
        let before = ids(&site);
        looked = good_again(&site, &looked);
        (!before.is_empty() && ids(&site) == before).then_some(())
    });
    // What stood there is no folder any more.
    let failures = || {
        site.json(&["status"])["backup"]["failures"]
            .as_u64()
            .unwrap()
    };
    std::fs::rename(site.path("backups"), site.path("aside")).unwrap();
    std::fs::write(site.path("backups"), "mounted elsewhere").unwrap();
    until("the failure to be counted", || {
        (failures() > 1).then_some(())
    });
    std::fs::remove_file(site.path("backups")).unwrap();
    std::fs::rename(site.path("aside"), site.path("backups")).unwrap();
    until("a backup that succeeds", || (failures() == 0).then_some(()));
}

#[test]
fn times_of_day_are_read_from_the_settings_and_shown() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).unset("EVENT_BACKUP_INTERVAL");
    let settings = "[backup]\nat = [\"23:30\", \"03:00\"]\n";
    std::fs::write(site.path("qsys-agent.toml"), settings).unwrap();
    let _agent = site.recording_agent();
    // The first backup does not wait for the night.
    until("the first backup", || ids(&site).into_iter().next());
    let status = until("the next moment", || {
        let status = site.json(&["status"]);
        status["backup"]["next"].is_string().then_some(status)
    });
    assert_eq!(status["backup"]["schedule"], "at 03:00, 23:30");
    assert_eq!(status["backup"]["overdue"], false);
}

/// What is recorded after a restore is of another history than the last backup: only the next one protects it.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_put_back_is_backed_up_again_at_once() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_BACKUP_INTERVAL", "86400000");
    let _agent = site.recording_agent();
    let wall = core.client();
    let fader = async |value: f64| {
        let set = Set::new("Master", vec![SetControl::value("gain", value)]);
        wall.call(&set).await.unwrap();
        until("the fader's event", || {
            (site.count(&format!("value = {value:.1}")) == 1).then_some(())
        });
    };
    fader(-31.5).await;
    until("the first backup", || ids(&site).into_iter().next());
    let made = site.json(&["backup"]);
    fader(-32.5).await;
    // Shipped: from here on the archive knows a history that the restore takes back.
    let safe = || (site.json(&["status"])["rpo_seconds"] == 0.0).then_some(());
    until("the fader to be shipped", safe);
    let before = ids(&site);
    site.json(&["restore", made["id"].as_str().unwrap(), "--force"]);
    let newest = until("a backup that nobody asked for", || {
        let now = ids(&site);
        (now.len() > before.len()).then(|| now[0].clone())
    });
    assert!(!before.contains(&newest));
    fader(-33.5).await;
    until("what came after to be safe", safe);
}

#[test]
fn none_is_due_before_anything_was_recorded() {
    // Nobody listens there.
    let site = Site::new(1).set("EVENT_BACKUP_INTERVAL", "200");
    let agent = site.agent();
    let status = site.json(&["status"]);
    assert_eq!(status["agent"]["running"], true);
    assert_eq!(status["backup"]["next"], Value::Null, "{status}");
    assert_eq!(agent.terminate(), 0);
}

#[test]
fn what_an_import_puts_into_the_past_is_backed_up_at_once() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_BACKUP_INTERVAL", "86400000");
    let _agent = site.recording_agent();
    until("the first backup", || ids(&site).into_iter().next());

    let file = site.path("history.csv");
    let day_ago = jiff::Timestamp::now().as_millisecond() - 86_400_000;
    let mut text = String::from("timestamp,control_path,value\n");
    for n in 0..50 {
        text += &format!("{},Old.gain,{n}\n", day_ago + n);
    }
    std::fs::write(&file, text).unwrap();
    let imported = site.json(&["import", file.to_str().unwrap()]);
    assert_eq!(imported["added"], 50, "{imported}");

    until("a backup of what was imported", || {
        let from = site.json(&["list"])[0]["from"].clone();
        let from: jiff::Timestamp = from.as_str()?.parse().ok()?;
        (from.as_millisecond() == day_ago).then_some(())
    });
    let target = site.path("target");
    std::fs::create_dir(&target).unwrap();
    let arguments = ["restore", "latest", "--target", target.to_str().unwrap()];
    site.json(&arguments);
    let old = |day: &std::path::PathBuf| -> u64 {
        let conn = rusqlite::Connection::open(day).unwrap();
        let sql = "SELECT count(*) FROM events WHERE control_path = 'Old.gain'";
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(day_files(&target).iter().map(old).sum::<u64>(), 50);
    until("nothing at risk any more", || {
        let status = site.json(&["status"]);
        status["rpo_seconds"].as_f64().filter(|rpo| *rpo < 5.0)
    });
}
