//! The fault bench and the redundant pair, as a client on a plain socket sees them.

#![allow(clippy::unwrap_used)] // only tests call these

use std::time::Duration;

use qrc_sim::{CoreOptions, CoreState, Fault, FaultKind, Pair};
use tokio::io::AsyncReadExt;

use crate::socket::hall;
use crate::stage::Stage;

async fn stage(fault: &str) -> Stage {
    let stage = Stage::open(hall(), CoreOptions::default()).await;
    stage.core.faults().add(fault.parse::<Fault>().unwrap());
    stage
}

fn no_op(id: u32) -> String {
    format!(r#"{{"id":{id},"method":"NoOp"}}"#)
}

fn done(id: u32) -> String {
    format!(r#"{{"jsonrpc":"2.0","result":true,"id":{id}}}"#)
}

#[tokio::test]
async fn frames_in_single_bytes_are_the_same_frames() {
    let stage = stage("split=1").await;
    let mut wire = stage.greeted().await;
    for id in 0..20 {
        wire.exchange(&no_op(id), &done(id)).await;
    }
}

#[tokio::test]
async fn frames_in_one_write_are_the_same_frames() {
    let stage = stage("coalesce=30ms").await;
    let mut wire = stage.greeted().await;
    for id in 0..20 {
        wire.send(&no_op(id)).await;
    }
    for id in 0..20 {
        assert_eq!(wire.frame().await, done(id));
    }
}

#[tokio::test]
async fn replies_can_change_places() {
    let stage = stage("reorder@every=2").await;
    let mut wire = stage.greeted().await;
    for id in 1..=3 {
        wire.send(&no_op(id)).await;
    }
    for id in [1, 3, 2] {
        assert_eq!(wire.frame().await, done(id));
    }
    // Without a later reply it comes too, only later.
    wire.exchange(&no_op(4), &done(4)).await;
}

#[tokio::test]
async fn a_swallowed_reply_never_comes_but_its_request_was_done() {
    let stage = stage("swallow=Control.Set@times=1").await;
    let mut wire = stage.greeted().await;
    wire.send(r#"{"id":1,"method":"Control.Set","params":{"Name":"LobbyMute","Value":true}}"#)
        .await;
    wire.exchange(
        r#"{"id":2,"method":"Control.Get","params":["LobbyMute"]}"#,
        r#"{"jsonrpc":"2.0","result":[{"Name":"LobbyMute","String":"muted","Value":1.0,"Position":1.0}],"id":2}"#,
    )
    .await;
}

#[tokio::test]
async fn a_garbled_frame_is_one_broken_frame() {
    let stage = stage("garble@after=10m").await;
    let mut wire = stage.greeted().await;
    stage
        .core
        .faults()
        .add("garble@times=1".parse::<Fault>().unwrap());
    wire.send(&no_op(1)).await;
    assert!(wire.frame().await.contains('\u{1}'));
    wire.exchange(&no_op(2), &done(2)).await;
    assert_eq!(stage.core.faults().hits(), 1);
}

#[tokio::test]
async fn a_dropped_connection_may_come_back_after_the_absence() {
    let stage = stage("delay=1ms").await;
    let mut wire = stage.greeted().await;
    stage
        .core
        .faults()
        .add(FaultKind::Drop(Duration::from_millis(100)));
    assert_eq!(wire.next().await, None);
    let mut refused = 0;
    loop {
        let mut wire = stage.connect().await;
        if wire.next().await.is_some() {
            break;
        }
        refused += 1;
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_stalled_core_answers_later() {
    let stage = stage("delay=1ms").await;
    let mut wire = stage.greeted().await;
    stage
        .core
        .faults()
        .add(FaultKind::Stall(Duration::from_millis(150)));
    let begin = std::time::Instant::now();
    while begin.elapsed() < Duration::from_millis(100) {
        wire.exchange(&no_op(1), &done(1)).await;
    }
}

#[tokio::test]
async fn a_flood_moves_controls() {
    let stage = stage("flood=5000").await;
    let mut wire = stage.greeted().await;
    wire.exchange(
        r#"{"id":1,"method":"ChangeGroup.AddControl","params":{"Id":"f","Controls":["LobbyVolume"]}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":1}"#,
    )
    .await;
    wire.exchange(
        r#"{"id":2,"method":"ChangeGroup.AutoPoll","params":{"Id":"f","Rate":0.03}}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":2}"#,
    )
    .await;
    while stage.core.stats().changes < 500 {
        assert!(wire.frame().await.contains("\"LobbyVolume\""));
    }
}

#[tokio::test]
async fn a_failover_swaps_the_roles_and_keeps_what_people_set() {
    let pair = Pair::new(hall(), CoreOptions::default());
    let first = Stage::serve(pair.first.clone()).await;
    let second = Stage::serve(pair.second.clone()).await;
    let mut active = first.greeted().await;
    let mut standby = second.connect().await;
    assert!(standby.frame().await.contains(r#""State":"Standby""#));
    standby
        .exchange(
            r#"{"id":1,"method":"Control.Get","params":["LobbyMute"]}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32604,"message":"Core is on Standby"}}"#,
        )
        .await;
    standby.exchange(&no_op(1), &done(1)).await;
    active
        .exchange(
            r#"{"id":2,"method":"Control.Set","params":{"Name":"LobbyMute","Value":true}}"#,
            r#"{"jsonrpc":"2.0","result":{"Name":"LobbyMute","String":"muted","Value":1.0,"Position":1.0},"id":2}"#,
        )
        .await;
    first
        .core
        .faults()
        .add("failover=50ms".parse::<Fault>().unwrap());
    assert!(
        active
            .frame()
            .await
            .contains(r#""State":"Standby","DesignName":"Harbour_Hall""#)
    );
    let told = standby.frame().await;
    assert!(
        told.contains(r#""State":"Active""#) && told.contains(r#""IsRedundant":true"#),
        "{told}"
    );
    standby
        .exchange(
            r#"{"id":3,"method":"Control.Get","params":["LobbyMute"]}"#,
            r#"{"jsonrpc":"2.0","result":[{"Name":"LobbyMute","String":"muted","Value":1.0,"Position":1.0}],"id":3}"#,
        )
        .await;
    assert_eq!(pair.first.state(), CoreState::Standby);
}

#[tokio::test]
async fn a_peer_that_never_reads_holds_up_nobody() {
    let options = CoreOptions {
        output_limit: 64 * 1024,
        ..CoreOptions::default()
    };
    let stage = Stage::open(hall(), options).await;
    stage.core.faults().add(FaultKind::Flood(2000));
    let mut lazy = stage.connect().await;
    let add = r#"{"id":1,"method":"ChangeGroup.AddComponentControl","params":{"Id":"g","Component":{"Name":"Lobby_Gain","Controls":[{"Name":"gain"},{"Name":"mute"}]}}}"#;
    lazy.send(add).await;
    lazy.send(r#"{"id":2,"method":"ChangeGroup.AutoPoll","params":{"Id":"g","Rate":0.03}}"#)
        .await;
    // Asks for a large answer again and again, and reads no answer.
    let question = r#"{"id":3,"method":"Component.GetControls","params":{"Name":"Panel"}}"#;
    let (mut deaf, mut mouth) = lazy.stream.into_split();
    let asking = tokio::spawn(async move {
        let question = format!("{question}\0").repeat(100);
        while tokio::io::AsyncWriteExt::write_all(&mut mouth, question.as_bytes())
            .await
            .is_ok()
        {}
    });
    let mut wire = stage.greeted().await;
    while stage.core.stats().held_back < 3 {
        wire.exchange(&no_op(7), &done(7)).await;
    }
    asking.abort();
    // The output that waited is still whole.
    let mut start = [0; 24];
    deaf.read_exact(&mut start).await.unwrap();
    assert_eq!(&start[..17], b"{\"jsonrpc\":\"2.0\",");
}
