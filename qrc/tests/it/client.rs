//! The client against the simulated Core.

use std::net::SocketAddr;
use std::time::Duration;

use qrc::method::{component, control};
use qrc::{
    Client, Credentials, Error, Link, Options, Reading, Selection, Value, Watch, WatchEvent,
};
use qrc_sim::{Component, Control, CoreOptions, Design};
use tokio::net::TcpListener;

use crate::stage::Stage;

const PATIENCE: Duration = Duration::from_secs(20);

fn hall() -> Design {
    Design::new("Harbour_Hall", "zT4mQ9wXb2Lk")
        .with(
            Component::new("Lobby", "gain")
                .with(Control::gain("gain", -100.0, 20.0).at(-6.0))
                .with(Control::mute("mute"))
                .with(Control::trigger("go")),
        )
        .with(Component::new("Desk", "custom_controls").with(Control::text("note").saying("hello")))
        .with_named("LobbyVolume", "Lobby", "gain")
        .with_named("DeskNote", "Desk", "note")
}

async fn stage(options: CoreOptions) -> Stage {
    Stage::open(hall(), options).await
}

fn options(address: SocketAddr) -> Options {
    let mut options = Options::new(address.ip().to_string(), address.port());
    options.retry_first = Duration::from_millis(20);
    options.retry_cap = Duration::from_millis(100);
    options
}

async fn event(watch: &mut Watch) -> WatchEvent {
    tokio::time::timeout(PATIENCE, watch.next())
        .await
        .expect("an event in time")
        .expect("a live watch")
}

/// The next state, and all events before it.
async fn until_state(watch: &mut Watch) -> (Vec<WatchEvent>, Vec<(String, Reading)>) {
    let mut before = Vec::new();
    let mut names: Vec<String> = Vec::new();
    loop {
        match event(watch).await {
            WatchEvent::State { readings, .. } => {
                let state = readings
                    .into_iter()
                    .map(|(id, reading)| (String::clone(&names[id.0 as usize]), reading))
                    .collect();
                return (before, state);
            }
            WatchEvent::Inventory(inventory) => {
                names = inventory
                    .controls
                    .iter()
                    .map(|control| control.name.to_string())
                    .collect();
                before.push(WatchEvent::Inventory(inventory));
            }
            other => before.push(other),
        }
    }
}

#[tokio::test]
async fn reads_and_writes_components_and_named_controls() {
    let stage = stage(CoreOptions::default()).await;
    let client = Client::start(options(stage.address));

    let set = component::Set::new("Lobby", vec![component::SetControl::value("gain", -12.5)]);
    client.call(&set).await.unwrap();
    let readings = client
        .call(&component::Get::new("Lobby", ["gain", "mute"]))
        .await
        .unwrap();
    assert_eq!(
        readings.controls[0].reading.value,
        Some(Value::Number(-12.5))
    );
    assert_eq!(
        readings.controls[0].reading.string.as_deref(),
        Some("-12.5dB")
    );

    client
        .call(&control::Set::position("LobbyVolume", 0.5))
        .await
        .unwrap();
    let named = client
        .call(&control::Get(vec!["LobbyVolume".into()]))
        .await
        .unwrap();
    assert_eq!(named[0].reading.value, Some(Value::Number(-40.0)));

    let error = client
        .call(&control::Get(vec!["NoSuch".into()]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(qrc::code::UNKNOWN_CONTROL));
    assert_eq!(error.subject(), Some("NoSuch"));
    client.shutdown().await;
    assert_eq!(*client.link().borrow(), Link::Closed);
    // At once, not only when a request's time is over.
    let late = control::Get(vec!["LobbyVolume".into()]);
    let late = client.call(&late);
    let late = tokio::time::timeout(Duration::from_secs(5), late).await;
    assert_eq!(late.unwrap().unwrap_err(), qrc::Error::Closed);
}

#[tokio::test]
async fn a_watch_reports_the_design_the_state_and_then_each_change_once() {
    let stage = stage(CoreOptions::default()).await;
    let client = Client::start(options(stage.address));
    let selection = Selection {
        named: ["LobbyVolume", "NoSuch", "DeskNote"]
            .map(Into::into)
            .to_vec(),
        exclude: vec!["Desk.*".into()],
        ..Selection::default()
    };
    let mut watch = client.watch(selection).await.unwrap();

    let (before, state) = until_state(&mut watch).await;
    let [WatchEvent::Inventory(inventory)] = &before[..] else {
        panic!("{before:?}");
    };
    let aliases: Vec<_> = inventory
        .aliases
        .iter()
        .map(|(alias, of)| {
            let of = inventory.controls[of.0 as usize].name.to_string();
            (alias.as_str(), of)
        })
        .collect();
    assert_eq!(aliases, [("LobbyVolume", "Lobby.gain".to_owned())]);
    let mut names: Vec<_> = state.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["DeskNote", "Lobby.gain", "Lobby.mute"]);

    let other = Client::start(options(stage.address));
    // Each once, under the component's name only: a second report would come before the next
    // change.
    for step in 1..=5 {
        let value = -20.0 - f64::from(step);
        let set = component::Set::new("Lobby", vec![component::SetControl::value("gain", value)]);
        other.call(&set).await.unwrap();
        match event(&mut watch).await {
            WatchEvent::Changes { changes, .. } => {
                assert_eq!(changes.len(), 1, "{changes:?}");
                assert_eq!(changes[0].control, inventory.aliases[0].1);
                assert_eq!(changes[0].reading.value, Some(Value::Number(value)));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_clients_own_named_controls_are_left_out_under_every_name() {
    let stage = stage(CoreOptions::default()).await;
    let client = Client::start(options(stage.address));
    let selection = Selection {
        named: ["LobbyVolume", "DeskNote"].map(Into::into).to_vec(),
        exclude: vec!["Desk.*".into()],
        exclude_named: ["NoSuch", "LobbyVolume"].map(Into::into).to_vec(),
        ..Selection::default()
    };
    let mut watch = client.watch(selection).await.unwrap();
    let (before, state) = until_state(&mut watch).await;
    let [WatchEvent::Inventory(inventory)] = &before[..] else {
        panic!("{before:?}");
    };
    assert!(inventory.aliases.is_empty(), "{:?}", inventory.aliases);
    let mut names: Vec<_> = state.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["DeskNote", "Lobby.mute"]);
}

#[tokio::test]
async fn a_core_that_restarts_leaves_a_gap_and_the_state_after_it() {
    let stage = stage(CoreOptions::default()).await;
    let client = Client::start(options(stage.address));
    let mut watch = client.watch(Selection::default()).await.unwrap();
    until_state(&mut watch).await;

    stage.core.with_controls(|controls| {
        let gain = controls.lookup("Lobby", "gain").unwrap();
        controls.set_value(gain, -3.0)
    });
    while !matches!(event(&mut watch).await, WatchEvent::Changes { .. }) {}
    stage.core.restart();
    let (before, state) = until_state(&mut watch).await;
    match &before[..] {
        [
            WatchEvent::Lost { from: since, .. },
            WatchEvent::Inventory(_),
            WatchEvent::Gap { from, to, why },
        ] => {
            assert_eq!(since, from);
            assert!(from < to, "{from:?} {to:?}");
            assert!(!why.is_empty());
        }
        other => panic!("{other:?}"),
    }
    let gain = state.iter().find(|(name, _)| name == "Lobby.gain").unwrap();
    assert_eq!(gain.1.value, Some(Value::Number(-3.0)));
}

#[tokio::test]
async fn a_wrong_pin_is_refused_with_a_reason_and_not_tried_in_a_storm() {
    let stage = stage(CoreOptions::default().with_user("panel", "4071")).await;
    let mut wrong = options(stage.address);
    wrong.credentials = Some(Credentials::new("panel", "0000"));
    let client = Client::start(wrong);
    let mut link = client.link();
    let refused = link.wait_for(|link| matches!(link, Link::Refused { .. }));
    let link = tokio::time::timeout(PATIENCE, refused)
        .await
        .unwrap()
        .unwrap()
        .clone();
    assert!(matches!(link, Link::Refused { reason } if reason.contains("PIN")));

    let mut right = options(stage.address);
    right.credentials = Some(Credentials::new("panel", "4071"));
    let client = Client::start(right);
    assert!(client.call(&component::GetComponents).await.is_ok());
}

#[tokio::test]
async fn nobody_listening_is_said_and_a_call_is_not_sent_later() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut patient = options(address);
    patient.reply_timeout = Duration::from_millis(200);
    let client = Client::start(patient);
    let error = client
        .call(&control::Set::value("LobbyVolume", 1.0))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoLink { .. }), "{error:?}");
    let mut link = client.link();
    let failed = link.wait_for(|link| {
        matches!(link, Link::Connecting { last_error: Some(why), .. } if why.contains("refused"))
    });
    tokio::time::timeout(PATIENCE, failed)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn more_groups_than_a_connection_has_are_refused_until_a_watch_ends() {
    let stage = stage(CoreOptions::default()).await;
    let client = Client::start(options(stage.address));
    let most = Selection {
        max_groups: 3,
        ..Selection::default()
    };
    let first = client.watch(most.clone()).await.unwrap();
    let error = client.watch(most.clone()).await.unwrap_err();
    assert!(matches!(error, Error::TooManyGroups { limit: 4 }));
    drop(first);
    let mut second = client.watch(most).await.unwrap();
    until_state(&mut second).await;
}

#[tokio::test]
async fn a_watch_that_is_not_taken_loses_nothing() {
    let stage = stage(CoreOptions::default()).await;
    let mut small = options(stage.address);
    small.watch_queue = 1;
    let client = Client::start(small);
    let fast = Selection {
        rate: Duration::from_millis(30),
        ..Selection::default()
    };
    let mut watch = client.watch(fast).await.unwrap();
    until_state(&mut watch).await;
    // Far more pushes with news than the queue takes; the Core has sent each of them.
    for step in 0..20 {
        let pushes = stage.core.stats().pushes;
        stage.core.with_controls(|controls| {
            let gain = controls.lookup("Lobby", "gain").unwrap();
            controls.set_value(gain, f64::from(-step - 1))
        });
        let pushed = async {
            while stage.core.stats().pushes < pushes + 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, pushed).await.unwrap();
    }
    let mut expected = 0;
    while expected < 20 {
        if let WatchEvent::Changes { changes, .. } = event(&mut watch).await {
            expected += 1;
            assert_eq!(
                changes[0].reading.value,
                Some(Value::Number(-f64::from(expected)))
            );
        }
    }
}

#[tokio::test]
async fn a_consumer_that_calls_between_its_events_gets_answers_and_misses_nothing() {
    let stage = stage(CoreOptions::default()).await;
    let mut narrow = options(stage.address);
    narrow.watch_queue = 1;
    let client = Client::start(narrow);
    let quick = Selection {
        include: vec!["Lobby.gain".into()],
        rate: Duration::from_millis(30),
        ..Selection::default()
    };
    let mut watch = client.watch(quick).await.unwrap();
    until_state(&mut watch).await;
    // Takes no event before all calls are answered: the changes that they make come before the
    // later answers in the socket.
    for step in 1..=10 {
        let value = -20.0 - f64::from(step);
        let set = component::Set::new("Lobby", vec![component::SetControl::value("gain", value)]);
        client.call(&set).await.unwrap();
        tokio::time::sleep(Duration::from_millis(70)).await;
    }
    let mut told = Vec::new();
    while told.last() != Some(&-30.0) {
        if let WatchEvent::Changes { changes, .. } = event(&mut watch).await {
            told.extend(
                changes
                    .iter()
                    .filter_map(|change| change.reading.value.as_ref()?.as_number()),
            );
        }
    }
    assert_eq!(
        told,
        (1..=10)
            .map(|step| -20.0 - f64::from(step))
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_watch_that_matches_nothing_reports_that_once_and_keeps_no_other_from_starting() {
    let stage = stage(CoreOptions::default()).await;
    let client = Client::start(options(stage.address));
    let nothing = Selection {
        include: vec!["No_Such.*".into()],
        max_groups: 1,
        ..Selection::default()
    };
    let all = Selection {
        max_groups: 3,
        ..Selection::default()
    };
    let mut empty = client.watch(nothing).await.unwrap();
    let mut full = client.watch(all).await.unwrap();
    let (before, state) = until_state(&mut empty).await;
    assert!(matches!(&before[..], [WatchEvent::Inventory(found)] if found.controls.is_empty()));
    assert!(state.is_empty());
    let (_, state) = until_state(&mut full).await;
    assert!(!state.is_empty());

    // The next event of the full watch comes after a second reading for the empty one.
    stage.core.with_controls(|controls| {
        let gain = controls.lookup("Lobby", "gain").unwrap();
        controls.set_value(gain, -3.0)
    });
    assert!(matches!(event(&mut full).await, WatchEvent::Changes { .. }));
    client.shutdown().await;
    assert!(empty.next().await.is_none(), "told once only");
}
