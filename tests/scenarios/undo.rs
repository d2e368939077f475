//! Restores that are taken back, one by one, and what is backed up before anything is replaced.

use qrc::Client;
use qrc::method::component::{Set, SetControl};

use crate::stage::{EmulatedCore, Site, failed, until};

async fn change(site: &Site, wall: &Client, value: f64) {
    let set = Set::new("Master", vec![SetControl::value("gain", value)]);
    wall.call(&set).await.unwrap();
    let moved = format!("value = {value:?}");
    until("the event", || (site.count(&moved) == 1).then_some(()));
}

/// Which of the values are in the store.
fn present(site: &Site, values: &[f64]) -> Vec<f64> {
    let there = |value: &&f64| site.count(&format!("value = {value:?}")) == 1;
    values.iter().filter(there).copied().collect()
}

/// Which of the values the backups hold between them.
fn backed_up(site: &Site, values: &[f64]) -> Vec<f64> {
    let mut held = Vec::new();
    for backup in site.json(&["list"]).as_array().unwrap() {
        assert_eq!(backup["verified"], true, "{backup}");
        let id = backup["id"].as_str().unwrap();
        let folder = site.path(&format!("from-{id}"));
        let text = folder.display().to_string();
        site.json(&["restore", id, "--target", &text]);
        for file in crate::stage::day_files(&folder) {
            let conn = backup::open_reader(&file).unwrap();
            for value in values {
                let sql = "SELECT count(*) FROM events WHERE value = ?1";
                let count: u64 = conn.query_row(sql, [value], |row| row.get(0)).unwrap();
                if count > 0 && !held.contains(value) {
                    held.push(*value);
                }
            }
        }
    }
    held.sort_by(f64::total_cmp);
    held.reverse();
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn two_restores_in_a_row_lose_nothing_of_store_undo_or_backups() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let wall = core.client();
    let agent = site.recording_agent();
    change(&site, &wall, -1.0).await;
    let first = site.json(&["backup"]);
    let first = first["id"].as_str().unwrap();
    change(&site, &wall, -2.0).await;
    let restored = site.json(&["restore", first, "--force"]);
    let note = restored["notes"][0].as_str().unwrap();
    assert!(note.contains("was made first"), "{restored}");
    change(&site, &wall, -3.0).await;
    site.json(&["restore", first, "--force"]);
    let all = [-1.0, -2.0, -3.0];
    assert_eq!(present(&site, &all), [-1.0]);
    assert_eq!(backed_up(&site, &all), all);

    change(&site, &wall, -4.0).await;
    let steps = site.json(&["undo", "--list"]);
    let told = |step: usize, member: &str| steps[step][member].clone();
    assert_eq!(steps.as_array().unwrap().len(), 2, "{steps}");
    assert_eq!((told(0, "step"), told(0, "next")), (2.into(), true.into()));
    for step in 0..2 {
        assert_eq!(told(step, "events_gained"), 1, "{steps}");
        assert_eq!(told(step, "events_lost"), 0, "{steps}");
        let what = told(step, "what");
        assert!(what.as_str().unwrap().contains(first), "{steps}");
    }
    let planned = site.json(&["undo", "--dry-run"]);
    assert_eq!(planned["step"], 2);
    assert_eq!(
        (&planned["events_gained"], &planned["events_since"]),
        (&1.into(), &1.into())
    );
    assert_eq!(present(&site, &[-1.0, -2.0, -3.0, -4.0]), [-1.0, -4.0]);

    // What was recorded since stays.
    let undone = site.json(&["undo"]);
    assert_eq!(
        (&undone["events_gained"], &undone["events_kept"]),
        (&1.into(), &1.into())
    );
    site.json(&["undo"]);
    let all = [-1.0, -2.0, -3.0, -4.0];
    assert_eq!(present(&site, &all), all);
    assert_eq!(agent.terminate(), 0);
    assert_eq!(present(&site, &all), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_agent_it_is_the_same_and_a_missing_archive_is_told() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let wall = core.client();
    let agent = site.recording_agent();
    change(&site, &wall, -1.0).await;
    let first = site.json(&["backup"]);
    let first = first["id"].as_str().unwrap();
    change(&site, &wall, -2.0).await;
    assert_eq!(agent.terminate(), 0);

    let plan = site.json(&["restore", first, "--dry-run"]);
    let notes = plan["notes"].to_string();
    assert!(notes.contains("is made first"), "{notes}");
    let count = || site.json(&["list"]).as_array().unwrap().len();
    assert_eq!(count(), 1);
    let restored = site.json(&["restore", first, "--force"]);
    assert_eq!(count(), 2, "{restored}");
    assert_eq!(backed_up(&site, &[-1.0, -2.0]), [-1.0, -2.0]);
    // Into another folder nothing is replaced, so nothing has to be saved.
    let elsewhere = site.path("elsewhere").display().to_string();
    let restored = site.json(&["restore", first, "--target", &elsewhere]);
    assert_eq!((count(), &restored["notes"]), (2, &serde_json::json!([])));

    std::fs::rename(site.path("backups"), site.path("away")).unwrap();
    let undone = site.json(&["undo"]);
    let note = undone["notes"][0].as_str().unwrap();
    assert!(
        note.contains("could not be backed up first") && note.contains("no archive"),
        "{undone}"
    );
    assert_eq!(present(&site, &[-1.0, -2.0]), [-1.0, -2.0]);
    std::fs::rename(site.path("away"), site.path("backups")).unwrap();

    // A step goes only by force where no backup holds it.
    let step = undone["step"].to_string();
    let (code, said) = failed(&site.run(&["undo", "99", "--dry-run"]));
    assert_eq!(code, 1);
    assert!(said.contains("expected one of"), "{said}");
    assert_eq!(
        site.json(&["undo", &step, "--discard"])["removed"].to_string(),
        step
    );
    assert_eq!(site.json(&["undo", "--list"]), serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_undo_brought_back_is_at_risk_until_a_backup_leads_to_it() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let wall = core.client();
    let agent = site.recording_agent();
    change(&site, &wall, -1.0).await;
    let first = site.json(&["backup"]);
    let first = first["id"].as_str().unwrap();
    change(&site, &wall, -2.0).await;
    assert_eq!(agent.terminate(), 0);
    let at_risk = || site.json(&["status"])["rpo_seconds"].as_f64().unwrap();
    // The backup that comes before the undo is the newest, and lacks what the undo brings.
    site.json(&["restore", first, "--force"]);
    site.json(&["undo"]);
    assert!(at_risk() > 0.0);
    site.json(&["backup"]);
    assert_eq!(at_risk(), 0.0);
}
