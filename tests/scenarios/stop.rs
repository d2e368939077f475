//! SIGTERM: what was received is committed, and the exit code is 0.

use qrc::method::component::{Set, SetControl};

use crate::stage::{EmulatedCore, Site, until};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_commits_everything_that_was_received() {
    let core = EmulatedCore::start(&[]);
    // Without the stop nothing would be committed for a minute.
    let site = Site::new(core.port)
        .set("EVENT_MONITORING_FLUSH_INTERVAL", "60000")
        .set("EVENT_MONITORING_BUFFER_SIZE", "1000000");
    let agent = site.recording_agent();
    let wall = core.client();
    for channel in 1..=8 {
        let set = SetControl::value(format!("input.{channel}.gain"), -f64::from(channel) - 30.5);
        wall.call(&Set::new("Main_Mixer", vec![set])).await.unwrap();
    }
    until("the changes to be received", || {
        let events = &site.json(&["status"])["events"];
        (events["queued"].as_u64() >= Some(8)).then_some(())
    });
    assert_eq!(agent.terminate(), 0);
    assert_eq!(
        site.count("value <= -31.5 AND component_name = 'Main_Mixer'"),
        8
    );
}

#[test]
fn a_core_that_never_answers_the_panels_writes_does_not_hold_the_stop_up() {
    let core = EmulatedCore::start(&["--fault", "swallow=Component.Set"]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    until("the panel to be found, and written to", || {
        (site.json(&["status"])["panel"]["state"] == "found").then_some(())
    });
    std::thread::sleep(std::time::Duration::from_millis(500));
    let told = std::time::Instant::now();
    assert_eq!(agent.terminate(), 0);
    // The agent would wait ten seconds for the write itself.
    let took = told.elapsed();
    assert!(took < std::time::Duration::from_secs(7), "{took:?}");
}
