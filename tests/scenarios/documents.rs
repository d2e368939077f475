//! The members of the JSON documents that scripts rely on.

use qrc::method::component::{Set, SetControl};
use serde_json::Value;

use crate::stage::{EmulatedCore, Site, until};

/// Moves a fader and waits until the store has it.
async fn move_fader(core: &EmulatedCore, site: &Site, value: f64) {
    let wall = core.client();
    let set = Set::new("Master", vec![SetControl::value("gain", value)]);
    wall.call(&set).await.unwrap();
    let moved = format!("value = {value:?}");
    until("the event", || (site.count(&moved) == 1).then_some(()));
}

fn has(document: &Value, members: &[&str]) {
    for member in members {
        let at = format!("/{}", member.replace('.', "/"));
        assert!(
            document.pointer(&at).is_some(),
            "no {member} in {document:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_list_verify_and_backup_have_the_fixed_members() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let status_members = [
        "core.host",
        "core.state",
        "core.design",
        "recording",
        "events.total",
        "events.per_second",
        "events.gaps",
        "store.bytes",
        "store.from",
        "store.to",
        "backup.last",
        "backup.age_seconds",
        "backup.next",
        "backup.count",
        "backup.last_verified",
        "recoverable.from",
        "recoverable.to",
        "recoverable.gaps",
        "rpo_seconds",
        "drill.last",
        "drill.ok",
        "drill.rto_seconds",
    ];
    // With and without a running agent the same document.
    has(&site.json(&["status"]), &status_members);
    let agent = site.recording_agent();
    let status = site.json(&["status"]);
    has(&status, &status_members);
    assert_eq!(status["core"]["state"], "Active");
    assert_eq!(status["core"]["design"], "Harbour_Theatre");

    move_fader(&core, &site, -12.0).await;
    let backup_members = [
        "id",
        "created_at",
        "events",
        "from",
        "to",
        "bytes",
        "verified",
    ];
    let first = site.json(&["backup"]);
    has(&first, &backup_members);
    let second = site.json(&["backup"]);
    assert_eq!(agent.terminate(), 0);
    let third = site.json(&["backup"]);
    let list = site.json(&["list"]);
    for element in list.as_array().unwrap() {
        has(element, &backup_members);
    }
    let ids: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|backup| &backup["id"])
        .collect();
    assert_eq!(
        ids,
        [&third["id"], &second["id"], &first["id"]],
        "newest first"
    );

    let verify = site.json(&["verify"]);
    has(&verify, &["ok", "checked", "findings"]);
    assert_eq!(verify["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_keeps_the_newest_backups_by_count() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("EVENT_MAX_BACKUPS", "2");
    let agent = site.recording_agent();
    let mut made = Vec::new();
    for step in 1..=4 {
        move_fader(&core, &site, -f64::from(step)).await;
        made.push(site.json(&["backup"])["id"].clone());
    }
    assert_eq!(agent.terminate(), 0);
    let list = site.json(&["list"]);
    let ids: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|backup| backup["id"].clone())
        .collect();
    assert_eq!(ids, [made[3].clone(), made[2].clone()]);
    assert_eq!(site.json(&["verify"])["ok"], true);
}

#[test]
fn what_is_not_supported_yet_is_said_and_not_pretended() {
    let site = Site::new(1);
    for verb in [&["drill"][..], &["rewind", "--to", "-5m"]] {
        let output = site.run(verb);
        assert_eq!(output.status.code(), Some(2), "{verb:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("not supported yet"), "{said}");
    }
}
