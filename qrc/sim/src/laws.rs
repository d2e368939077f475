//! Laws of the engine, tested with many inputs: no input makes it panic, and no change is lost on the way to a group.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::design::{Component, Control, Design};
use crate::engine::Engine;
use crate::groups::ConnectionId;
use crate::options::CoreOptions;
use crate::sink::Sink;

/// Keeps what was sent. The test sets whether it has room.
#[derive(Default)]
struct Kept {
    frames: Vec<(ConnectionId, Vec<u8>)>,
    full: bool,
}

impl Sink for Kept {
    fn has_room(&self, _: ConnectionId) -> bool {
        !self.full
    }

    fn send(&mut self, connection: ConnectionId, frame: Vec<u8>) {
        self.frames.push((connection, frame));
    }

    fn reply(&mut self, connection: ConnectionId, _: &str, frame: Vec<u8>) {
        self.frames.push((connection, frame));
    }

    fn close(&mut self, _: ConnectionId) {}
}

impl Kept {
    /// Everything that was sent since the last call, as JSON.
    fn take(&mut self) -> Vec<Value> {
        let frames = self.frames.drain(..);
        frames
            .map(|(_, frame)| {
                let (end, json) = frame.split_last().expect("a frame has its NUL");
                assert_eq!(*end, 0);
                serde_json::from_slice(json).expect("frames are JSON")
            })
            .collect()
    }
}

fn engine() -> Engine {
    let mut design = Design::new("Hall", "code");
    for component in ["A", "B"] {
        design = design.with(
            Component::new(component, "mixer")
                .with(Control::gain("gain", -100.0, 20.0))
                .with(Control::mute("mute"))
                .with(Control::text("note"))
                .with(Control::combo("source", &["x", "y", "z"]))
                .with(Control::trigger("go"))
                .with(Control::gain("input.1.gain", -100.0, 10.0)),
        );
    }
    Engine::new(
        design.with_named("Volume", "A", "gain"),
        CoreOptions::default(),
    )
}

const NAMES: [&str; 4] = ["gain", "mute", "note", "source"];

#[derive(Debug, Clone)]
enum Step {
    Set {
        component: usize,
        control: usize,
        value: i32,
        ramp: bool,
    },
    Poll,
    Tick {
        millis: u64,
        full: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2usize, 0..4usize, -120..40i32, any::<bool>())
            .prop_map(|(component, control, value, ramp)| Step::Set { component, control, value, ramp }),
        1 => Just(Step::Poll),
        3 => (1..120u64, any::<bool>()).prop_map(|(millis, full)| Step::Tick { millis, full }),
    ]
}

fn set(component: usize, control: usize, value: i32, ramp: bool) -> Value {
    let value = match NAMES[control] {
        "note" => json!(format!("note {value}")),
        "source" => json!(["x", "y", "z"][value.unsigned_abs() as usize % 3]),
        "mute" => json!(value % 2 == 0),
        _ => json!(value),
    };
    let mut control = json!({"Name": NAMES[control], "Value": value});
    if ramp {
        control["Ramp"] = json!(0.2);
    }
    let component = ["A", "B"][component];
    let params = json!({"Name": component, "Controls": [control]});
    json!({"jsonrpc": "2.0", "method": "Component.Set", "params": params})
}

proptest! {
    /// Whatever is written, polled, pushed or held back: a group that has reported everything agrees with Get.
    #[test]
    fn a_group_ends_up_knowing_the_present(steps in proptest::collection::vec(step(), 1..60)) {
        let mut engine = engine();
        let mut kept = Kept::default();
        let mut now = Duration::ZERO;
        let watcher = engine.admit(now).expect("room for a connection");
        let writer = engine.admit(now).expect("room for a connection");
        let mut seen: HashMap<(String, String), Value> = HashMap::new();
        let controls: Vec<Value> = NAMES.iter().map(|name| json!({"Name": name})).collect();
        for component in ["A", "B"] {
            let params = json!({"Id": "g", "Component": {"Name": component, "Controls": controls}});
            let add = json!({"method": "ChangeGroup.AddComponentControl", "params": params}).to_string();
            engine.receive(now, watcher, add.as_bytes(), &mut kept);
        }
        let auto_poll = json!({"method": "ChangeGroup.AutoPoll", "params": {"Id": "g", "Rate": 0.05}});
        engine.receive(now, watcher, auto_poll.to_string().as_bytes(), &mut kept);
        let poll = json!({"id": 1, "method": "ChangeGroup.Poll", "params": {"Id": "g"}}).to_string();
        let end = [Step::Tick { millis: 10_000, full: true }, Step::Poll];
        for step in steps.into_iter().chain(end) {
            match step {
                Step::Set { component, control, value, ramp } => {
                    let set = set(component, control, value, ramp).to_string();
                    engine.receive(now, writer, set.as_bytes(), &mut kept);
                }
                Step::Poll => engine.receive(now, watcher, poll.as_bytes(), &mut kept),
                Step::Tick { millis, full } => {
                    now += Duration::from_millis(millis);
                    kept.full = full;
                    engine.next_wake();
                    engine.advance(now, &mut kept);
                }
            }
            for frame in kept.take() {
                let body = frame.get("params").or(frame.get("result")).cloned().unwrap_or_default();
                for change in body["Changes"].as_array().into_iter().flatten() {
                    let text = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
                    seen.insert((text("Component"), text("Name")), change["String"].clone());
                }
            }
        }
        for component in ["A", "B"] {
            let params = json!({"Name": component, "Controls": controls});
            let get = json!({"id": 2, "method": "Component.Get", "params": params}).to_string();
            engine.receive(now, watcher, get.as_bytes(), &mut kept);
            let reply = kept.take().remove(0);
            for control in reply["result"]["Controls"].as_array().into_iter().flatten() {
                let name = control["Name"].as_str().unwrap_or_default().to_owned();
                prop_assert_eq!(&seen[&(component.to_owned(), name)], &control["String"]);
            }
        }
    }

    #[test]
    fn no_bytes_panic_the_engine(frame in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut engine = engine();
        let mut kept = Kept::default();
        let connection = engine.admit(Duration::ZERO).expect("room for a connection");
        engine.receive(Duration::ZERO, connection, &frame, &mut kept);
        kept.take();
    }

    /// Every method with params of every shape gives one reply with the id, and never panics.
    #[test]
    fn no_params_panic_a_method(
        method in prop_oneof![
            Just("Logon"), Just("Control.Get"), Just("Control.Set"), Just("Component.Get"),
            Just("Component.GetControls"), Just("Component.Set"), Just("ChangeGroup.AddControl"),
            Just("ChangeGroup.AddComponentControl"), Just("ChangeGroup.AutoPoll"),
            Just("ChangeGroup.Poll"), Just("ChangeGroup.Destroy"), Just("Mixer.SetInputGain"),
            Just("Mixer.SetCrossPointMute"), Just("Snapshot.Load"), Just("LoopPlayer.Start"),
            Just("PA.PageSubmit"), Just("PA.PageStop"), Just("PA.ZoneStatusConfigure"),
        ],
        name in prop_oneof![Just(json!("A")), Just(json!("Volume")), Just(json!(7)), Just(Value::Null)],
        value in prop_oneof![
            Just(json!(1e308)), Just(json!(-1)), Just(json!(true)), Just(json!("z")), Just(json!([1])),
            Just(Value::Null), any::<f64>().prop_map(|value| json!(value)),
        ],
        inner in prop_oneof![Just(json!("gain")), Just(json!({"Name": "gain"})), Just(json!(3))],
    ) {
        let controls = match &inner {
            Value::Object(_) => json!([{"Name": "gain", "Value": value, "Ramp": value}]),
            other => json!([other]),
        };
        let params = json!({
            "Id": name, "Name": name, "Value": value, "Position": value, "Ramp": value, "Rate": value,
            "Controls": controls, "Component": {"Name": name, "Controls": controls},
            "Inputs": value, "Outputs": "*", "Bank": value, "Files": [{"Name": "x", "Output": value}],
            "StartTime": value, "RefID": "r", "Mode": "live", "Zones": [value], "Priority": value,
            "PageID": value, "Enabled": value, "User": name, "Password": name,
        });
        let params = if method == "Control.Get" { json!([name]) } else { params };
        let mut engine = engine();
        let mut kept = Kept::default();
        let connection = engine.admit(Duration::ZERO).expect("room for a connection");
        let request = json!({"id": "q", "method": method, "params": params}).to_string();
        engine.receive(Duration::ZERO, connection, request.as_bytes(), &mut kept);
        engine.next_wake();
        engine.advance(Duration::from_secs(1), &mut kept);
        let replies = kept.take().into_iter().filter(|frame| frame["id"] == "q");
        prop_assert_eq!(replies.count(), 1);
    }
}
