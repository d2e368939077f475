//! The Core goes away and comes back; recording goes on, and the gap is noted.

use qrc::method::component::{Set, SetControl};

use crate::stage::{EmulatedCore, Site, until};

#[tokio::test(flavor = "multi_thread")]
async fn recording_goes_on_after_a_core_restart_with_the_gap_noted() {
    let core = EmulatedCore::start(&[]);
    let port = core.port;
    let site = Site::new(port);
    let mut agent = site.recording_agent();
    let wall = core.client();
    wall.call(&Set::new("Master", vec![SetControl::value("gain", -11.0)]))
        .await
        .unwrap();
    until("the event before", || {
        (site.count("value = -11.0") == 1).then_some(())
    });
    assert_eq!(site.json(&["status"])["events"]["gaps"], 0);

    core.process.kill();
    until("the agent to notice", || {
        (site.json(&["status"])["recording"] == false).then_some(())
    });
    let check = site.run(&["check"]);
    assert_eq!(check.status.code(), Some(2), "{check:?}");

    let core = EmulatedCore::start_on(port, &[]);
    until("the recording to go on", || {
        (site.json(&["status"])["recording"] == true).then_some(())
    });
    let wall = core.client();
    wall.call(&Set::new("Master", vec![SetControl::value("gain", -12.0)]))
        .await
        .unwrap();
    until("the event after", || {
        (site.count("value = -12.0") == 1).then_some(())
    });
    until("the gap", || {
        (site.json(&["status"])["events"]["gaps"] == 1).then_some(())
    });
    assert!(agent.is_running());
}
