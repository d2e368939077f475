//! A redundant pair of Cores: the active one is recorded, and the failover is noted.

use std::net::Ipv4Addr;

use qrc::sim::{Component, Control, Core, CoreOptions, Design, Pair};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::stage::{Site, until};

fn move_fader(core: &Core, value: f64) {
    core.with_controls(|controls| {
        let gain = controls.lookup("Master", "gain").unwrap();
        controls.set_value(gain, value)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_follows_the_active_core_of_a_pair() {
    let design = Design::new("Harbour_Hall", "zT4mQ9wXb2Lk")
        .with(Component::new("Master", "gain").with(Control::gain("gain", -100.0, 20.0).at(-6.0)));
    let pair = Pair::new(design, CoreOptions::default());
    // Both Cores of a pair listen on the same port, each on an address of its own.
    let first = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 1), 0))
        .await
        .unwrap();
    let port = first.local_addr().unwrap().port();
    let second = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), port))
        .await
        .unwrap();
    let stop = CancellationToken::new();
    for (core, listener) in [(&pair.first, first), (&pair.second, second)] {
        let (core, stop) = (core.clone(), stop.clone());
        tokio::spawn(async move { core.serve(listener, stop).await });
    }

    let site = Site::new(port).set("QSYS_BACKUP_HOST", "127.0.0.2");
    let agent = site.recording_agent();
    assert_eq!(site.json(&["status"])["core"]["host"], "127.0.0.1");
    move_fader(pair.active(), -11.0);
    until("the event before", || {
        (site.count("value = -11.0") == 1).then_some(())
    });

    pair.fail_over();
    until("the partner to be recorded", || {
        let status = site.json(&["status"]);
        (status["core"]["host"] == "127.0.0.2" && status["recording"] == true).then_some(())
    });
    move_fader(pair.active(), -12.0);
    until("the event after", || {
        (site.count("value = -12.0") == 1).then_some(())
    });
    assert_eq!(agent.terminate(), 0);
    assert_eq!(site.count("1"), 2, "no event twice");
    assert_eq!(site.json(&["status"])["events"]["gaps"], 1);
    stop.cancel();
}
