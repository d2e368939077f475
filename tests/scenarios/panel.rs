//! A press on the touch panel, through Lua, QRC, store and archive, and back onto the panel.

use qrc::method::component::{Get, Set, SetControl};

use crate::stage::{EmulatedCore, Site};

const PANEL: &str = "DisasterRecovery";

async fn shown(wall: &qrc::Client, control: &str) -> String {
    let readings = wall.call(&Get::new(PANEL, [control])).await.unwrap();
    readings.controls[0]
        .reading
        .string
        .clone()
        .unwrap_or_default()
        .to_string()
}

async fn until_shown(wall: &qrc::Client, control: &str, like: impl Fn(&str) -> bool) -> String {
    let waiting = async {
        loop {
            let text = shown(wall, control).await;
            if like(&text) {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let patience = std::time::Duration::from_secs(40);
    match tokio::time::timeout(patience, waiting).await {
        Ok(text) => text,
        Err(_) => panic!("{control} shows \"{}\"", shown(wall, control).await),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_makes_a_listed_proved_backup_and_changes_the_panel() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();
    let wall = core.client();
    let set = Set::new("Master", vec![SetControl::value("gain", -20.0)]);
    wall.call(&set).await.unwrap();

    until_shown(&wall, "StatusText", |text| {
        text.contains("no proved backup")
    })
    .await;
    assert!(site.json(&["list"]).as_array().unwrap().is_empty());

    let press = Set::new(PANEL, vec![SetControl::value("BackupNow", 1.0)]);
    wall.call(&press).await.unwrap();
    until_shown(&wall, "StatusText", |text| text.contains("backup proved")).await;

    let list = site.json(&["list"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["verified"], true);
    assert_eq!(site.json(&["verify"])["ok"], true);
    until_shown(&wall, "LastBackup", |text| text.contains("event")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_stale_request_is_refused_and_makes_nothing() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();
    let wall = core.client();
    until_shown(&wall, "AgentStateJson", |text| text.contains("\"status\"")).await;

    let stale = r#"{"id":"forged-1","kind":"backup","at":"2020-01-01T00:00:00Z"}"#;
    let forged = Set::new(PANEL, vec![SetControl::value("RequestJson", stale)]);
    wall.call(&forged).await.unwrap();
    let ack = until_shown(&wall, "AckJson", |text| text.contains("forged-1")).await;
    assert!(ack.contains("\"refused\"") && ack.contains(" old"), "{ack}");
    assert!(site.json(&["list"]).as_array().unwrap().is_empty());
}
