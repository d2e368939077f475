//! A redundant pair of Cores: the active one is recorded, the failover is noted, and the panel goes on there.

use contract::control;
use qrc::method::component::{Get, Set, SetControl};
use qrc_sim::{Component, Control, Core, CoreOptions, Design, Pair};
use qsys_designs::{built_plugin, place_plugin};
use tokio_util::sync::DropGuard;

use crate::stage::{Process, Site, serve_pair, until};

const PANEL: &str = control::CODE_NAME;
const SECOND: &str = "127.0.0.2";

/// A pair that is served, and a site that knows both.
struct Hall {
    pair: Pair,
    site: Site,
    port: u16,
    _serving: DropGuard,
}

fn design() -> Design {
    Design::new("Harbour_Hall", "zT4mQ9wXb2Lk")
        .with(Component::new("Master", "gain").with(Control::gain("gain", -100.0, 20.0).at(-6.0)))
}

impl Hall {
    async fn open(design: Design) -> Self {
        let pair = Pair::new(design, CoreOptions::default());
        let (port, stop) = serve_pair(&pair).await;
        Self {
            pair,
            site: Site::new(port).set("QSYS_BACKUP_HOST", SECOND),
            port,
            _serving: stop.drop_guard(),
        }
    }

    fn fail_over(&self) {
        self.pair.fail_over();
        until("the partner to be recorded", || {
            let status = self.site.json(&["status"]);
            (status["core"]["host"] == SECOND && status["recording"] == true).then_some(())
        });
    }
}

fn move_fader(core: &Core, value: f64) {
    core.with_controls(|controls| {
        let gain = controls.lookup("Master", "gain").unwrap();
        controls.set_value(gain, value)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_follows_the_active_core_of_a_pair() {
    let hall = Hall::open(design()).await;
    let site = &hall.site;
    let agent = site.recording_agent();
    assert_eq!(site.json(&["status"])["core"]["host"], "127.0.0.1");
    move_fader(hall.pair.active(), -11.0);
    until("the event before", || {
        (site.count("value = -11.0") == 1).then_some(())
    });

    hall.fail_over();
    move_fader(hall.pair.active(), -12.0);
    until("the event after", || {
        (site.count("value = -12.0") == 1).then_some(())
    });
    assert_eq!(agent.terminate(), 0);
    assert_eq!(site.count("1"), 2, "no event twice");
    assert_eq!(site.json(&["status"])["events"]["gaps"], 1);
}

/// A client of the Core that is active now, as a touch panel has.
struct Wall(qrc::Client);

impl Wall {
    fn on(host: &str, port: u16) -> Self {
        Self(qrc::Client::start(qrc::Options::new(host, port)))
    }

    async fn shows(&self, control: &str) -> String {
        let get = Get::new(PANEL, [control]);
        let readings = self.0.call(&get).await.unwrap();
        let string = readings.controls[0].reading.string.clone();
        string.unwrap_or_default().to_string()
    }

    async fn until_shows(&self, control: &str, words: &str) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(40);
        loop {
            let text = self.shows(control).await;
            if text.contains(words) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{control} shows \"{text}\", not \"{words}\""
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn press(&self, control: &str) {
        let press = Set::new(PANEL, vec![SetControl::value(control, 1.0)]);
        self.0.call(&press).await.unwrap();
    }
}

fn backups(site: &Site) -> usize {
    site.json(&["list"]).as_array().unwrap().len()
}

/// The plugin starts anew on the Core that takes over, with the last request still in its mailbox.
#[tokio::test(flavor = "multi_thread")]
async fn the_panel_goes_on_at_the_core_that_took_over_and_no_old_press_fires() {
    let mut design = design();
    let placed = place_plugin(&mut design, PANEL, &built_plugin()).unwrap();
    let hall = Hall::open(design).await;
    hall.pair.add_script(Box::new(placed.host));
    let _agent: Process = hall.site.recording_agent();
    move_fader(hall.pair.active(), -11.0);
    until("the event", || {
        (hall.site.count("value = -11.0") == 1).then_some(())
    });
    let wall = Wall::on("127.0.0.1", hall.port);
    wall.until_shows("AgentText", "online").await;
    wall.press(control::BACKUP_NOW).await;
    wall.until_shows("StatusText", "backup proved").await;
    assert_eq!(backups(&hall.site), 1);

    hall.fail_over();
    let wall = Wall::on(SECOND, hall.port);
    wall.until_shows("AgentText", "online").await;
    wall.until_shows("StatusText", "backup proved").await;
    assert_eq!(backups(&hall.site), 1, "the press before fired again");
    // And it serves there.
    move_fader(hall.pair.active(), -12.0);
    until("the event after", || {
        (hall.site.count("value = -12.0") == 1).then_some(())
    });
    wall.press(control::BACKUP_NOW).await;
    until("the second backup", || {
        (backups(&hall.site) == 2).then_some(())
    });
    // Nothing of it was written to the Core that stands by: there the panel is as it was left.
    let left = hall.pair.first.with_controls(|controls| {
        let heartbeat = controls.lookup(PANEL, control::HEARTBEAT).unwrap();
        controls.value(heartbeat)
    });
    wall.until_shows("LastBackup", "events").await;
    let still = hall.pair.first.with_controls(|controls| {
        let heartbeat = controls.lookup(PANEL, control::HEARTBEAT).unwrap();
        controls.value(heartbeat)
    });
    assert_eq!(left, still);
}
