//! A bench for scripts: the built plugin, or any text, with a clock that the test moves.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::{
    Agent, Backup, Core, Events, Message, Point, Range, RequestKind, SCHEMA, State, Undo, control,
};
use qsys_designs::built_plugin;
use qsys_designs::host::{
    Definition, Directory, LogKind, LogLine, Outside, Role, Runtime, RuntimeOptions,
};
use serde_json::Value as Json;

/// 2026-03-01T19:55:00Z
pub(crate) const EVENING: f64 = 1_772_394_900.0;

pub(crate) struct Bench {
    pub(crate) runtime: Runtime,
    pub(crate) now: Duration,
    role: Role,
    source: String,
    own_writes_fire: bool,
    log: Vec<LogLine>,
    wall: Arc<Mutex<f64>>,
}

pub(crate) fn options(own_writes_fire: bool, wall: &Arc<Mutex<f64>>) -> RuntimeOptions {
    let wall = wall.clone();
    RuntimeOptions {
        own_writes_fire,
        collect_every: 1,
        seed: Some(7),
        wall: Arc::new(move || *wall.lock().unwrap()),
        ..RuntimeOptions::default()
    }
}

impl Bench {
    pub(crate) fn plugin(own_writes_fire: bool) -> Bench {
        Bench::of(&built_plugin(), own_writes_fire)
    }

    /// Any plugin text.
    pub(crate) fn of(source: &str, own_writes_fire: bool) -> Bench {
        let definition = Definition::read("plugin", source, &[]).unwrap();
        let role = Role::Plugin {
            controls: definition.controls.clone(),
            properties: definition.property_values(),
        };
        Bench::with(source, role, own_writes_fire)
    }

    fn with(source: &str, role: Role, own_writes_fire: bool) -> Bench {
        let wall = Arc::new(Mutex::new(EVENING));
        let options = options(own_writes_fire, &wall);
        let runtime = Runtime::start(
            "plugin",
            source,
            &role,
            &Directory::default(),
            &[],
            &options,
        )
        .unwrap();
        let mut bench = Bench {
            runtime,
            now: Duration::ZERO,
            role,
            source: source.to_owned(),
            own_writes_fire,
            log: Vec::new(),
            wall,
        };
        bench.settle();
        bench
    }

    /// The Core restarts: text, buttons and knobs persist, indicators and memory do not.
    pub(crate) fn restart(&mut self) {
        let saved = self.runtime.controls();
        let options = options(self.own_writes_fire, &self.wall);
        let directory = Directory::default();
        self.runtime = Runtime::start(
            "plugin",
            &self.source,
            &self.role,
            &directory,
            &saved,
            &options,
        )
        .unwrap();
        self.now = Duration::ZERO;
        self.settle();
    }

    pub(crate) fn settle(&mut self) {
        self.runtime.frame(self.now);
        self.log.extend(self.runtime.take_log());
    }

    /// Lets time pass in frames of 33 ms.
    pub(crate) fn pass(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while self.now < end {
            self.now = (self.now + Duration::from_millis(33)).min(end);
            *self.wall.lock().unwrap() += 0.033;
            self.settle();
        }
    }

    pub(crate) fn press(&mut self, name: &str) {
        assert!(
            self.runtime.outside(name, &Outside::Press),
            "no trigger {name}"
        );
        self.settle();
    }

    pub(crate) fn write(&mut self, name: &str, text: &str) {
        assert!(
            self.runtime.outside(name, &Outside::String(text)),
            "cannot write {name}"
        );
        self.settle();
    }

    pub(crate) fn set(&mut self, name: &str, value: f64) {
        assert!(
            self.runtime.outside(name, &Outside::Value(value)),
            "cannot set {name}"
        );
        self.settle();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.runtime
            .control(name)
            .unwrap_or_else(|| panic!("no control {name}"))
            .string
    }

    pub(crate) fn value(&self, name: &str) -> f64 {
        self.runtime
            .control(name)
            .unwrap_or_else(|| panic!("no control {name}"))
            .value
    }

    pub(crate) fn disabled(&self, name: &str) -> bool {
        self.runtime
            .control(name)
            .unwrap_or_else(|| panic!("no control {name}"))
            .look
            .disabled
    }

    /// Everything logged since the last call.
    pub(crate) fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.log)
    }

    /// No error escaped a handler, and no unknown global was read.
    pub(crate) fn assert_clean(&mut self) {
        let uncaught: Vec<_> = self
            .take_log()
            .into_iter()
            .filter(|l| l.kind == LogKind::Uncaught)
            .collect();
        assert!(uncaught.is_empty(), "{uncaught:?}");
        assert_eq!(self.runtime.undefined_globals(), Vec::<String>::new());
        assert_eq!(self.runtime.dead(), None);
    }

    pub(crate) fn request(&self) -> Option<Json> {
        let text = self.text(control::REQUEST);
        (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }
}

/// A healthy agent's snapshot.
pub(crate) fn healthy() -> Json {
    let moment = |text: &str| Some(text.to_owned());
    let point = |id: &str, when: &str, label: &str| Point {
        id: id.into(),
        when: when.into(),
        label: label.into(),
    };
    let state = State {
        schema: SCHEMA,
        status: 0,
        text: "Everything is recorded and backed up".into(),
        agent: Agent {
            version: "0.1.0".into(),
            pid: Some(4711),
        },
        core: Core {
            host: Some("10.0.0.5".into()),
            state: "Active".into(),
            design: Some("Harbour_Theatre".into()),
        },
        recording: true,
        events: Events {
            total: 1_234_567,
            per_second: 25.4,
            gaps: 0,
        },
        backup: Backup {
            last: moment("2026-03-01T19:00:00Z"),
            last_text: "today 20:00".into(),
            age_seconds: Some(3300),
            next: moment("2026-03-02T04:00:00Z"),
            next_text: None,
            count: 7,
            last_verified: moment("2026-03-01T19:00:05Z"),
            verified_text: "today 20:00".into(),
            ok: true,
        },
        recoverable: Range {
            from: moment("2026-02-01T00:00:00Z"),
            to: moment("2026-03-01T19:55:00Z"),
            from_text: None,
            to_text: None,
            gaps: Vec::new(),
        },
        points: vec![
            point("b2", "today 20:00", "1 234 567 events"),
            point("b1", "yesterday 20:00", "1 100 000 events"),
        ],
        job: None,
        can: RequestKind::ALL.into(),
        pin_required: false,
        undo: Undo {
            available: true,
            text: String::new(),
        },
        disk: None,
    };
    let message = Message {
        state: Cow::Owned(state),
        seq: 1,
        sent_at: "2026-03-01T19:55:00Z".into(),
    };
    serde_json::to_value(message).unwrap()
}
