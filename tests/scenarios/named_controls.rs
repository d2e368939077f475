//! A design without the plugin: the state on plain Named Controls, and buttons that ask.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use contract::control;
use qrc::method::component::{Set as SetOf, SetControl};
use qrc::method::control::{Get, Set};
use qrc_sim::{
    Component, Control, ControlEvent, Controls, Core, CoreOptions, Design, FaultKind, NamedControl,
    Pair, Script,
};
use qsys_designs::{DemoOptions, demo_design};

use crate::stage::{EmulatedCore, Process, Site, serve, serve_pair, until};

const PANEL: &str = control::CODE_NAME;

/// A room whose integrator has made some controls for the agent, and named them.
fn room() -> Design {
    let room = Component::new("Master", "gain").with(Control::gain("gain", -100.0, 20.0));
    with_named_controls(Design::new("Chapel", "cH4pEl").with(room))
}

fn with_named_controls(design: Design) -> Design {
    let shown = Component::new("Recovery_Panel", "custom_controls")
        .with(Control::integer("state", 0, 5))
        .with(Control::text("sentence"))
        .with(Control::toggle("recording"))
        .with(Control::toggle("backup ok"))
        .with(Control::text("total"))
        .with(Control::text("answer"))
        .with(Control::integer("beat", 0, 16_777_215))
        .with(Control::toggle("backup now"))
        .with(Control::text("request"))
        .with(Control::text("ack"));
    let mut design = design.with(shown);
    for (name, control) in [
        ("DR_Status", "state"),
        ("DR_StatusText", "sentence"),
        ("DR_Recording", "recording"),
        ("DR_BackupOk", "backup ok"),
        ("DR_EventsTotal", "total"),
        ("DR_RequestText", "answer"),
        ("DR_Heartbeat", "beat"),
        ("DR_BackupNow", "backup now"),
        ("DR_RequestJson", "request"),
        ("DR_AckJson", "ack"),
    ] {
        design.named_controls.push(NamedControl {
            name: name.into(),
            component: "Recovery_Panel".into(),
            control: control.into(),
        });
    }
    design
}

struct Room {
    _core: EmulatedCore,
    site: Site,
    wall: qrc::Client,
}

impl Room {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chapel.json");
        std::fs::write(&file, room().to_json()).unwrap();
        let file = file.display().to_string();
        let core = EmulatedCore::start(&[arguments, &["--design", &file]].concat());
        let wall = core.client();
        let site = Site::new(core.port);
        Self {
            _core: core,
            site,
            wall,
        }
    }

    async fn shown(&self, name: &str) -> String {
        let read = self.wall.call(&Get(vec![name.into()])).await.unwrap();
        read[0].reading.string.clone().unwrap_or_default().into()
    }

    async fn until_shown(&self, name: &str, like: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(40);
        loop {
            let text = self.shown(name).await;
            if like(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "{name} shows \"{text}\"");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn set(&self, name: &str, value: impl Into<qrc::Value>) {
        self.wall.call(&Set::value(name, value)).await.unwrap();
    }

    fn backups(&self) -> usize {
        self.site.json(&["list"]).as_array().unwrap().len()
    }

    fn refusals(&self) -> Vec<serde_json::Value> {
        let rows = self.site.json(&["audit"]);
        let mut rows = rows.as_array().unwrap().clone();
        rows.retain(|row| row["outcome"] == "refused");
        rows
    }

    async fn live(&self) -> Process {
        let agent = self.site.recording_agent();
        let beat = self.shown("DR_Heartbeat").await;
        self.until_shown("DR_Heartbeat", |now| now != beat).await;
        agent
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_design_without_the_plugin_shows_the_state_and_a_press_makes_a_backup() {
    let room = Room::start(&[]);
    let _agent = room.live().await;
    room.until_shown("DR_StatusText", |text| {
        text == "COMPROMISED: Recording; no proved backup yet"
    })
    .await;
    room.until_shown("DR_Status", |text| text == "1").await;
    room.until_shown("DR_Recording", |lit| lit == "true").await;
    assert_eq!(room.shown("DR_BackupOk").await, "false");
    // Neither their own changes nor the room's other names for them get into the record.
    room.until_shown("DR_EventsTotal", |text| text == "0 events")
        .await;
    let status = room.site.json(&["status"]);
    assert_eq!(status["panel"]["state"], "absent");
    assert_eq!(status["panel"]["named_controls"], 10);
    assert_eq!(status["core"]["controls"], 1);

    room.set("DR_BackupNow", true).await;
    let answer = room
        .until_shown("DR_RequestText", |text| text.contains("done"))
        .await;
    assert!(answer.starts_with("BackupNow done: Backup "), "{answer}");
    room.until_shown("DR_BackupNow", |lit| lit == "false").await;
    room.until_shown("DR_BackupOk", |lit| lit == "true").await;
    room.until_shown("DR_Status", |text| text == "0").await;
    assert_eq!(room.backups(), 1);
    let rows = room.site.json(&["audit"]);
    assert_eq!(rows[0]["outcome"], "done");
    let place = rows[0]["place"].as_str().unwrap();
    assert!(place.ends_with("Named Control DR_BackupNow"), "{place}");
    assert_eq!(room.site.count("component_name = 'Recovery_Panel'"), 0);
    assert_eq!(room.site.count("control_name LIKE 'DR_%'"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_comes_back_shows_itself_and_makes_nothing_of_a_press_it_did_not_see() {
    let room = Room::start(&[]);
    let agent = room.live().await;
    agent.kill();
    room.set("DR_StatusText", "nobody is here").await;
    room.set("DR_BackupNow", true).await;
    let at = jiff::Timestamp::now();
    let request = format!(r#"{{"id":"while-away","kind":"backup","at":"{at}"}}"#);
    room.set("DR_RequestJson", request.as_str()).await;

    let _agent = room.live().await;
    room.until_shown("DR_StatusText", |text| text.contains("Recording"))
        .await;
    room.until_shown("DR_BackupNow", |lit| lit == "false").await;
    until("both refusals", || {
        (room.refusals().len() == 2).then_some(())
    });
    for refused in room.refusals() {
        let why = refused["said"].as_str().unwrap();
        assert!(why.contains("when the agent connected"), "{refused}");
    }
    assert_eq!(room.backups(), 0);

    room.set("DR_BackupNow", true).await;
    room.until_shown("DR_RequestText", |text| text.contains("done"))
        .await;
    assert_eq!(room.backups(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_without_the_plugin_asks_with_id_and_time_and_is_answered_once() {
    let room = Room::start(&[]);
    let _agent = room.live().await;
    let at = jiff::Timestamp::now();
    let stale = r#"{"id":"s-1","kind":"backup","at":"2020-01-01T00:00:00Z"}"#;
    room.set("DR_RequestJson", stale).await;
    let ack = room
        .until_shown("DR_AckJson", |text| text.contains("s-1"))
        .await;
    assert!(ack.contains("\"refused\"") && ack.contains(" old"), "{ack}");
    let request = |id: &str| format!(r#"{{"id":"{id}","kind":"backup","at":"{at}"}}"#);
    room.set("DR_RequestJson", request("s-2").as_str()).await;
    room.until_shown("DR_AckJson", |text| {
        text.contains("s-2") && text.contains("done")
    })
    .await;
    // The same request, written again after another text, is no second one.
    room.set("DR_RequestJson", "").await;
    room.set("DR_RequestJson", request("s-2").as_str()).await;
    let armless = format!(r#"{{"id":"s-3","kind":"undo","at":"{at}"}}"#);
    room.set("DR_RequestJson", armless.as_str()).await;
    room.until_shown("DR_AckJson", |text| text.contains("not armed"))
        .await;
    assert_eq!(room.backups(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_is_silent_about_named_controls_is_recorded_all_the_same() {
    for silence in ["swallow=Control.Get", "swallow=Control.Set"] {
        let room = Room::start(&["--fault", silence]);
        let agent = room.site.recording_agent();
        let fader = vec![SetControl::value("gain", -11.0)];
        room.wall.call(&SetOf::new("Master", fader)).await.unwrap();
        until("the event", || {
            (room.site.count("value = -11.0") == 1).then_some(())
        });
        assert_eq!(agent.terminate(), 0);
    }
}

/// When the agent wrote, and which controls.
type Wrote = Arc<Mutex<Vec<(Duration, Vec<String>)>>>;

/// Notes at which frames somebody wrote what only the agent writes.
struct Notes {
    wrote: Wrote,
}

impl Script for Notes {
    fn start(&mut self, _: &mut Controls<'_>) {}

    fn frame(&mut self, core: &mut Controls<'_>, now: Duration, events: &[ControlEvent]) {
        let paths = events.iter().map(|event| {
            let (component, control) = (core.component(event.control), core.name(event.control));
            format!("{component}.{control}")
        });
        let mine = |path: &String| {
            path.starts_with("Recovery_Panel.")
                || [control::STATE, control::ACK, control::HEARTBEAT]
                    .iter()
                    .any(|name| *path == format!("{PANEL}.{name}"))
        };
        let paths: Vec<String> = paths.filter(mine).collect();
        if !paths.is_empty() {
            self.wrote.lock().unwrap().push((now, paths));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plugin_and_named_controls_together_are_written_four_times_a_second_at_most() {
    let demo = demo_design(&DemoOptions::default());
    let core = Core::new(with_named_controls(demo.design), CoreOptions::default());
    let wrote: Wrote = Arc::default();
    for script in demo.scripts {
        core.add_script(script);
    }
    let notes = wrote.clone();
    core.add_script(Box::new(Notes { wrote: notes }));
    let (port, stop) = serve(&core, 0).await;
    let site = Site::new(port);
    let agent = site.recording_agent();
    // Each of these changes all the time in a busy room, and each is written again and again.
    let always = [
        "DisasterRecovery.AgentStateJson",
        "DisasterRecovery.Heartbeat",
        "DisasterRecovery.AckJson",
        "Recovery_Panel.beat",
        "Recovery_Panel.total",
    ];
    let times = |path: &str| {
        let wrote = wrote.lock().unwrap();
        let with = wrote
            .iter()
            .filter(|(_, paths)| paths.iter().any(|p| p == path));
        with.count()
    };
    let mut forged = 0;
    until("five turns for each", || {
        // The number of requests does not matter: each of these is refused.
        forged += 1;
        core.with_controls(|controls| {
            let request = controls.lookup(PANEL, control::REQUEST).unwrap();
            let text =
                format!(r#"{{"id":"{forged}","kind":"backup","at":"2020-01-01T00:00:00Z"}}"#);
            controls.set_string(request, &text);
        });
        always.iter().all(|path| times(path) >= 5).then_some(())
    });
    assert_eq!(agent.terminate(), 0);
    stop.cancel();

    let wrote = wrote.lock().unwrap();
    // The plugin's are one write. Over the whole time, since a busy machine may see two close together.
    let writes = wrote.iter().map(|(_, paths)| {
        let plain = paths
            .iter()
            .filter(|path| path.starts_with("Recovery_Panel."));
        let plain = plain.count();
        plain + usize::from(paths.len() > plain)
    });
    let writes: usize = writes.sum();
    let span = wrote[wrote.len() - 1].0.saturating_sub(wrote[0].0);
    let most = 4.0 * span.as_secs_f64() + 2.0;
    assert!(writes as f64 <= most, "{writes} in {span:?}");
}

/// A control of the room, from inside the Core.
fn inside(core: &Core, control: &str) -> f64 {
    core.with_controls(|controls| {
        let key = controls.lookup("Recovery_Panel", control).unwrap();
        controls.get(key).value
    })
}

fn until_it_beats(core: &Core, times: u32) {
    for _ in 0..times {
        let beat = inside(core, "beat");
        until("a heartbeat", || {
            (inside(core, "beat") != beat).then_some(())
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_while_the_link_is_away_is_refused_when_it_is_back() {
    let core = Core::new(room(), CoreOptions::default());
    let (port, stop) = serve(&core, 0).await;
    let site = Site::new(port);
    let agent = site.recording_agent();
    until_it_beats(&core, 2);
    stop.cancel();
    until("the agent to notice", || {
        (site.json(&["status"])["recording"] == false).then_some(())
    });
    core.with_controls(|controls| {
        let button = controls.lookup("Recovery_Panel", "backup now").unwrap();
        controls.set_bool(button, true);
    });

    let (_, stop) = serve(&core, port).await;
    until("the button to go out", || {
        (inside(&core, "backup now") == 0.0).then_some(())
    });
    let rows = site.json(&["audit"]);
    assert_eq!(rows[0]["outcome"], "refused", "{rows}");
    assert!(site.json(&["list"]).as_array().unwrap().is_empty());
    assert_eq!(agent.terminate(), 0);
    stop.cancel();
}

/// The agent asks for the buttons, the answer is lost with the link, and the question is asked again on the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_press_is_refused_whose_reading_began_before_the_link_went() {
    let core = Core::new(room(), CoreOptions::default());
    let (port, stop) = serve(&core, 0).await;
    let site = Site::new(port);
    let agent = site.recording_agent();
    until_it_beats(&core, 2);
    core.faults()
        .add(FaultKind::Swallow(Some("Control.Get".into())));
    until("the agent to wait for an answer", || {
        (core.faults().hits() > 0).then_some(())
    });
    stop.cancel();
    until("the agent to notice", || {
        (site.json(&["status"])["recording"] == false).then_some(())
    });
    core.with_controls(|controls| {
        let button = controls.lookup("Recovery_Panel", "backup now").unwrap();
        controls.set_bool(button, true);
    });
    core.faults().clear();

    let (_, stop) = serve(&core, port).await;
    until("the button to go out", || {
        (inside(&core, "backup now") == 0.0).then_some(())
    });
    let rows = site.json(&["audit"]);
    assert_eq!(rows[0]["outcome"], "refused", "{rows}");
    assert!(site.json(&["list"]).as_array().unwrap().is_empty());
    assert_eq!(agent.terminate(), 0);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standby_core_of_a_pair_is_neither_written_nor_asked() {
    let pair = Pair::new(room(), CoreOptions::default());
    let (port, stop) = serve_pair(&pair).await;
    let site = Site::new(port).set("QSYS_BACKUP_HOST", "127.0.0.2");
    let agent = site.recording_agent();
    until_it_beats(&pair.first, 2);
    let before = pair.second.stats().requests;
    until_it_beats(&pair.first, 4);
    // The link is kept alive; the panel asks ten times a second.
    let asked = pair.second.stats().requests - before;
    assert!(asked <= 4, "{asked}");

    pair.fail_over();
    until_it_beats(&pair.second, 2);
    let before = pair.first.stats().requests;
    until_it_beats(&pair.second, 4);
    let asked = pair.first.stats().requests - before;
    assert!(asked <= 4, "{asked}");
    assert_eq!(agent.terminate(), 0);
    stop.cancel();
}
