//! The run pass: one script in its own Lua, driven frame by frame.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlua::{Function, Lua, LuaOptions, StdLib, Table};

use super::api::Host;
use super::bank::{ControlState, Dirty, Shape, SharedBank};
use super::budget::Budget;
use super::control::{HANDLERS, Handle};
use super::definition::{ControlDef, PropertyValue};

/// The most Lua may allocate, in bytes.
const MEMORY_LIMIT: usize = 64 << 20;
/// Log lines kept; older ones go.
const LOG_LINES: usize = 500;
/// Calls into Lua per frame; a script that keeps waking itself must not stop the Core.
const CALLS_PER_FRAME: usize = 1000;

/// Why a script does not run, in Lua's words.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HostError {
    /// The text is not Lua, or raised an error while loading.
    #[error("{script}: {message}")]
    Script {
        /// Which script.
        script: String,
        /// Lua's message, with the line.
        message: String,
    },
    /// A callback of the definition pass gave something Designer would refuse.
    #[error("{script}: {what}: found {found}, expected {expected}")]
    Definition {
        /// Which script.
        script: String,
        /// Where in the definition.
        what: String,
        /// What is there.
        found: String,
        /// What Designer wants.
        expected: String,
    },
}

impl HostError {
    pub(crate) fn lua(script: &str, error: &mlua::Error) -> HostError {
        HostError::Script {
            script: script.into(),
            message: error.to_string(),
        }
    }
}

/// Settings of the host; the defaults are what Help documents.
#[derive(Clone)]
pub struct RuntimeOptions {
    /// Whether a script's own write calls its own handler. Help says no; some plugins rely on yes.
    pub own_writes_fire: bool,
    /// Lua instructions per call; the Core's number is not published.
    pub budget: u32,
    /// Frames between two full collections, so that a timer held in a local dies as it would on site.
    pub collect_every: u32,
    /// `System.IsEmulating`.
    pub emulating: bool,
    /// Design name and code of `Design.GetStatus`.
    pub design: (String, String),
    /// Seconds since 1970; `os.time` is this, cut to whole seconds.
    pub wall: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Random bytes of `Crypto.GetRandomBytes` and the seed of `math.random`.
    pub seed: Option<u64>,
}

impl Default for RuntimeOptions {
    fn default() -> RuntimeOptions {
        RuntimeOptions {
            own_writes_fire: false,
            budget: 2_000_000,
            collect_every: 30,
            emulating: true,
            design: ("Demo".into(), "demo".into()),
            wall: Arc::new(|| {
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0.0, |d| d.as_secs_f64())
            }),
            seed: None,
        }
    }
}

/// What kind of script runs, which decides what `Controls` is.
#[derive(Debug, Clone)]
pub enum Role {
    /// A plugin: `Controls.Name`.
    Plugin {
        /// From its own `GetControls`.
        controls: Vec<ControlDef>,
        /// `Properties["…"].Value`.
        properties: Vec<(String, PropertyValue)>,
    },
    /// A Control Script: `Controls.Inputs[i]` and `.Outputs[i]`, and `Component`/`NamedControl`.
    ControlScript {
        /// Wired inputs.
        inputs: Vec<Shape>,
        /// Wired outputs.
        outputs: Vec<Shape>,
    },
}

/// The other components a script may reach by `Component.New` and `NamedControl`.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Code Name, type, and its controls as they are when the script starts.
    pub components: Vec<(String, String, Vec<ControlState>)>,
    /// Named Control → component and control.
    pub named: HashMap<String, (String, String)>,
}

/// Which channel a log line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// `Log.Message`
    Message,
    /// `Log.Error`
    Error,
    /// `print`
    Print,
    /// An error that no handler caught.
    Uncaught,
}

/// One line a script wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The channel.
    pub kind: LogKind,
    /// The text.
    pub text: String,
}

/// A write that comes from outside the script: QRC, a panel, a wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Outside<'a> {
    /// A number.
    Value(f64),
    /// A text.
    String(&'a str),
    /// A place within the range.
    Position(f64),
    /// A press of a trigger.
    Press,
}

/// What the Lua side leaves for the host.
#[derive(Default)]
pub(super) struct Shared {
    log: VecDeque<LogLine>,
    pub(super) undefined: HashSet<String>,
    pub(super) deferred: VecDeque<Function>,
}

/// A running script.
pub struct Runtime {
    name: String,
    lua: Lua,
    bank: SharedBank,
    budget: Budget,
    shared: Arc<Mutex<Shared>>,
    now_ms: Arc<AtomicU64>,
    next_due: Function,
    frames: u32,
    collect_every: u32,
    dead: Option<String>,
}

impl Runtime {
    /// Loads and runs the script's text: the run pass, with fresh globals.
    ///
    /// `saved` gives the state of controls that outlive a restart, by name.
    pub fn start(
        name: &str,
        source: &str,
        role: &Role,
        directory: &Directory,
        saved: &[ControlState],
        options: &RuntimeOptions,
    ) -> Result<Runtime, HostError> {
        let fail = |error: mlua::Error| HostError::lua(name, &error);
        let lua = new_lua().map_err(fail)?;
        let bank = SharedBank::default();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let now_ms = Arc::new(AtomicU64::new(0));
        bank.lock().set_own_writes_fire(options.own_writes_fire);

        let budget = Budget::install(&lua, options.budget).map_err(fail)?;
        let host = Host {
            lua: &lua,
            bank: &bank,
            shared: &shared,
            now_ms: &now_ms,
            options,
        };
        let next_due = host.install(role, directory, saved).map_err(fail)?;

        let mut runtime = Runtime {
            name: name.into(),
            lua,
            bank,
            budget,
            shared,
            now_ms,
            next_due,
            frames: 0,
            collect_every: options.collect_every.max(1),
            dead: None,
        };
        let chunk = runtime
            .lua
            .load(source)
            .set_name(format!("={name}"))
            .set_mode(mlua::chunk::ChunkMode::Text)
            .into_function()
            .map_err(fail)?;
        runtime.budget.refill();
        if let Err(error) = chunk.call::<()>(()) {
            // A script that fails at load is dead; its controls stay where they are.
            runtime.die(&error);
        }
        Ok(runtime)
    }

    /// Runs what is due at `now`: handlers of moved controls, timers, deferred calls.
    pub fn frame(&mut self, now: Duration) {
        self.now_ms.store(
            u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        if self.dead.is_some() {
            while self.bank.lock().next_event().is_some() {}
            return;
        }
        let mut calls = 0;
        while self.run_next_event() || self.run_deferred() || self.run_next_due() {
            calls += 1;
            if calls >= CALLS_PER_FRAME || self.dead.is_some() {
                break;
            }
        }
        self.frames = self.frames.wrapping_add(1);
        if self.frames.is_multiple_of(self.collect_every)
            && let Err(error) = self.lua.gc_collect()
        {
            self.die(&error);
        }
    }

    /// A write from outside. Read-only controls (indicators) refuse it: false.
    pub fn outside(&mut self, control: &str, write: &Outside<'_>) -> bool {
        let mut bank = self.bank.lock();
        let Some(index) = bank.find("", control) else {
            return false;
        };
        let state = bank.outside(index);
        if state.indicator {
            return false;
        }
        let moved = match write {
            Outside::Press => state.shape == Shape::Trigger,
            // Any written value fires a trigger, as over QRC.
            _ if state.shape == Shape::Trigger => true,
            Outside::Value(value) => state.put_value(*value),
            Outside::String(text) => state.put_string(text),
            Outside::Position(position) => state.put_position(*position),
        };
        if moved {
            bank.moved_outside(index);
        }
        true
    }

    /// One of the script's own controls, as it is now.
    pub fn control(&self, name: &str) -> Option<ControlState> {
        let bank = self.bank.lock();
        bank.find("", name).map(|i| bank.get(i).clone())
    }

    /// All controls the script holds, its own and those of other components it reached for.
    pub fn controls(&self) -> Vec<ControlState> {
        self.bank.lock().all().to_vec()
    }

    pub(crate) fn bank(&self) -> SharedBank {
        self.bank.clone()
    }

    /// How many controls the script holds.
    pub fn control_count(&self) -> usize {
        self.bank.lock().all().len()
    }

    /// What the script wrote since the last call: the control and which parts.
    pub fn take_changes(&mut self) -> Vec<(ControlState, Dirty)> {
        let mut bank = self.bank.lock();
        let changes = bank.take_changes();
        changes
            .into_iter()
            .map(|(i, dirty)| (bank.get(i).clone(), dirty))
            .collect()
    }

    /// Tells the script that the Core's side of a control is now so. Fires its handler if `moved`.
    pub fn sync(
        &mut self,
        component: &str,
        name: &str,
        moved: bool,
        state: impl FnOnce(&mut ControlState),
    ) {
        let mut bank = self.bank.lock();
        let Some(index) = bank.find(component, name) else {
            return;
        };
        state(bank.outside(index));
        if moved {
            bank.moved_outside(index);
        }
    }

    /// Takes the lines the script logged or printed.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        self.lock().log.drain(..).collect()
    }

    /// Globals that were read and never set: typos, or an API this host does not have.
    pub fn undefined_globals(&self) -> Vec<String> {
        let mut names: Vec<String> = self.lock().undefined.iter().cloned().collect();
        names.sort();
        names
    }

    /// Why the script stopped for good, if it did.
    pub fn dead(&self) -> Option<&str> {
        self.dead.as_deref()
    }

    /// The script's Lua, for tests that want to look inside.
    pub fn lua(&self) -> &Lua {
        &self.lua
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_next_event(&mut self) -> bool {
        let next = self.bank.lock().next_event();
        let Some(index) = next else { return false };
        let handler = self
            .lua
            .named_registry_value::<Table>(HANDLERS)
            .and_then(|handlers| handlers.raw_get::<Option<Function>>(index + 1));
        if let Ok(Some(handler)) = handler {
            let handle = Handle {
                bank: self.bank.clone(),
                index,
            };
            self.call(&handler, handle);
        }
        true
    }

    fn run_deferred(&mut self) -> bool {
        let next = self.lock().deferred.pop_front();
        let Some(function) = next else { return false };
        self.call(&function, ());
        true
    }

    fn run_next_due(&mut self) -> bool {
        self.budget.refill();
        match self.next_due.call::<Option<Function>>(()) {
            Ok(Some(function)) => {
                self.call(&function, ());
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.die(&error);
                false
            }
        }
    }

    fn call(&mut self, function: &Function, argument: impl mlua::IntoLuaMulti) {
        self.budget.refill();
        if let Err(error) = function.call::<()>(argument) {
            if self.budget.is_spent() {
                self.die(&error);
            } else {
                self.note(LogKind::Uncaught, error.to_string());
            }
        } else if self.budget.is_spent() {
            self.die(&mlua::Error::RuntimeError("execution limit reached".into()));
        }
    }

    fn die(&mut self, error: &mlua::Error) {
        let message = format!("{}: {error}", self.name);
        self.note(LogKind::Uncaught, message.clone());
        self.dead = Some(message);
    }

    fn note(&self, kind: LogKind, text: String) {
        push_log(&mut self.lock(), kind, text);
    }
}

pub(super) fn push_log(shared: &mut Shared, kind: LogKind, text: String) {
    if shared.log.len() >= LOG_LINES {
        shared.log.pop_front();
    }
    shared.log.push_back(LogLine { kind, text });
}

/// A Lua with the libraries a Core has; what is left out is taken away by `modules.lua`.
pub(crate) fn new_lua() -> mlua::Result<Lua> {
    let libraries = StdLib::TABLE
        | StdLib::STRING
        | StdLib::MATH
        | StdLib::UTF8
        | StdLib::OS
        | StdLib::COROUTINE;
    let lua = Lua::new_with(libraries, LuaOptions::default())?;
    lua.set_memory_limit(MEMORY_LIMIT)?;
    Ok(lua)
}
