//! Somebody moves a fader; the store knows.

use qrc::method::component::{Set, SetControl};

use crate::stage::{EmulatedCore, Site, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_gain_moved_by_a_third_client_is_in_the_store_within_a_second() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();

    let wall = core.client();
    wall.call(&qrc::method::session::StatusGet).await.unwrap();
    let moved = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let set = Set::new("Master", vec![SetControl::value("gain", -17.25)]);
    wall.call(&set).await.unwrap();

    let event = until("the event", || {
        let events = site.json(&["events", "--control", "Master.gain"]);
        events
            .as_array()
            .unwrap()
            .iter()
            .find(|event| event["value"] == -17.25)
            .cloned()
    });
    assert_eq!(event["control_path"], "Master.gain");
    assert_eq!(event["component_name"], "Master");
    assert_eq!(event["string_value"], "-17.2dB");
    let recorded = event["timestamp"].as_i64().unwrap();
    let moved = i64::try_from(moved.as_millis()).unwrap();
    assert!(
        (moved..moved + 1000).contains(&recorded),
        "moved {moved}, recorded {recorded}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_mailbox_is_never_recorded() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let wall = core.client();
    // The agent has written its heartbeat at least once when the panel shows it online.
    core.until_agent_online(&wall).await;
    assert_eq!(agent.terminate(), 0);
    assert_eq!(site.count("component_name = 'DisasterRecovery'"), 0);
}
