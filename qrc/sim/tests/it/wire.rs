//! What the simulated Core sends, byte for byte, as captures and documentation show it.

use qrc_sim::CoreOptions;

use crate::socket::hall;
use crate::stage::Stage;

async fn stage() -> Stage {
    Stage::open(hall(), CoreOptions::default()).await
}

#[tokio::test]
async fn a_connection_opens_with_the_engine_status() {
    let stage = stage().await;
    let mut wire = stage.connect().await;
    assert_eq!(
        wire.frame().await,
        r#"{"jsonrpc":"2.0","method":"EngineStatus","params":{"Platform":"Core 110f","State":"Active","DesignName":"Harbour_Hall","DesignCode":"zT4mQ9wXb2Lk","IsRedundant":false,"IsEmulator":false,"Status":{"Code":0,"String":"OK"}}}"#
    );
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":2,"method":"StatusGet","params":0}"#,
        r#"{"jsonrpc":"2.0","result":{"Platform":"Core 110f","State":"Active","DesignName":"Harbour_Hall","DesignCode":"zT4mQ9wXb2Lk","IsRedundant":false,"IsEmulator":false,"Status":{"Code":0,"String":"OK"}},"id":2}"#,
    )
    .await;
}

#[tokio::test]
async fn ids_come_back_as_they_were_and_requests_without_one_stay_unanswered() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"jsonrpc":"2.0","method":"NoOp","params":{},"id":0}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":0}"#,
    )
    .await;
    wire.send(r#"{"jsonrpc":"2.0","method":"NoOp","params":{}}"#)
        .await;
    wire.send(r#"{"jsonrpc":"2.0","ID":5,"method":"NoSuch"}"#)
        .await;
    wire.exchange(
        "  {\"jsonrpc\":\"2.0\",\n \"id\": \"a\\u0041\", \"method\":\"NoOp\"}\r\n",
        r#"{"jsonrpc":"2.0","result":true,"id":"a\u0041"}"#,
    )
    .await;
}

#[tokio::test]
async fn named_controls_are_read_and_written() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":3,"method":"Control.Get","params":["LobbyVolume","LobbyMute"]}"#,
        r#"{"jsonrpc":"2.0","result":[{"Name":"LobbyVolume","String":"-6.00dB","Value":-6.0,"Position":0.78333336},{"Name":"LobbyMute","String":"unmuted","Value":0.0,"Position":0.0}],"id":3}"#,
    )
    .await;
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":5,"method":"Control.Set","params":{"Name":"LobbyVolume","Value":-12.5}}"#,
        r#"{"jsonrpc":"2.0","result":{"Name":"LobbyVolume","String":"-12.5dB","Value":-12.5,"Position":0.72916668},"id":5}"#,
    )
    .await;
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":4,"method":"Control.Get","params":["NoSuch"]}"#,
        r#"{"jsonrpc":"2.0","id":4,"error":{"code":8,"message":"control 'NoSuch' does not exist"}}"#,
    )
    .await;
}

#[tokio::test]
async fn components_are_listed_described_read_and_written() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.send(r#"{"jsonrpc":"2.0","id":6,"method":"Component.GetComponents","params":"test"}"#)
        .await;
    let list = wire.frame().await;
    assert!(list.starts_with(r#"{"jsonrpc":"2.0","result":[{"ID":"Lobby_Gain","Name":"Lobby_Gain","Type":"gain","Properties":[{"Name":"max_gain","Value":"20","PrettyName":"Max Gain (dB)"},{"Name":"min_gain","Value":"-100","PrettyName":"Min Gain (dB)"}],"Controls":null,"ControlSource":2},"#), "{list}");
    assert!(!list.contains("Secret"));
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":7,"method":"Component.GetControls","params":{"Name":"Lobby_Gain"}}"#,
        r#"{"jsonrpc":"2.0","result":{"Name":"Lobby_Gain","Controls":[{"Name":"gain","Type":"Float","Value":-6.0,"ValueMin":-100.0,"ValueMax":20.0,"StringMin":"-100dB","StringMax":"20.0dB","String":"-6.00dB","Position":0.78333336,"Direction":"Read/Write"},{"Name":"mute","Type":"Boolean","Value":false,"String":"unmuted","Position":0.0,"Direction":"Read/Write"}]},"id":7}"#,
    )
    .await;
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":8,"method":"Component.Get","params":{"Name":"Lobby_Gain","Controls":[{"Name":"gain"},{"Name":"mute"}]}}"#,
        r#"{"jsonrpc":"2.0","result":{"Name":"Lobby_Gain","Controls":[{"Name":"gain","String":"-6.00dB","Value":-6.0,"Position":0.78333336},{"Name":"mute","String":"unmuted","Value":0.0,"Position":0.0}]},"id":8}"#,
    )
    .await;
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":9,"method":"Component.Set","params":{"Name":"Lobby_Gain","Controls":[{"Name":"gain","Value":-10},{"Name":"mute","Value":true}]}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":9}"#,
    )
    .await;
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":10,"method":"Component.Set","params":{"Name":"Lobby_Gain","ResponseValues":true,"Controls":[{"Name":"gain","Position":0.5}]}}"#,
        r#"{"jsonrpc":"2.0","result":[{"Component":"Lobby_Gain","Name":"gain","String":"-40.0dB","Value":-40.0,"Position":0.5}],"id":10}"#,
    )
    .await;
    for hidden in ["Secret", "Nowhere"] {
        wire.exchange(
            &format!(r#"{{"id":11,"method":"Component.GetControls","params":{{"Name":"{hidden}"}}}}"#),
            &format!(r#"{{"jsonrpc":"2.0","id":11,"error":{{"code":7,"message":"component '{hidden}' does not exist"}}}}"#),
        )
        .await;
    }
}

#[tokio::test]
async fn each_kind_is_described_as_its_type_demands() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":1,"method":"Component.GetControls","params":{"Name":"Panel"}}"#,
        concat!(
            r#"{"jsonrpc":"2.0","result":{"Name":"Panel","Controls":["#,
            r#"{"Name":"count","Type":"Integer","Value":3,"ValueMin":0,"ValueMax":100,"StringMin":"0","StringMax":"100","String":"3","Position":0.02999999,"Direction":"Read/Write"},"#,
            r#"{"Name":"go","Type":"Trigger","Value":0.0,"Direction":"Read/Write"},"#,
            r#"{"Name":"lamp","Type":"Boolean","Value":false,"String":"false","Position":0.0,"Direction":"Read Only"},"#,
            r#"{"Name":"note","Type":"Text","String":"hello","Direction":"Read/Write"},"#,
            r#"{"Name":"open","Type":"Time","Value":3661.0,"ValueMin":0.0,"ValueMax":86399.0,"StringMin":"00:00:00","StringMax":"23:59:59","String":"01:01:01","Position":0.04237317,"Direction":"Read/Write"},"#,
            r#"{"Name":"source","Type":"Text","String":"Laptop","Direction":"Read/Write"},"#,
            r#"{"Name":"status","Type":"Status","Value":0.0,"String":"OK","Position":0.0,"Direction":"Read Only"}"#,
            r#"]},"id":1}"#
        ),
    )
    .await;
}

#[tokio::test]
async fn change_groups_report_once_and_end_with_their_connection() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"jsonrpc":"2.0","id":12,"method":"ChangeGroup.AddControl","params":{"Id":"desk","Controls":["LobbyVolume"]}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":12}"#,
    )
    .await;
    let poll = r#"{"jsonrpc":"2.0","id":13,"method":"ChangeGroup.Poll","params":{"Id":"desk"}}"#;
    wire.exchange(
        poll,
        r#"{"jsonrpc":"2.0","result":{"Id":"desk","Changes":[{"Name":"LobbyVolume","String":"-6.00dB","Value":-6.0,"Position":0.78333336}]},"id":13}"#,
    )
    .await;
    let empty = r#"{"jsonrpc":"2.0","result":{"Id":"desk","Changes":[]},"id":13}"#;
    wire.exchange(poll, empty).await;
    let mut other = stage.greeted().await;
    for value in ["-20", "-30"] {
        other
            .exchange(
                &format!(r#"{{"id":1,"method":"Component.Set","params":{{"Name":"Lobby_Gain","Controls":[{{"Name":"gain","Value":{value}}}]}}}}"#),
                r#"{"jsonrpc":"2.0","result":true,"id":1}"#,
            )
            .await;
    }
    wire.exchange(
        poll,
        r#"{"jsonrpc":"2.0","result":{"Id":"desk","Changes":[{"Name":"LobbyVolume","String":"-30.0dB","Value":-30.0,"Position":0.58333331}]},"id":13}"#,
    )
    .await;
    other
        .exchange(poll, r#"{"jsonrpc":"2.0","id":13,"error":{"code":6,"message":"Change group 'desk' does not exist"}}"#)
        .await;
}

#[tokio::test]
async fn auto_poll_pushes_changes_and_empty_ticks() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":11,"method":"ChangeGroup.AddComponentControl","params":{"Id":"lobby","Component":{"Name":"Lobby_Gain","Controls":[{"Name":"gain"}]}}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":11}"#,
    )
    .await;
    wire.exchange(
        r#"{"id":14,"method":"ChangeGroup.AutoPoll","params":{"Id":"lobby","Rate":0.03}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":14}"#,
    )
    .await;
    assert_eq!(
        wire.frame().await,
        r#"{"jsonrpc":"2.0","method":"ChangeGroup.Poll","params":{"Id":"lobby","Changes":[{"Component":"Lobby_Gain","Name":"gain","String":"-6.00dB","Value":-6.0,"Position":0.78333336}]}}"#
    );
    assert_eq!(
        wire.frame().await,
        r#"{"jsonrpc":"2.0","method":"ChangeGroup.Poll","params":{"Id":"lobby","Changes":[]}}"#
    );
}

#[tokio::test]
async fn the_fifth_group_is_refused() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    for group in 1..=4 {
        wire.exchange(
            &format!(r#"{{"id":1,"method":"ChangeGroup.AddControl","params":{{"Id":{group},"Controls":[]}}}}"#),
            r#"{"jsonrpc":"2.0","result":true,"id":1}"#,
        )
        .await;
    }
    wire.exchange(
        r#"{"id":2,"method":"ChangeGroup.AddControl","params":{"Id":"5","Controls":[]}}"#,
        r#"{"jsonrpc":"2.0","id":2,"error":{"code":5,"message":"change groups exhausted"}}"#,
    )
    .await;
    wire.exchange(
        r#"{"id":3,"method":"ChangeGroup.Poll","params":{"Id":4}}"#,
        r#"{"jsonrpc":"2.0","result":{"Id":4,"Changes":[]},"id":3}"#,
    )
    .await;
}

#[tokio::test]
async fn a_pin_guards_everything_but_status_and_keepalive() {
    let options = CoreOptions::default().with_user("wallpanel", "4071");
    let stage = Stage::open(hall(), options).await;
    let mut wire = stage.greeted().await;
    let get = r#"{"id":1,"method":"Control.Get","params":["LobbyMute"]}"#;
    let refused = r#"{"jsonrpc":"2.0","id":1,"error":{"code":10,"message":"Logon required"}}"#;
    wire.exchange(get, refused).await;
    wire.exchange(
        r#"{"id":2,"method":"NoOp"}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":2}"#,
    )
    .await;
    wire.exchange(
        r#"{"id":1,"method":"Logon","params":{"User":"wallpanel","Password":"1"}}"#,
        refused,
    )
    .await;
    wire.exchange(
        r#"{"id":3,"method":"Logon","params":{"User":"wallpanel","Password":"4071"}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":3}"#,
    )
    .await;
    wire.send(get).await;
    assert!(wire.frame().await.contains("\"result\":[{"));
}

#[tokio::test]
async fn frames_that_are_no_requests_are_refused_and_the_connection_goes_on() {
    let stage = stage().await;
    let mut wire = stage.greeted().await;
    wire.send(" \r\n ").await;
    wire.send("{nonsense").await;
    assert!(
        wire.frame()
            .await
            .starts_with(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"#)
    );
    for batch in ["[]", "7", r#"[{"id":1,"method":"NoOp"}]"#] {
        wire.send(batch).await;
        assert!(
            wire.frame()
                .await
                .starts_with(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"#)
        );
    }
    for (sent, code) in [
        (r#"{"id":9}"#, -32600),
        (r#"{"id":9,"method":5}"#, -32600),
        (r#"{"id":9,"method":"EngineStatus"}"#, -32601),
        (r#"{"id":9,"method":"logon","params":{}}"#, -32601),
        (
            r#"{"id":9,"method":"Control.Get","params":{"Name":"LobbyMute"}}"#,
            -32602,
        ),
        (
            r#"{"id":9,"method":"Control.Set","params":["LobbyMute",true]}"#,
            -32602,
        ),
        (
            r#"{"id":9,"method":"Control.Set","params":{"Name":"LobbyMute"}}"#,
            -32602,
        ),
        (
            r#"{"id":9,"method":"Control.Set","params":{"Name":"LobbyVolume","Value":"loud"}}"#,
            -32602,
        ),
    ] {
        wire.send(sent).await;
        let frame = wire.frame().await;
        let head = format!(r#"{{"jsonrpc":"2.0","id":9,"error":{{"code":{code},"message":""#);
        assert!(frame.starts_with(&head), "{sent} gave {frame}");
    }
    wire.exchange(
        r#"{"id":1,"method":"NoOp"}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":1}"#,
    )
    .await;
}
