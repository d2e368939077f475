//! A press on the touch panel, through Lua, QRC, store and archive, and back onto the panel.

use contract::control;
use qrc::method::component::{Get, Set, SetControl};

use crate::stage::{EmulatedCore, Site, until};

const PANEL: &str = control::CODE_NAME;

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
    assert_eq!(shown(&wall, "BackupOk").await, "false");

    let press = Set::new(PANEL, vec![SetControl::value(control::BACKUP_NOW, 1.0)]);
    wall.call(&press).await.unwrap();
    until_shown(&wall, "StatusText", |text| text.contains("backup proved")).await;

    let list = site.json(&["list"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["verified"], true);
    assert_eq!(site.json(&["verify"])["ok"], true);
    until_shown(&wall, "BackupOk", |lit| lit == "true").await;
    until_shown(&wall, "LastBackup", |text| text.contains("event")).await;

    let settings = std::fs::read_dir(site.path("backups/settings")).unwrap();
    let plugin = settings
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with("-plugin.json"))
        .expect("the plugin's version in the backup");
    let plugin: serde_json::Value =
        serde_json::from_slice(&std::fs::read(plugin).unwrap()).unwrap();
    assert_eq!(plugin["code_name"], PANEL);
    assert_eq!(plugin["version"], shown(&wall, control::VERSION).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_stale_request_is_refused_and_makes_nothing() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();
    let wall = core.client();
    until_shown(&wall, control::STATE, |text| text.contains("\"status\"")).await;

    let stale = r#"{"id":"forged-1","kind":"backup","at":"2020-01-01T00:00:00Z"}"#;
    let forged = Set::new(PANEL, vec![SetControl::value(control::REQUEST, stale)]);
    wall.call(&forged).await.unwrap();
    let ack = until_shown(&wall, control::ACK, |text| text.contains("forged-1")).await;
    assert!(ack.contains("\"refused\"") && ack.contains(" old"), "{ack}");
    assert!(site.json(&["list"]).as_array().unwrap().is_empty());
}

async fn press(wall: &qrc::Client, control: &str) {
    wall.call(&Set::new(PANEL, vec![SetControl::value(control, 1.0)]))
        .await
        .unwrap();
}

async fn type_in(wall: &qrc::Client, control: &str, text: &str) {
    wall.call(&Set::new(PANEL, vec![SetControl::value(control, text)]))
        .await
        .unwrap();
}

/// Chooses the newest backup on the panel; gives its label.
async fn choose_newest(wall: &qrc::Client) {
    let label = loop {
        let readings = wall.call(&Get::new(PANEL, ["RestorePoint"])).await.unwrap();
        let choices = readings.controls[0]
            .reading
            .looks
            .clone()
            .unwrap_or_default()
            .choices;
        if let Some(newest) = choices.first() {
            break newest.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    type_in(wall, "RestorePoint", &label).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_is_armed_confirmed_and_taken_back_on_the_panel_with_a_pin() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port).set("QSYS_PANEL_PIN", "4071");
    let agent = site.recording_agent();
    let wall = core.client();
    let fader = |value: f64| Set::new("Master", vec![SetControl::value("gain", value)]);
    wall.call(&fader(-20.0)).await.unwrap();
    until("the first event", || {
        (site.count("value = -20.0") == 1).then_some(())
    });
    site.json(&["backup"]);
    wall.call(&fader(-21.0)).await.unwrap();
    until("the second event", || {
        (site.count("value = -21.0") == 1).then_some(())
    });

    // With a wrong PIN it is refused, whatever the panel shows.
    choose_newest(&wall).await;
    type_in(&wall, "Pin", "1111").await;
    press(&wall, "ArmRestore").await;
    until_shown(&wall, "RestoreArmed", |text| text == "true").await;
    press(&wall, "ConfirmRestore").await;
    let ack = until_shown(&wall, control::ACK, |text| text.contains("PIN is wrong")).await;
    assert!(ack.contains("\"refused\""), "{ack}");
    assert_eq!(site.count("value = -21.0"), 1);

    choose_newest(&wall).await;
    type_in(&wall, "Pin", "4071").await;
    press(&wall, "ArmRestore").await;
    until_shown(&wall, "RestoreArmed", |text| text == "true").await;
    press(&wall, "ConfirmRestore").await;
    until_shown(&wall, control::ACK, |text| text.contains("Restored to")).await;
    assert_eq!(site.count("value = -21.0"), 0);
    assert_eq!(site.count("value = -20.0"), 1);

    until_shown(&wall, control::STATE, |text| {
        text.contains("\"available\":true")
    })
    .await;
    type_in(&wall, "Pin", "4071").await;
    press(&wall, "ArmUndo").await;
    until_shown(&wall, "RestoreArmed", |text| text == "true").await;
    press(&wall, "ConfirmRestore").await;
    until_shown(&wall, control::ACK, |text| text.contains("Taken back")).await;
    assert_eq!(site.count("value = -21.0"), 1);
    assert_eq!(agent.terminate(), 0);
}
