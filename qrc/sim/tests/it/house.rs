//! A house with every kind of component, and calls to it.

#![allow(clippy::unwrap_used)] // only tests call these

use qrc_sim::{Component, Control, CoreOptions, Design, Paging, SnapshotBank, Zone};

use crate::socket::{Wire, hall};
use crate::stage::Stage;

/// The hall of [`hall`] with a mixer, a loop player, snapshots and paging.
pub(crate) fn house() -> Design {
    let mut mixer = Component::new("Main_Mixer", "mixer");
    for input in 1..=4 {
        mixer = mixer
            .with(Control::mute(&format!("input.{input}.mute")))
            .with(Control::gain(&format!("input.{input}.gain"), -100.0, 10.0));
        for output in 1..=2 {
            let cross = format!("input.{input}.output.{output}.gain");
            mixer = mixer.with(Control::gain(&cross, -100.0, 10.0));
        }
    }
    let mut design = hall()
        .with(mixer)
        .with(Component::new("Foyer_Player", "loop_player"))
        .with(
            Component::new("Scenes", "snapshot_controller")
                .with(Control::state_trigger("load.1", 2))
                .with(Control::state_trigger("load.2", 2))
                .with(Control::trigger("save.2")),
        );
    design.snapshot_banks.push(SnapshotBank {
        name: "Scenes".into(),
        count: 2,
        controls: vec![
            ("Lobby_Gain".into(), "gain".into()),
            ("Panel".into(), "source".into()),
            ("Panel".into(), "note".into()),
        ],
    });
    let zone = |name: &str, tag: &str| Zone {
        name: name.into(),
        group: "East".into(),
        tags: vec![tag.into()],
    };
    design.paging = Some(Paging {
        priorities: vec!["Emergency".into(), "Normal".into()],
        zones: vec![
            zone("Foyer", "public"),
            zone("Office", "staff"),
            zone("Yard", "public"),
        ],
        messages: vec!["closing.wav".into()],
    });
    design
}

/// The house, served.
pub(crate) async fn stage() -> Stage {
    Stage::open(house(), CoreOptions::default()).await
}

/// Calls a method that answers `true`.
pub(crate) async fn done(wire: &mut Wire, method: &str, params: &str) {
    wire.exchange(
        &format!(r#"{{"id":1,"method":"{method}","params":{params}}}"#),
        r#"{"jsonrpc":"2.0","result":true,"id":1}"#,
    )
    .await;
}

/// Calls a method that answers with this error code.
pub(crate) async fn refused(wire: &mut Wire, method: &str, params: &str, code: i64) {
    wire.send(&format!(
        r#"{{"id":1,"method":"{method}","params":{params}}}"#
    ))
    .await;
    let frame = wire.frame().await;
    let head = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":""#);
    assert!(frame.starts_with(&head), "{method} {params} gave {frame}");
}

/// The texts of some controls of one component.
pub(crate) async fn strings(wire: &mut Wire, component: &str, controls: &[&str]) -> Vec<String> {
    let names: Vec<String> = controls
        .iter()
        .map(|name| format!(r#"{{"Name":"{name}"}}"#))
        .collect();
    wire.send(&format!(
        r#"{{"id":1,"method":"Component.Get","params":{{"Name":"{component}","Controls":[{}]}}}}"#,
        names.join(",")
    ))
    .await;
    let reply: serde_json::Value = serde_json::from_str(&wire.frame().await).unwrap();
    let list = reply["result"]["Controls"].as_array().unwrap();
    list.iter()
        .map(|control| control["String"].as_str().unwrap().to_owned())
        .collect()
}
