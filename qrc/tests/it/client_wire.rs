//! The client against bytes written by hand: shapes and silences that the simulated Core does not
//! have.

#![allow(clippy::unwrap_used)] // only tests call these

use std::net::SocketAddr;
use std::time::Duration;

use qrc::method::session::StatusGet;
use qrc::{Client, Error, Link, Options, Selection, Watch, WatchEvent};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(20);
const STATUS: &str = r#"{"Platform":"Core 110f","State":"Active","DesignName":"Hall","DesignCode":"c","IsRedundant":false,"IsEmulator":false,"Status":{"Code":0,"String":"OK"}}"#;

fn change(value: u32) -> String {
    format!(
        r#"{{"Component":"Lobby","Name":"gain","String":"{value}.0dB","Value":{value}.0,"Position":0.5}}"#
    )
}

/// What the Core writes for a request: the usual answers, or what `script` returns instead.
fn answer(request: &Value, script: fn(&str, &str) -> Option<String>) -> String {
    let (method, id) = (request["method"].as_str().unwrap(), &request["id"]);
    if let Some(scripted) = script(method, &id.to_string()) {
        return scripted;
    }
    let result = match method {
        "StatusGet" => STATUS.to_owned(),
        "Component.GetComponents" => r#"[{"Name":"Lobby","Type":"gain","Properties":[]}]"#.to_owned(),
        "Component.GetControls" => r#"{"Name":"Lobby","Controls":[{"Name":"gain","Type":"Float","Value":0.0,"String":"0.0dB","Position":0.5,"Direction":"Read/Write"}]}"#.to_owned(),
        "ChangeGroup.Poll" => format!(r#"{{"Id":"qrc-0-0","Changes":[{}]}}"#, change(0)),
        _ => "true".to_owned(),
    };
    format!("{{\"jsonrpc\":\"2.0\",\"result\":{result},\"id\":{id}}}\0")
}

/// Serves one connection.
async fn serve(stream: TcpStream, script: fn(&str, &str) -> Option<String>) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut frame = Vec::new();
    while read.read_until(0, &mut frame).await.unwrap_or(0) > 0 {
        frame.pop();
        let request = serde_json::from_slice(&frame).unwrap();
        let answer = answer(&request, script);
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        frame.clear();
    }
}

async fn core(script: fn(&str, &str) -> Option<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, script));
        }
    });
    address
}

fn options(address: SocketAddr) -> Options {
    Options::new(address.ip().to_string(), address.port())
}

async fn event(watch: &mut Watch) -> WatchEvent {
    tokio::time::timeout(PATIENCE, watch.next())
        .await
        .expect("an event in time")
        .expect("a live watch")
}

/// The numbers of the next changes, at least `count`.
async fn numbers(watch: &mut Watch, count: usize) -> Vec<f64> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        match event(watch).await {
            WatchEvent::Changes { changes, .. } => {
                let values = changes.iter().map(|change| change.reading.value.as_ref());
                numbers.extend(values.filter_map(|value| value?.as_number()));
            }
            WatchEvent::Inventory(_) | WatchEvent::State { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    numbers
}

async fn until_lost(client: &Client) -> String {
    let mut link = client.link();
    let lost = link.wait_for(|link| {
        matches!(
            link,
            Link::Connecting {
                last_error: Some(_),
                ..
            }
        )
    });
    let lost = tokio::time::timeout(PATIENCE, lost).await.unwrap().unwrap();
    match &*lost {
        Link::Connecting {
            last_error: Some(why),
            ..
        } => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_peer_that_accepts_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut brisk = options(listener.local_addr().unwrap());
    brisk.silence_limit = Duration::from_millis(300);
    let client = Client::start(brisk);
    let (_held, _) = listener.accept().await.unwrap();
    let why = until_lost(&client).await;
    assert!(why.contains("nothing was heard"), "{why}");
}

#[tokio::test]
async fn a_link_that_falls_silent_while_up_is_noticed_and_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut brisk = options(listener.local_addr().unwrap());
    brisk.keepalive = Duration::from_millis(50);
    brisk.silence_limit = Duration::from_millis(300);
    brisk.retry_first = Duration::from_millis(1);
    let client = Client::start(brisk);
    // It greets; after that it neither reads nor answers.
    let (mut half_open, _) = listener.accept().await.unwrap();
    let status = format!("{{\"jsonrpc\":\"2.0\",\"result\":{STATUS},\"id\":1}}\0");
    half_open.write_all(status.as_bytes()).await.unwrap();
    let mut link = client.link();
    let up = link.wait_for(|link| matches!(link, Link::Up(_)));
    drop(tokio::time::timeout(PATIENCE, up).await.unwrap().unwrap());
    // A write that was under way may have been done or not.
    let write = qrc::method::control::Set::value("LobbyVolume", 1.0);
    let error = tokio::time::timeout(PATIENCE, client.call(&write)).await;
    let error = error.unwrap().unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    let why = until_lost(&client).await;
    assert!(why.contains("nothing was heard"), "{why}");

    let again = tokio::time::timeout(PATIENCE, listener.accept()).await;
    tokio::spawn(serve(again.unwrap().unwrap().0, |_, _| None));
    let answered = tokio::time::timeout(PATIENCE, client.call(&StatusGet)).await;
    assert_eq!(answered.unwrap().unwrap().design_name, "Hall");
}

#[tokio::test]
async fn pushes_are_taken_in_every_shape_that_is_known_of() {
    let address = core(|method, id| {
        let body = |value| format!(r#"{{"Id":"qrc-0-0","Changes":[{}]}}"#, change(value));
        (method == "ChangeGroup.AutoPoll").then(|| {
            [
                format!(r#"{{"jsonrpc":"2.0","result":{},"id":{id}}}"#, body(1)),
                format!(r#"{{"jsonrpc":"2.0","result":{},"id":{id}}}"#, body(2)),
                format!(r#"{{"jsonrpc":"2.0","result":{}}}"#, body(3)),
                format!(r#"{{"jsonrpc":"2.0","id":null,"result":{}}}"#, body(4)),
                format!(
                    r#"{{"jsonrpc":"2.0","method":"ChangeGroup.Poll","result":{}}}"#,
                    body(5)
                ),
                format!(
                    r#"{{"jsonrpc":"2.0","method":"ChangeGroup.Poll","params":{}}}"#,
                    body(6)
                ),
                String::new(),
            ]
            .join("\0")
        })
    })
    .await;
    let client = Client::start(options(address));
    let mut watch = client.watch(Selection::default()).await.unwrap();
    assert_eq!(numbers(&mut watch, 6).await, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[tokio::test]
async fn a_watch_left_alone_past_read_ahead_keeps_the_caller_waiting_and_drops_nothing() {
    const PUSHES: u32 = 300;
    let address = core(|method, id| {
        (method == "Flood").then(|| {
            let mut bytes = String::new();
            for value in 1..=PUSHES {
                bytes += &format!(
                    "{{\"jsonrpc\":\"2.0\",\"method\":\"ChangeGroup.Poll\",\"params\":{{\"Id\":\"qrc-0-0\",\"Changes\":[{}]}}}}\0",
                    change(value)
                );
            }
            bytes + &format!("{{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":{id}}}\0")
        })
    })
    .await;
    let mut narrow = options(address);
    narrow.watch_queue = 1;
    narrow.read_ahead = 2000;
    narrow.reply_timeout = Duration::from_secs(1);
    let client = Client::start(narrow);
    let mut watch = client.watch(Selection::default()).await.unwrap();
    while !matches!(event(&mut watch).await, WatchEvent::State { .. }) {}

    let error = client.raw("Flood", &()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    let expected: Vec<f64> = (1..=PUSHES).map(f64::from).collect();
    assert_eq!(numbers(&mut watch, expected.len()).await, expected);
    client.call(&StatusGet).await.unwrap();
}

#[tokio::test]
async fn a_question_that_was_sent_is_never_said_to_be_unsent_though_asking_again_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut brisk = options(listener.local_addr().unwrap());
    brisk.reply_timeout = Duration::from_millis(500);
    brisk.retry_first = Duration::from_millis(1);
    let client = Client::start(brisk);
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // Nobody listens any more when the question comes.
        drop(listener);
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut frame = Vec::new();
        loop {
            frame.clear();
            read.read_until(0, &mut frame).await.unwrap();
            frame.pop();
            let request: Value = serde_json::from_slice(&frame).unwrap();
            if request["method"] == "Component.GetComponents" {
                return;
            }
            let answer = answer(&request, |_, _| None);
            write.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let error = client.call(&qrc::method::component::GetComponents).await;
    let error = error.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    serving.await.unwrap();
}
