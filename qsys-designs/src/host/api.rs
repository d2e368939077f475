//! Puts the Core's API into a fresh Lua: its modules, the script's controls, and other components.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mlua::{Function, Lua, Table, Value};
use sha2::{Digest, Sha256};

use super::bank::{ControlState, Shape, SharedBank};
use super::control::{HANDLERS, Handle};
use super::definition::{ControlDef, PropertyValue};
use super::json;
use super::output::{LogKind, Shared};
use super::setup::{Directory, Role, RuntimeOptions};

/// Gives a fresh Lua the Core's API.
pub(super) struct Host<'a> {
    pub(super) lua: &'a Lua,
    pub(super) bank: &'a SharedBank,
    pub(super) shared: &'a Arc<Mutex<Shared>>,
    pub(super) now_ms: &'a Arc<AtomicU64>,
    pub(super) options: &'a RuntimeOptions,
}

impl Host<'_> {
    pub(super) fn install(
        &self,
        role: &Role,
        directory: &Directory,
        saved: &[ControlState],
    ) -> mlua::Result<Function> {
        let lua = self.lua;
        lua.set_named_registry_value(HANDLERS, lua.create_table()?)?;
        let host = lua.create_table()?;
        self.clocks(&host)?;
        self.facts(&host)?;
        self.channels(&host)?;
        let globals = lua.globals();
        match role {
            Role::Plugin {
                controls,
                properties,
            } => {
                globals.set("Controls", self.plugin_controls(controls, saved)?)?;
                globals.set("Properties", self.properties(properties)?)?;
            }
            Role::ControlScript { inputs, outputs } => {
                let pins = lua.create_table()?;
                pins.set("Inputs", self.pins("Input", inputs)?)?;
                pins.set("Outputs", self.pins("Output", outputs)?)?;
                globals.set("Controls", pins)?;
                self.reach(&host, directory)?;
            }
        }
        lua.load(include_str!("modules.lua"))
            .set_name("=(host)")
            .call(host)
    }

    fn clocks(&self, host: &Table) -> mlua::Result<()> {
        let now = self.now_ms.clone();
        host.set(
            "now",
            self.lua
                .create_function(move |_, ()| Ok(now.load(Ordering::Relaxed) as f64 / 1000.0))?,
        )?;
        let wall = self.options.wall.clone();
        host.set(
            "wall",
            self.lua.create_function(move |_, ()| Ok(wall() as i64))?,
        )
    }

    fn facts(&self, host: &Table) -> mlua::Result<()> {
        let lua = self.lua;
        let system = lua.create_table()?;
        system.set("IsEmulating", self.options.emulating)?;
        system.set("Version", "10.2.0")?;
        system.set("BuildVersion", "10.2.0-stand-in")?;
        system.set("MajorVersion", 10)?;
        system.set("MinorVersion", 2)?;
        system.set("LockingId", "")?;
        host.set("system", system)?;
        let design = lua.create_table()?;
        design.set("DesignName", self.options.design.0.as_str())?;
        design.set("DesignCode", self.options.design.1.as_str())?;
        design.set("Platform", "Emulator")?;
        design.set("IsRedundant", false)?;
        host.set("design", design)?;
        let modules = lua.create_table()?;
        modules.set("rapidjson", json::module(lua)?)?;
        host.set("modules", modules)?;

        host.set(
            "sha256",
            lua.create_function(|lua, data: mlua::LuaString| {
                lua.create_string(Sha256::digest(data.as_bytes()))
            })?,
        )?;

        let mut random = match self.options.seed {
            Some(seed) => fastrand::Rng::with_seed(seed),
            None => fastrand::Rng::new(),
        };
        host.set(
            "random",
            lua.create_function_mut(move |lua, count: usize| {
                let mut bytes = vec![0; count.min(4096)];
                random.fill(&mut bytes);
                lua.create_string(bytes)
            })?,
        )
    }

    fn channels(&self, host: &Table) -> mlua::Result<()> {
        let lua = self.lua;
        let shared = self.shared.clone();
        host.set(
            "log",
            lua.create_function(move |_, (kind, text): (String, mlua::LuaString)| {
                let kind = match kind.as_str() {
                    "error" => LogKind::Error,
                    "print" => LogKind::Print,
                    _ => LogKind::Message,
                };
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.log.push(kind, text.to_string_lossy());
                Ok(())
            })?,
        )?;
        let shared = self.shared.clone();
        host.set(
            "undefined",
            lua.create_function(move |_, name: String| {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.undefined.insert(name);
                Ok(())
            })?,
        )?;
        let shared = self.shared.clone();
        host.set(
            "defer",
            lua.create_function(move |_, function: Function| {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.deferred.push_back(function);
                Ok(())
            })?,
        )
    }

    fn handle(&self, state: ControlState) -> Handle {
        let index = self.bank.lock().add(state);
        Handle {
            bank: self.bank.clone(),
            index,
        }
    }

    fn plugin_controls(&self, defs: &[ControlDef], saved: &[ControlState]) -> mlua::Result<Table> {
        let members = self.lua.create_table()?;
        for def in defs {
            let mut handles = Vec::new();
            for index in 1..=def.count {
                let mut state = def.state(index);
                let before = saved
                    .iter()
                    .find(|s| s.name == state.name && s.component.is_empty());
                if let Some(before) = before.filter(|_| !state.indicator) {
                    state.value = before.value;
                    state.string.clone_from(&before.string);
                    state.position = before.position;
                }
                handles.push(self.handle(state));
            }
            if def.count == 1 {
                for handle in handles {
                    members.set(def.name.as_str(), handle)?;
                }
            } else {
                members.set(def.name.as_str(), self.lua.create_sequence_from(handles)?)?;
            }
        }
        self.lua
            .load(
                "local members = ...
                 return setmetatable({}, {
                   __index = members, __metatable = false,
                   __pairs = function() return pairs(members) end,
                   __newindex = function(_, name)
                     error('Controls.' .. tostring(name) .. ' cannot be replaced', 2)
                   end })",
            )
            .call(members)
    }

    fn pins(&self, word: &str, shapes: &[Shape]) -> mlua::Result<Table> {
        let pins = self.lua.create_table()?;
        for (i, shape) in shapes.iter().enumerate() {
            let name = format!("{word} {}", i + 1);
            let state = ControlState::new("", &name, shape.clone(), false);
            pins.set(i + 1, self.handle(state))?;
        }
        Ok(pins)
    }

    fn properties(&self, properties: &[(String, PropertyValue)]) -> mlua::Result<Table> {
        let table = self.lua.create_table()?;
        for (name, value) in properties {
            let cell = self.lua.create_table()?;
            cell.set("Value", value.to_lua(self.lua)?)?;
            table.set(name.as_str(), cell)?;
        }
        self.lua
            .load(
                "local members = ...
                 for name, cell in pairs(members) do
                   members[name] = setmetatable({}, { __index = cell, __metatable = false,
                     __newindex = function() error('Properties are read-only', 2) end })
                 end
                 return setmetatable({}, { __index = members, __metatable = false,
                   __newindex = function() error('Properties are read-only', 2) end })",
            )
            .call(table)
    }

    /// `Component.New` and `NamedControl`: handles are made when first asked for.
    fn reach(&self, host: &Table, directory: &Directory) -> mlua::Result<()> {
        let lua = self.lua;
        let directory = Arc::new(directory.clone());
        let names = lua.create_table()?;
        for (name, type_, _) in &directory.components {
            let entry = lua.create_table()?;
            entry.set("Name", name.as_str())?;
            entry.set("Type", type_.as_str())?;
            names.push(entry)?;
        }
        host.set(
            "components",
            lua.create_function(move |_, ()| Ok(names.clone()))?,
        )?;

        let (bank, known) = (self.bank.clone(), directory.clone());
        host.set(
            "component",
            lua.create_function(move |lua, code_name: String| {
                let members = lua.create_table()?;
                let found = known.components.iter().find(|c| c.0 == code_name);
                for control in found.map_or(&[][..], |c| &c.2) {
                    members.set(control.name.as_str(), foreign(&bank, control))?;
                }
                Ok(members)
            })?,
        )?;
        let bank = self.bank.clone();
        host.set(
            "named",
            lua.create_function(move |lua, name: String| -> mlua::Result<Value> {
                let Some((component, control)) = directory.named.get(&name) else {
                    return Ok(Value::Nil);
                };
                let found = directory.components.iter().find(|c| c.0 == *component);
                match found.and_then(|c| c.2.iter().find(|state| state.name == *control)) {
                    Some(state) => Ok(Value::UserData(lua.create_userdata(foreign(&bank, state))?)),
                    None => Ok(Value::Nil),
                }
            })?,
        )
    }
}

fn foreign(bank: &SharedBank, control: &ControlState) -> Handle {
    let mut inside = bank.lock();
    let known = inside.find(&control.component, &control.name);
    let index = known.unwrap_or_else(|| inside.add(control.clone()));
    Handle {
        bank: bank.clone(),
        index,
    }
}
