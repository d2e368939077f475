//! Mixers, snapshots, loop players and paging, byte for byte.

#![allow(clippy::unwrap_used)] // only tests call these

use qrc_sim::CoreOptions;

use crate::house::{done, house, refused, stage, strings};
use crate::stage::Stage;

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
async fn a_loop_player_job_in_the_past_is_reported_after_the_reply() {
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
