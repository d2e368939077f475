//! The Core-side scripts beside the real plugin in the simulated Core, with an agent that is played by hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::control;
use qrc_sim::{Core, CoreOptions};
use qsys_designs::host::{LogKind, LogLine, RuntimeOptions};
use qsys_designs::{CORE_SCRIPTS, DemoOptions, PluginHost, demo_design};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A Core at a local time of day, with one of the scripts in it.
struct House {
    core: Core,
    log: Arc<Mutex<Vec<LogLine>>>,
    agent_lives: bool,
    recording: bool,
    beat: f64,
    answered: Option<String>,
    asked: Vec<String>,
}

/// Seconds since 1970 of a local time, whatever zone the tests run in.
fn local(hour: u32, minute: u32) -> f64 {
    let lua = mlua::Lua::new();
    let text = format!(
        "return os.time {{ year = 2026, month = 3, day = 2, hour = {hour}, min = {minute}, sec = 0 }}"
    );
    lua.load(text).eval().unwrap()
}

impl House {
    async fn at(hour: u32, minute: u32, script: &str) -> House {
        let demo = demo_design(&DemoOptions {
            churn_per_second: 0.0,
            ..DemoOptions::default()
        });
        let named = demo.design.named_controls.clone();
        let core = Core::new(
            demo.design,
            CoreOptions {
                // Hours pass here: slow frames keep the test short, and no script cares.
                frame: Duration::from_millis(500),
                ..CoreOptions::emulator()
            },
        );
        for script in demo.scripts {
            core.add_script(script);
        }
        let base = local(hour, minute);
        let began = tokio::time::Instant::now();
        let options = RuntimeOptions {
            wall: Arc::new(move || base + began.elapsed().as_secs_f64()),
            ..RuntimeOptions::default()
        };
        let (_, text) = CORE_SCRIPTS
            .iter()
            .find(|(name, _)| *name == script)
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let heard = log.clone();
        let host = PluginHost::control_script(script, text, &named, options)
            .on_log(move |line| heard.lock().unwrap().push(line.clone()));
        core.add_script(Box::new(host));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let served = core.clone();
        tokio::spawn(async move { served.serve(listener, CancellationToken::new()).await });
        House {
            core,
            log,
            agent_lives: true,
            recording: true,
            beat: 0.0,
            answered: None,
            asked: Vec::new(),
        }
    }

    fn write(&self, component: &str, control: &str, text: &str) {
        self.core.with_controls(|c| {
            let key = c.lookup(component, control).unwrap();
            c.set_string(key, text);
        });
    }

    fn read(&self, control: &str) -> String {
        self.core.with_controls(|c| {
            let key = c.lookup(control::CODE_NAME, control).unwrap();
            c.string(key).to_string()
        })
    }

    /// Lets minutes pass. A living agent beats, tells its state and answers requests with `result`.
    async fn minutes(&mut self, minutes: u32, result: &str) {
        for second in 0..minutes * 60 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if !self.agent_lives {
                continue;
            }
            self.beat += 1.0;
            let beat = self.beat;
            self.core.with_controls(|c| {
                let key = c.lookup(control::CODE_NAME, control::HEARTBEAT).unwrap();
                c.set_value(key, beat);
            });
            if second % 10 == 0 {
                let mut state = crate::bench::healthy();
                state["seq"] = serde_json::json!(beat);
                state["recording"] = serde_json::json!(self.recording);
                self.write(control::CODE_NAME, control::STATE, &state.to_string());
            }
            let request = self.read(control::REQUEST);
            if request.is_empty() || self.answered.as_ref() == Some(&request) {
                continue;
            }
            let document: serde_json::Value = serde_json::from_str(&request).unwrap();
            self.asked
                .push(document["kind"].as_str().unwrap().to_owned());
            let answer =
                serde_json::json!({"id": document["id"], "result": result, "text": "by hand"});
            self.write(control::CODE_NAME, control::ACK, &answer.to_string());
            self.answered = Some(request);
        }
    }

    fn said(&self, kind: LogKind) -> Vec<String> {
        let log = self.log.lock().unwrap();
        assert!(log.iter().all(|l| l.kind != LogKind::Uncaught), "{log:?}");
        log.iter()
            .filter(|l| l.kind == kind)
            .map(|l| l.text.clone())
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_nightly_backup_waits_for_half_an_hour_of_quiet_and_is_made_once() {
    let mut house = House::at(22, 5, "nightly_backup.lua").await;
    house.write("Room_Info", "ShowRunning", "true");
    house.minutes(10, "done").await;
    assert!(
        house.asked.is_empty(),
        "a show is running: {:?}",
        house.asked
    );
    house.write("Room_Info", "ShowRunning", "false");
    house.minutes(28, "done").await;
    assert!(house.asked.is_empty(), "not quiet for long enough");
    house.minutes(4, "done").await;
    assert_eq!(house.asked, ["backup"]);
    house.minutes(10, "done").await;
    assert_eq!(house.asked, ["backup"], "once a night");
    assert_eq!(
        house.said(LogKind::Message),
        ["Nightly backup: made, today 20:00"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_nightly_backup_tries_again_while_the_agent_fails_and_says_when_none_was_made() {
    let mut house = House::at(4, 25, "nightly_backup.lua").await;
    house.minutes(34, "failed").await;
    assert!((3..=5).contains(&house.asked.len()), "{:?}", house.asked);
    house.minutes(4, "failed").await;
    let errors = house.said(LogKind::Error);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains("no backup was made in the night of 2026-03-01"),
        "{errors:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_backup_is_proved_at_six() {
    let mut house = House::at(5, 58, "prove_at_six.lua").await;
    house.minutes(1, "done").await;
    assert!(house.asked.is_empty());
    house.minutes(10, "done").await;
    assert_eq!(house.asked, ["verify"]);
    assert_eq!(
        house.said(LogKind::Message),
        ["Proof at six: Verify done: by hand"]
    );
    assert!(house.said(LogKind::Error).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_fails_or_never_comes_is_an_error() {
    let mut house = House::at(5, 59, "prove_at_six.lua").await;
    house.minutes(10, "failed").await;
    assert_eq!(
        house.said(LogKind::Error),
        ["Proof at six: Verify failed: by hand"]
    );

    let mut house = House::at(6, 20, "prove_at_six.lua").await;
    house.agent_lives = false;
    house.minutes(12, "done").await;
    let errors = house.said(LogKind::Error);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].contains("not proved: Verify not sent: the agent is offline"),
        "{errors:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_alarm_goes_on_when_recording_stops_and_off_when_it_is_back() {
    let mut house = House::at(12, 0, "recording_alarm.lua").await;
    house.minutes(1, "done").await;
    assert!(house.said(LogKind::Error).is_empty());
    house.recording = false;
    house.minutes(1, "done").await;
    assert_eq!(
        house.said(LogKind::Error),
        ["Recording alarm: the agent is there but does not record"]
    );
    house.recording = true;
    house.minutes(1, "done").await;
    assert_eq!(
        house.said(LogKind::Message),
        ["Recording alarm: recording again"]
    );
    house.agent_lives = false;
    house.minutes(1, "done").await;
    assert_eq!(
        house.said(LogKind::Error)[1],
        "Recording alarm: the recovery agent does not answer"
    );
}
