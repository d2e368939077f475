//! The simulated Core from inside: scripts, frames, ramps and restarts.

#![allow(clippy::unwrap_used)] // only tests call these

use std::time::Duration;

use qrc_sim::{ControlEvent, ControlKey, Controls, CoreOptions, Script};

use crate::socket::hall;
use crate::stage::Stage;

/// Counts presses of `go` into `count` and repeats `note` on the status.
struct Repeater {
    go: Option<ControlKey>,
    note: Option<ControlKey>,
}

impl Script for Repeater {
    fn start(&mut self, core: &mut Controls<'_>) {
        self.go = core.lookup("Panel", "go");
        self.note = core.lookup("Panel", "note");
        let lamp = core.lookup("Panel", "lamp").unwrap();
        core.set_bool(lamp, true);
    }

    fn frame(&mut self, core: &mut Controls<'_>, _now: Duration, events: &[ControlEvent]) {
        let count = core.lookup("Panel", "count").unwrap();
        let status = core.lookup("Panel", "status").unwrap();
        for event in events {
            if Some(event.control) == self.go && event.trigger {
                core.set_value(count, core.value(count) + 1.0);
            }
            if Some(event.control) == self.note {
                let note = core.string(event.control);
                core.set_value(status, 1.0);
                core.set_string(status, &note);
            }
            assert_ne!(event.control, count, "a script does not hear itself");
        }
    }
}

#[tokio::test]
async fn a_script_hears_presses_and_writes_and_answers_on_its_controls() {
    let stage = Stage::open(hall(), CoreOptions::default()).await;
    stage.core.add_script(Box::new(Repeater {
        go: None,
        note: None,
    }));
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":1,"method":"ChangeGroup.AddComponentControl","params":{"Id":"p","Component":{"Name":"Panel","Controls":[{"Name":"count"},{"Name":"status"},{"Name":"go"}]}}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":1}"#,
    )
    .await;
    wire.send(r#"{"id":2,"method":"ChangeGroup.Poll","params":{"Id":"p"}}"#)
        .await;
    wire.frame().await;
    for _ in 0..2 {
        wire.exchange(
            r#"{"id":3,"method":"Component.Set","params":{"Name":"Panel","Controls":[{"Name":"go","Value":1}]}}"#,
            r#"{"jsonrpc":"2.0","result":true,"id":3}"#,
        )
        .await;
    }
    wire.exchange(
        r#"{"id":3,"method":"Component.Set","params":{"Name":"Panel","Controls":[{"Name":"note","Value":"check the mic"}]}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":3}"#,
    )
    .await;
    wire.exchange(
        r#"{"id":4,"method":"ChangeGroup.AutoPoll","params":{"Id":"p","Rate":0.03}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":4}"#,
    )
    .await;
    let (mut counted, mut said) = (false, false);
    while !(counted && said) {
        let push = wire.frame().await;
        counted |= push.contains(r#""Name":"count","String":"5","Value":5.0"#);
        said |= push.contains(r#""Name":"status","String":"check the mic","Value":1.0"#);
        assert!(!push.contains("\"go\""), "a trigger is no change: {push}");
    }
}

#[tokio::test]
async fn a_ramp_moves_over_time_and_arrives() {
    let stage = Stage::open(hall(), CoreOptions::default()).await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":1,"method":"Control.Set","params":{"Name":"LobbyVolume","Value":0,"Ramp":0.3}}"#,
        r#"{"jsonrpc":"2.0","result":{"Name":"LobbyVolume","String":"-6.00dB","Value":-6.0,"Position":0.78333336},"id":1}"#,
    )
    .await;
    let gain = stage
        .core
        .with_controls(|core| core.named("LobbyVolume"))
        .unwrap();
    let mut between = 0;
    loop {
        wire.send(r#"{"id":2,"method":"Control.Get","params":["LobbyVolume"]}"#)
            .await;
        wire.frame().await;
        match stage.core.with_controls(|core| core.value(gain)) {
            0.0 => break,
            value if value > -6.0 => between += 1,
            _ => {}
        }
    }
    assert!(between > 0, "the ramp jumped");
}

#[tokio::test]
async fn a_restart_drops_connections_and_resets_indicators_but_not_what_people_set() {
    let stage = Stage::open(hall(), CoreOptions::default()).await;
    let mut wire = stage.greeted().await;
    let set = |name, text: &str| {
        stage.core.with_controls(|core| {
            let key = core.lookup("Panel", name).unwrap();
            core.set_string(key, text)
        })
    };
    assert!(set("note", "keep me"));
    assert!(set("lamp", "true"));
    stage.core.restart();
    assert_eq!(wire.next().await, None);
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":8,"method":"Component.Get","params":{"Name":"Panel","Controls":[{"Name":"note"},{"Name":"lamp"}]}}"#,
        r#"{"jsonrpc":"2.0","result":{"Name":"Panel","Controls":[{"Name":"note","String":"keep me","Value":0.0,"Position":0.0},{"Name":"lamp","String":"false","Value":0.0,"Position":0.0}]},"id":8}"#,
    )
    .await;
}

#[tokio::test]
async fn a_deploy_brings_another_design_and_drops_everybody() {
    let stage = Stage::open(hall(), CoreOptions::default()).await;
    let mut wire = stage.greeted().await;
    let gain = qrc_sim::Component::new("New", "gain").with(qrc_sim::Control::mute("mute"));
    stage
        .core
        .deploy(qrc_sim::Design::new("Other_Hall", "another").with(gain));
    assert_eq!(wire.next().await, None);
    let mut wire = stage.connect().await;
    assert!(
        wire.frame()
            .await
            .contains(r#""DesignName":"Other_Hall","DesignCode":"another""#)
    );
    wire.send(r#"{"id":1,"method":"Component.GetComponents"}"#)
        .await;
    assert!(wire.frame().await.contains(r#""result":[{"ID":"New""#));
}
