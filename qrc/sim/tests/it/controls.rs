//! The kinds of controls, and the points that no source settles, byte for byte.

#![allow(clippy::unwrap_used)] // only tests call these

use qrc_sim::{CoreOptions, OpenPoints, Reply};

use crate::house::{done, house, refused, stage, strings};
use crate::stage::Stage;

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
