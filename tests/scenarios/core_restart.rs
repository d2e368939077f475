//! The Core goes away and comes back; recording goes on, and the gap is noted.

use std::time::Duration;

use jiff::Timestamp;
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

#[tokio::test(flavor = "multi_thread")]
async fn no_moment_of_an_outage_is_claimed_while_it_lasts_nor_afterwards() {
    let core = EmulatedCore::start(&[]);
    let port = core.port;
    let site = Site::new(port);
    let _agent = site.recording_agent();
    let wall = core.client();
    wall.call(&Set::new("Master", vec![SetControl::value("gain", -11.0)]))
        .await
        .unwrap();
    until("the event", || {
        (site.count("value = -11.0") == 1).then_some(())
    });
    site.json(&["backup"]);
    // Though nothing changes, what the archive covers goes on.
    let quiet = Timestamp::now();
    let covered = || -> Timestamp {
        let status = site.json(&["status"]);
        let to = status["recoverable"]["to"].as_str();
        to.unwrap().parse().unwrap()
    };
    until("the quiet time to be covered", || {
        (covered() > quiet).then_some(())
    });
    assert_eq!(site.json(&["status"])["rpo_seconds"], 0.0);

    core.process.kill();
    until("the agent to notice", || {
        (site.json(&["status"])["recording"] == false).then_some(())
    });
    let outage = Timestamp::now();
    let asked = outage.to_string();
    site.json(&["backup"]);
    assert!(covered() < outage);
    let plan = ["restore", "latest", "--at", &asked, "--dry-run"];
    let said = |what: &str| site.json(&plan)["notes"].to_string().contains(what);
    assert!(said("nothing was recorded after"), "{}", site.json(&plan));
    assert!(covered() < outage);

    let _core = EmulatedCore::start_on(port, &[]);
    until("the recording to go on", || {
        (site.json(&["status"])["recording"] == true).then_some(())
    });
    let back = Timestamp::now();
    until("the time since to be covered", || {
        (covered() > back).then_some(())
    });
    // Nothing has changed since, and the gap is in the archive all the same.
    until("the gap to be shipped", || {
        said("lies in a gap").then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_falls_silent_is_covered_no_further_than_it_was_heard() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();
    let wall = core.client();
    wall.call(&Set::new("Master", vec![SetControl::value("gain", -11.0)]))
        .await
        .unwrap();
    until("the event", || {
        (site.count("value = -11.0") == 1).then_some(())
    });
    site.json(&["backup"]);
    core.process.freeze();
    // What it sent last is still on its way.
    let silent = Timestamp::now() + Duration::from_secs(1);
    // Long before the link counts as dead.
    until("the agent to notice", || {
        let status = site.json(&["status"]);
        let to = status["recoverable"]["to"].as_str();
        let to: Timestamp = to.unwrap().parse().unwrap();
        assert!(to <= silent, "{to} is covered, silent since {silent}");
        (status["recording"] == false).then_some(())
    });
    core.process.signal(rustix::process::Signal::CONT);
}
