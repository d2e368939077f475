//! Somebody moves a fader; the store knows.

use qrc::method::component::{Set, SetControl};

use crate::stage::{EmulatedCore, Site, day_files, until};

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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_locked_store_keeps_in_memory_is_said_to_be_at_risk() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let (wall, count) = (core.client(), |value: f64| {
        site.count(&format!(
            "control_path = 'Master.gain' AND value = {value:?}"
        ))
    });
    let set = |value| Set::new("Master", vec![SetControl::value("gain", value)]);
    wall.call(&set(-32.0)).await.unwrap();
    until("the event", || (count(-32.0) == 1).then_some(()));
    site.json(&["backup"]);
    until("nothing to be at risk", || {
        (site.json(&["status"])["rpo_seconds"] == 0.0).then_some(())
    });

    let lock = rusqlite::Connection::open(&day_files(&site.store())[0]).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    wall.call(&set(-33.0)).await.unwrap();
    let status = until("the lock to be told of", || {
        let status = site.json(&["status"]);
        status["store"]["problem"].is_string().then_some(status)
    });
    let problem = status["store"]["problem"].as_str().unwrap();
    assert!(
        problem.contains("locked") && problem.contains("in memory"),
        "{problem}"
    );
    assert!(status["rpo_seconds"].as_f64().unwrap() > 0.0, "{status}");
    // Time goes on; what the archive holds does not.
    let reach = status["recoverable"]["to"].clone();
    until("the risk to grow", || {
        let later = site.json(&["status"]);
        assert_eq!(later["recoverable"]["to"], reach);
        (later["rpo_seconds"].as_f64() > Some(2.0)).then_some(())
    });

    lock.execute_batch("ROLLBACK").unwrap();
    until("all to be safe again", || {
        (site.json(&["status"])["rpo_seconds"] == 0.0).then_some(())
    });
    assert_eq!(count(-33.0), 1);
    assert_eq!(agent.terminate(), 0);
}
