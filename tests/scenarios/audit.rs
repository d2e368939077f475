//! Who asked for what stays written down: presses on the panel, refusals, verbs with and without an agent, a kill.

use contract::control;
use qrc::method::component::{Set, SetControl};
use serde_json::Value;

use crate::stage::{EmulatedCore, Site, failed, until};

const PANEL: &str = control::CODE_NAME;

/// The newest row about `what` with this outcome.
fn row(site: &Site, asker: &str, what: &str, outcome: &str) -> Value {
    until(&format!("a row: {asker}, {what}, {outcome}"), || {
        let rows = site.json(&["audit"]);
        let mut rows = rows.as_array().unwrap().iter().rev();
        rows.find(|row| row["asker"] == asker && row["what"] == what && row["outcome"] == outcome)
            .cloned()
    })
}

fn said(row: &Value) -> &str {
    row["said"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn presses_and_refusals_on_the_panel_are_written_down() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();
    let wall = core.client();
    core.until_agent_online(&wall).await;
    let press = Set::new(PANEL, vec![SetControl::value(control::BACKUP_NOW, 1.0)]);
    wall.call(&press).await.unwrap();
    let made = row(&site, "panel", "backup", "done");
    assert!(
        made["place"].as_str().unwrap().contains("127.0.0.1"),
        "{made}"
    );
    assert!(made["place"].as_str().unwrap().contains(PANEL), "{made}");
    assert!(
        made["said"].as_str().unwrap().contains("made and proved"),
        "{made}"
    );
    assert!(
        made["request"].is_string() && made["seconds"].is_number(),
        "{made}"
    );
    assert_eq!(made["design"], "Harbour_Theatre");
    assert_eq!(made["design_code"], "hT7vQ2mKx9Lc");
    let of_row = |name: &str| made[name].as_str().unwrap().parse::<jiff::Timestamp>();
    let (asked, begun) = (of_row("asked_at").unwrap(), of_row("at").unwrap());
    let between = begun.as_second() - asked.as_second();
    assert!((0..=10).contains(&between), "{made}");

    // The plugin takes its own request out when it has read the answer, and would take this one.
    let pending = qrc::method::component::Get::new(PANEL, [control::REQUEST]);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(40);
    while (wall.call(&pending).await.unwrap().controls[0]
        .reading
        .string)
        .as_deref()
        .is_some_and(|text| !text.is_empty())
    {
        assert!(tokio::time::Instant::now() < deadline, "still pending");
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    let stale = r#"{"id":"forged-1","kind":"restore","at":"2020-01-01T00:00:00Z"}"#;
    let forged = Set::new(PANEL, vec![SetControl::value(control::REQUEST, stale)]);
    wall.call(&forged).await.unwrap();
    let refused = row(&site, "panel", "restore", "refused");
    assert_eq!(refused["request"], "forged-1");
    assert_eq!(refused["asked_at"], "2020-01-01T00:00:00.000Z");
    assert_eq!(refused["design"], "Harbour_Theatre");
    assert!(
        refused["said"].as_str().unwrap().contains(" old"),
        "{refused}"
    );
}

#[test]
fn verbs_are_written_down_with_their_user_whether_an_agent_runs_or_not() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let made = site.json(&["backup"]);
    let user = format!("user {}", rustix::process::getuid().as_raw());
    let with = row(&site, "command line", "backup", "done");
    assert!(with["place"].as_str().unwrap().starts_with(&user), "{with}");
    let outcome = |made: &Value| format!("Backup {} made and proved", made["id"].as_str().unwrap());
    assert_eq!(said(&with), outcome(&made));
    assert_eq!(with["design"], "Harbour_Theatre");
    // A verb that changes nothing leaves no row.
    let before = site.json(&["audit"]).as_array().unwrap().len();
    site.json(&["status"]);
    site.json(&["prune", "--dry-run"]);
    assert_eq!(site.json(&["audit"]).as_array().unwrap().len(), before);
    // Each request to the agent says what came of it.
    site.json(&["restore", "latest"]);
    let restored = row(&site, "command line", "restore", "done");
    assert!(said(&restored).starts_with("Restored to "), "{restored}");
    site.json(&["undo"]);
    let undone = row(&site, "command line", "undo", "done");
    assert!(said(&undone).starts_with("Taken back: "), "{undone}");
    let file = site.path("one.jsonl");
    let event = r#"{"timestamp":1772366400000,"control_path":"Master.gain","component_name":"Master","control_name":"gain","value":1}"#;
    std::fs::write(&file, event).unwrap();
    site.json(&["import", file.to_str().unwrap()]);
    let imported = row(&site, "command line", "import", "done");
    assert!(said(&imported).starts_with("1 event added"), "{imported}");
    site.json(&["prune"]);
    let pruned = row(&site, "command line", "prune", "done");
    assert!(said(&pruned).ends_with(" removed"), "{pruned}");

    assert_eq!(agent.terminate(), 0);
    failed(&site.run(&["restore", "no-such-backup"]));
    let made = site.json(&["backup"]);
    let here = row(&site, "command line", "backup", "done");
    assert_eq!(said(&here), outcome(&made));
    let without = row(&site, "command line", "restore", "failed");
    assert_eq!(without["about"], "no-such-backup");
    site.json(&["restore", "latest", "--force"]);
    assert_eq!(
        row(&site, "command line", "restore", "done")["about"],
        "latest, forced"
    );
    // The restore has put the day back, and the rows about what came before it are still there.
    row(&site, "command line", "backup", "done");

    // A restore into another folder leaves a row, too.
    let aside = site.path("aside");
    let aside = aside.to_str().unwrap();
    site.json(&["restore", "latest", "--target", aside]);
    let restored = row(&site, "command line", "restore", "done");
    assert_eq!(restored["about"], format!("latest, into {aside}"));
    site.json(&["verify", "--deep"]);
    let proved = row(&site, "command line", "verify", "done");
    assert_eq!(proved["about"], "all, deep");
    assert!(
        proved["said"].as_str().unwrap().contains("proved"),
        "{proved}"
    );
    for object in std::fs::read_dir(site.path("backups/days")).unwrap() {
        std::fs::write(object.unwrap().path(), "no longer what it was").unwrap();
    }
    failed(&site.run(&["verify"]));
    let found = row(&site, "command line", "verify", "failed");
    assert!(
        found["said"].as_str().unwrap().contains("finding"),
        "{found}"
    );

    let shown = site.run(&["audit"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("failed    restore no-such-backup"),
        "{shown}"
    );
}
