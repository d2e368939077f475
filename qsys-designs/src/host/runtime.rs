//! The run pass: one script in its own Lua, driven frame by frame.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlua::{Function, Lua, Table};

use super::api::Host;
use super::bank::{ControlState, Dirty, Shape, SharedBank};
use super::budget::Budget;
use super::control::{HANDLERS, Handle};
use super::output::{LogKind, LogLine, Shared};
use super::sandbox::{HostError, new_lua};
use super::setup::{Directory, Role, RuntimeOptions};

/// Calls into Lua per frame; a script that keeps waking itself must not stop the Core.
const CALLS_PER_FRAME: usize = 1000;

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

    /// A write from outside. False where nothing may be written: an indicator is for the script alone.
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

    /// Brings a control of the script up to date with the Core's. Its handler runs if `moved`.
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
        self.lock().log.take()
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
        self.lock().log.push(kind, text);
    }
}
