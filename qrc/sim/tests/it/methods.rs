//! Mixers, snapshots, loop players, paging and the kinds of controls, byte for byte.

#![allow(clippy::unwrap_used)] // only tests call these

use qrc_sim::{
    Component, Control, CoreOptions, Design, OpenPoints, Paging, Reply, SnapshotBank, Zone,
};

use crate::socket::{Wire, hall};
use crate::stage::Stage;

fn house() -> Design {
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

async fn stage() -> Stage {
    Stage::open(house(), CoreOptions::default()).await
}

async fn done(wire: &mut Wire, method: &str, params: &str) {
    wire.exchange(
        &format!(r#"{{"id":1,"method":"{method}","params":{params}}}"#),
        r#"{"jsonrpc":"2.0","result":true,"id":1}"#,
    )
    .await;
}

async fn refused(wire: &mut Wire, method: &str, params: &str, code: i64) {
    wire.send(&format!(
        r#"{{"id":1,"method":"{method}","params":{params}}}"#
    ))
    .await;
    let frame = wire.frame().await;
    let head = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":{code},"message":""#);
    assert!(frame.starts_with(&head), "{method} {params} gave {frame}");
}

/// The texts of some controls of one component.
async fn strings(wire: &mut Wire, component: &str, controls: &[&str]) -> Vec<String> {
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

#[tokio::test]
async fn mixer_methods_write_the_channels_they_select() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    done(
        &mut wire,
        "Mixer.SetInputMute",
        r#"{"Name":"Main_Mixer","Inputs":"1-4 !2","Value":true}"#,
    )
    .await;
    let mutes = [
        "input.1.mute",
        "input.2.mute",
        "input.3.mute",
        "input.4.mute",
    ];
    assert_eq!(
        strings(&mut wire, "Main_Mixer", &mutes).await,
        ["muted", "unmuted", "muted", "muted"]
    );
    done(
        &mut wire,
        "Mixer.SetCrossPointGain",
        r#"{"Name":"Main_Mixer","Inputs":2,"Outputs":"*","Value":-6}"#,
    )
    .await;
    let crosses = [
        "input.2.output.1.gain",
        "input.2.output.2.gain",
        "input.1.output.1.gain",
    ];
    assert_eq!(
        strings(&mut wire, "Main_Mixer", &crosses).await,
        ["-6.00dB", "-6.00dB", "0dB"]
    );
    for (method, params, code) in [
        (
            "Mixer.SetInputGain",
            r#"{"Name":"Main_Mixer","Inputs":"5","Value":0}"#,
            9,
        ),
        (
            "Mixer.SetInputGain",
            r#"{"Name":"Nowhere","Inputs":"1","Value":0}"#,
            7,
        ),
        (
            "Mixer.SetInputGain",
            r#"{"Mixer":"Main_Mixer","Inputs":"1","Value":0}"#,
            -32602,
        ),
        (
            "Mixer.SetInputGain",
            r#"{"Name":"Main_Mixer","Value":0}"#,
            -32602,
        ),
        (
            "Mixer.SetInputGain",
            r#"{"Name":"Main_Mixer","Inputs":"1","Value":"loud"}"#,
            -32602,
        ),
        (
            "Mixer.SetCueGain",
            r#"{"Name":"Main_Mixer","Cues":"1","Value":0}"#,
            9,
        ),
        (
            "Mixer.GetInputGain",
            r#"{"Name":"Main_Mixer","Inputs":"1"}"#,
            -32601,
        ),
    ] {
        refused(&mut wire, method, params, code).await;
    }
}

#[tokio::test]
async fn snapshots_bring_back_values_and_texts_and_light_their_lamps() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    let set = |gain: &str, source: &str, note: &str| {
        [
            format!(r#"{{"Name":"Lobby_Gain","Controls":[{{"Name":"gain","Value":{gain}}}]}}"#),
            format!(
                r#"{{"Name":"Panel","Controls":[{{"Name":"source","Value":"{source}"}},{{"Name":"note","Value":"{note}"}}]}}"#
            ),
        ]
    };
    for params in set("-20", "Tuner", "evening") {
        done(&mut wire, "Component.Set", &params).await;
    }
    done(&mut wire, "Snapshot.Save", r#"{"Name":"Scenes","Bank":1}"#).await;
    for params in set("-50", "Mic", "night") {
        done(&mut wire, "Component.Set", &params).await;
    }
    let press =
        |name: &str| format!(r#"{{"Name":"Scenes","Controls":[{{"Name":"{name}","Value":1}}]}}"#);
    done(&mut wire, "Component.Set", &press("save.2")).await;
    done(&mut wire, "Snapshot.Load", r#"{"Name":"Scenes","Bank":1}"#).await;
    assert_eq!(
        strings(&mut wire, "Panel", &["source", "note"]).await,
        ["Tuner", "evening"]
    );
    assert_eq!(
        strings(&mut wire, "Lobby_Gain", &["gain"]).await,
        ["-20.0dB"]
    );
    assert_eq!(
        strings(&mut wire, "Scenes", &["load.1", "load.2"]).await,
        ["2", "0"]
    );
    done(&mut wire, "Component.Set", &press("load.2")).await;
    assert_eq!(
        strings(&mut wire, "Panel", &["source", "note"]).await,
        ["Mic", "night"]
    );
    assert_eq!(
        strings(&mut wire, "Scenes", &["load.1", "load.2"]).await,
        ["0", "2"]
    );
    for params in [
        r#"{"Name":"Scenes","Bank":3}"#,
        r#"{"Name":"None","Bank":1}"#,
        r#"{"Bank":1}"#,
    ] {
        refused(&mut wire, "Snapshot.Load", params, -32602).await;
    }
}

#[tokio::test]
async fn a_loop_player_job_in_the_past_is_told_after_the_reply() {
    let options = CoreOptions {
        // Noon of a day: one second past midnight has passed, the evening has not.
        epoch: std::time::UNIX_EPOCH + std::time::Duration::from_secs(43_200),
        ..CoreOptions::emulator()
    };
    let stage = Stage::open(house(), options).await;
    let mut wire = stage.greeted().await;
    let job = |start: &str| {
        format!(
            r#"{{"id":21,"method":"LoopPlayer.Start","params":{{"Name":"Foyer_Player","StartTime":{start},"Files":[{{"Name":"Audio/rain.wav","Mode":"stereo","Output":1}}],"Loop":true,"RefID":"job-7"}}}}"#
        )
    };
    wire.exchange(&job("-1"), r#"{"jsonrpc":"2.0","id":21}"#)
        .await;
    wire.exchange(&job("64800"), r#"{"jsonrpc":"2.0","id":21}"#)
        .await;
    wire.exchange(&job("1"), r#"{"jsonrpc":"2.0","id":21}"#)
        .await;
    assert_eq!(
        wire.frame().await,
        r#"{"jsonrpc":"2.0","method":"LoopPlayer.Error","params":{"Error":"JobInPast","RefId":"job-7"}}"#
    );
    let stop = r#"{"Name":"Foyer_Player","Outputs":[1]}"#;
    refused(&mut wire, "LoopPlayer.Stop", stop, -32603).await;
    refused(
        &mut wire,
        "LoopPlayer.Stop",
        r#"{"Name":"Foyer_Player","Outputs":"1"}"#,
        -32602,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_page_goes_through_its_states_in_order() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.send(r#"{"id":"z","method":"PA.ZoneStatusConfigure","params":{"Enabled":true}}"#)
        .await;
    for zone in 1..=3 {
        let status = wire.frame().await;
        assert!(
            status.starts_with(r#"{"jsonrpc":"2.0","method":"PA.ZoneStatus","params":{"Time":""#)
        );
        assert!(
            status.ends_with(&format!(r#"Z","Zone":{zone},"Active":false}}}}"#)),
            "{status}"
        );
    }
    assert_eq!(
        wire.frame().await,
        r#"{"jsonrpc":"2.0","result":"OK","id":"z"}"#
    );
    wire.exchange(
        r#"{"id":"p1","jsonrpc":"2.0","method":"PA.PageSubmit","params":{"Mode":"message","ZoneTags":["public"],"Priority":2,"Message":"closing.wav","CancelDelay":2,"Start":true}}"#,
        r#"{"jsonrpc":"2.0","result":{"PageID":1},"id":"p1"}"#,
    )
    .await;
    let page = |state: &str, message: &str, count: &str, sub: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"PA.PageStatus","params":{{"State":"{state}","Message":"{message}",{count}"SubState":"{sub}","PageID":1}}}}"#
        )
    };
    for expected in [
        page("ready", "Ready to page", "", "immediate"),
        page("wait", "Waiting to playback", "\"Count\":2,", "cancel"),
        page("wait", "Waiting to playback", "\"Count\":1,", "cancel"),
        page("output", "Playing message", "", "output"),
    ] {
        assert_eq!(wire.frame().await, expected);
    }
    for zone in [1, 3] {
        let status = wire.frame().await;
        assert!(
            status.ends_with(&format!(
                r#""Zone":{zone},"Active":true,"Priority":2,"PriorityName":"Normal","Station":"","PageID":1,"Message":"closing.wav"}}}}"#
            )),
            "{status}"
        );
    }
    assert_eq!(
        wire.frame().await,
        page("done", "Playback complete", "", "success")
    );
    assert!(wire.frame().await.ends_with(r#""Zone":1,"Active":false}}"#));
    assert!(wire.frame().await.ends_with(r#""Zone":3,"Active":false}}"#));
    refused(&mut wire, "PA.PageStop", r#"{"PageID":1}"#, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_higher_priority_interrupts_a_live_page() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    for (id, priority) in [(1, 2), (2, 1)] {
        wire.exchange(
            &format!(r#"{{"id":1,"method":"PA.PageSubmit","params":{{"Mode":"live","Zones":[1,"Office"],"Priority":{priority},"Station":7}}}}"#),
            &format!(r#"{{"jsonrpc":"2.0","result":{{"PageID":{id}}},"id":1}}"#),
        )
        .await;
        assert!(wire.frame().await.contains(r#""SubState":"immediate""#));
        wire.send(&format!(
            r#"{{"id":2,"method":"PA.PageStart","params":{{"PageID":{id}}}}}"#
        ))
        .await;
        if id == 2 {
            assert!(
                wire.frame()
                    .await
                    .contains(r#""SubState":"interrupt","PageID":1"#)
            );
        }
        assert!(
            wire.frame()
                .await
                .contains(&format!(r#""SubState":"live","PageID":{id}"#))
        );
        assert_eq!(
            wire.frame().await,
            r#"{"jsonrpc":"2.0","result":"OK","id":2}"#
        );
    }
    for (params, code) in [
        (
            r#"{"Mode":"message","Zones":[1],"Priority":1,"Message":"none.wav"}"#,
            4,
        ),
        (r#"{"Mode":"live","Zones":[9],"Priority":1,"Station":1}"#, 1),
        (r#"{"Mode":"live","Zones":[1],"Priority":3,"Station":1}"#, 1),
        (r#"{"Mode":"live","Zones":[1],"Priority":1}"#, 1),
        (
            r#"{"Mode":"live","Zones":[1],"Priority":2,"Station":1,"QueueTimeout":-1}"#,
            3,
        ),
    ] {
        refused(&mut wire, "PA.PageSubmit", params, code).await;
    }
    wire.send(r#"{"id":3,"method":"PA.GetConfig","params":{}}"#)
        .await;
    let config: serde_json::Value = serde_json::from_str(&wire.frame().await).unwrap();
    assert_eq!(config["result"]["Zones"][2]["Index"], "3");
    assert_eq!(config["result"]["Zones"][2]["Tags"][0]["Name"], "public");
    assert_eq!(config["result"]["Priorities"][0]["Name"], "Emergency");
}

#[tokio::test]
async fn combo_boxes_texts_and_metadata_have_the_long_form() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":1,"method":"Component.Set","params":{"Name":"Panel","ResponseValues":true,"Controls":[{"Name":"source","Value":"Mic"}]}}"#,
        r#"{"jsonrpc":"2.0","result":[{"Component":"Panel","Name":"source","String":"Mic","Value":0.0,"Position":1.0,"Choices":["Laptop","Tuner","Mic"],"Color":"","Indeterminate":false,"Invisible":false,"Disabled":false,"Legend":"","CssClass":""}],"id":1}"#,
    )
    .await;
    stage.core.with_controls(|core| {
        let lamp = core.lookup("Panel", "lamp").unwrap();
        core.set_color(lamp, "#FF0000");
        core.set_disabled(lamp, true);
    });
    wire.exchange(
        r#"{"id":1,"method":"Component.Get","params":{"Name":"Panel","Controls":[{"Name":"lamp"}]}}"#,
        r##"{"jsonrpc":"2.0","result":{"Name":"Panel","Controls":[{"Name":"lamp","String":"false","Value":0.0,"Position":0.0,"Choices":[],"Color":"#FF0000","Indeterminate":false,"Invisible":false,"Disabled":true,"Legend":"","CssClass":""}]},"id":1}"##,
    )
    .await;
}

#[tokio::test]
async fn writes_are_clamped_and_read_only_controls_stay_as_they_are() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    done(
        &mut wire,
        "Component.Set",
        r#"{"Name":"Lobby_Gain","Controls":[{"Name":"gain","Value":99}]}"#,
    )
    .await;
    assert_eq!(
        strings(&mut wire, "Lobby_Gain", &["gain"]).await,
        ["20.0dB"]
    );
    done(
        &mut wire,
        "Component.Set",
        r#"{"Name":"Panel","Controls":[{"Name":"lamp","Value":true}]}"#,
    )
    .await;
    assert_eq!(strings(&mut wire, "Panel", &["lamp"]).await, ["false"]);
    // The known control is written; the reply names the unknown one.
    refused(
        &mut wire,
        "Component.Set",
        r#"{"Name":"Lobby_Gain","Controls":[{"Name":"no","Value":1},{"Name":"gain","Value":"-6"}]}"#,
        8,
    )
    .await;
    assert_eq!(
        strings(&mut wire, "Lobby_Gain", &["gain"]).await,
        ["-6.00dB"]
    );
}

#[tokio::test]
async fn an_alias_in_the_same_group_hides_the_component_control() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    done(
        &mut wire,
        "ChangeGroup.AddComponentControl",
        r#"{"Id":"a","Component":{"Name":"Lobby_Gain","Controls":[{"Name":"gain"},{"Name":"mute"}]}}"#,
    )
    .await;
    done(
        &mut wire,
        "ChangeGroup.AddControl",
        r#"{"Id":"a","Controls":["LobbyVolume"]}"#,
    )
    .await;
    let poll = r#"{"id":2,"method":"ChangeGroup.Poll","params":{"Id":"a"}}"#;
    wire.exchange(
        poll,
        r#"{"jsonrpc":"2.0","result":{"Id":"a","Changes":[{"Component":"Lobby_Gain","Name":"mute","String":"unmuted","Value":0.0,"Position":0.0},{"Name":"LobbyVolume","String":"-6.00dB","Value":-6.0,"Position":0.78333336}]},"id":2}"#,
    )
    .await;
    done(
        &mut wire,
        "ChangeGroup.Remove",
        r#"{"Id":"a","Controls":["LobbyVolume"]}"#,
    )
    .await;
    done(&mut wire, "ChangeGroup.Invalidate", r#"{"Id":"a"}"#).await;
    wire.send(poll).await;
    assert!(wire.frame().await.contains(r#""Name":"gain""#));
    done(&mut wire, "ChangeGroup.Clear", r#"{"Id":"a"}"#).await;
    wire.exchange(
        poll,
        r#"{"jsonrpc":"2.0","result":{"Id":"a","Changes":[]},"id":2}"#,
    )
    .await;
    done(&mut wire, "ChangeGroup.Destroy", r#"{"Id":"a"}"#).await;
    done(&mut wire, "ChangeGroup.Destroy", r#"{"Id":"a"}"#).await;
    refused(&mut wire, "ChangeGroup.Poll", r#"{"Id":"a"}"#, 6).await;
    refused(
        &mut wire,
        "ChangeGroup.AddControl",
        r#"{"Id":"b","Controls":["no","LobbyMute"]}"#,
        8,
    )
    .await;
    wire.exchange(
        r#"{"id":2,"method":"ChangeGroup.Poll","params":{"Id":"b"}}"#,
        r#"{"jsonrpc":"2.0","result":{"Id":"b","Changes":[{"Name":"LobbyMute","String":"unmuted","Value":0.0,"Position":0.0}]},"id":2}"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn silence_for_a_minute_ends_a_connection_and_pushes_do_not_count() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    done(
        &mut wire,
        "ChangeGroup.AddControl",
        r#"{"Id":"a","Controls":["LobbyMute"]}"#,
    )
    .await;
    done(&mut wire, "ChangeGroup.AutoPoll", r#"{"Id":"a","Rate":10}"#).await;
    let begin = tokio::time::Instant::now();
    let mut pushes = 0;
    while let Some(frame) = wire.next().await {
        assert!(frame.contains("ChangeGroup.Poll"));
        pushes += 1;
    }
    assert_eq!(begin.elapsed().as_secs(), 60);
    assert!((5..=6).contains(&pushes), "{pushes} pushes");
}

#[tokio::test]
async fn open_points_can_be_set_the_other_way() {
    let points = OpenPoints {
        no_op: Reply::Object,
        errors_without_id: true,
        methods_in_any_case: true,
        lenient_control_get: true,
        empty_pushes: false,
        auto_poll_makes_group: true,
        ramp_reply_is_target: true,
        wrong_pin_is_false: true,
        ..OpenPoints::default()
    };
    let options = CoreOptions {
        points,
        ..CoreOptions::default()
    }
    .with_user("a", "1");
    let stage = Stage::open(house(), options).await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":1,"method":"NoOp"}"#,
        r#"{"jsonrpc":"2.0","result":{},"id":1}"#,
    )
    .await;
    wire.exchange(
        r#"{"id":1,"method":"logon","params":{"User":"a","Password":"2"}}"#,
        r#"{"jsonrpc":"2.0","result":false,"id":1}"#,
    )
    .await;
    wire.exchange(
        r#"{"method":"StatusNone"}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":10,"message":"Logon required"}}"#,
    )
    .await;
    done(&mut wire, "logon", r#"{"User":"a","Password":"1"}"#).await;
    wire.exchange(
        r#"{"id":1,"method":"Control.Get","params":{"Name":"LobbyMute"}}"#,
        r#"{"jsonrpc":"2.0","result":[{"Name":"LobbyMute","String":"unmuted","Value":0.0,"Position":0.0}],"id":1}"#,
    )
    .await;
    wire.exchange(
        r#"{"id":1,"method":"Control.Set","params":{"Name":"LobbyVolume","Value":0,"Ramp":60}}"#,
        r#"{"jsonrpc":"2.0","result":{"Name":"LobbyVolume","String":"0dB","Value":0.0,"Position":0.83333331},"id":1}"#,
    )
    .await;
    done(
        &mut wire,
        "ChangeGroup.AutoPoll",
        r#"{"Id":"n","Rate":0.03}"#,
    )
    .await;
    done(
        &mut wire,
        "ChangeGroup.AddControl",
        r#"{"Id":"n","Controls":["LobbyMute"]}"#,
    )
    .await;
    assert!(wire.frame().await.contains("\"Changes\":[{"));
    wire.exchange(
        r#"{"id":1,"method":"NoOp"}"#,
        r#"{"jsonrpc":"2.0","result":{},"id":1}"#,
    )
    .await;
}

#[tokio::test]
async fn the_shapes_that_the_help_prints_can_be_had() {
    let points = OpenPoints {
        auto_poll_replies_changes: true,
        remove_replies_unknown: true,
        late_push_after_destroy: true,
        logon_says_response: true,
        push_shape: qrc_sim::PushShape::Result,
        component_set: Reply::Array,
        ..OpenPoints::default()
    };
    let stage = Stage::open(
        house(),
        CoreOptions {
            points,
            ..CoreOptions::default()
        },
    )
    .await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":1,"method":"Logon","params":{"User":"","Password":""}}"#,
        r#"{"jsonrpc":"2.0","response":true,"id":1}"#,
    )
    .await;
    done(
        &mut wire,
        "ChangeGroup.AddControl",
        r#"{"Id":"a","Controls":["LobbyMute"]}"#,
    )
    .await;
    let changes = r#"{"Id":"a","Changes":[{"Name":"LobbyMute","String":"unmuted","Value":0.0,"Position":0.0}]}"#;
    wire.exchange(
        r#"{"id":2,"method":"ChangeGroup.AutoPoll","params":{"Id":"a","Rate":5}}"#,
        &format!(r#"{{"jsonrpc":"2.0","result":{changes},"id":2}}"#),
    )
    .await;
    wire.exchange(
        r#"{"id":3,"method":"ChangeGroup.Remove","params":{"Id":"a","Controls":["no"]}}"#,
        r#"{"jsonrpc":"2.0","result":["no"],"id":3}"#,
    )
    .await;
    done(&mut wire, "ChangeGroup.Destroy", r#"{"Id":"a"}"#).await;
    assert_eq!(
        wire.frame().await,
        r#"{"jsonrpc":"2.0","result":{"Id":"a","Changes":[]}}"#
    );
    wire.exchange(
        r#"{"id":4,"method":"Component.Set","params":{"Name":"Panel","Controls":[]}}"#,
        r#"{"jsonrpc":"2.0","result":[],"id":4}"#,
    )
    .await;
}
