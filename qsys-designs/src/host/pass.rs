//! Designer's definition pass: runs a plugin's callbacks and refuses what Designer would refuse.

use mlua::{Function, Lua, LuaSerdeExt, Table, Value};
use serde_json::Value as Json;

use super::definition::{ControlDef, Definition, Page, PropertyDef, PropertyValue};
use super::sandbox::{HostError, new_lua};

impl Definition {
    /// Runs the definition pass over a built plugin, with `set` properties changed from their defaults.
    pub fn read(
        script: &str,
        source: &str,
        set: &[(&str, PropertyValue)],
    ) -> Result<Definition, HostError> {
        Pass::new(script, source)?.read(set)
    }
}

struct Pass<'a> {
    script: &'a str,
    lua: Lua,
}

impl Pass<'_> {
    fn new<'a>(script: &'a str, source: &str) -> Result<Pass<'a>, HostError> {
        let fail = |error: mlua::Error| HostError::lua(script, &error);
        let lua = new_lua().map_err(fail)?;
        for name in ["load", "dofile", "loadfile", "os"] {
            lua.globals().set(name, Value::Nil).map_err(fail)?;
        }
        lua.load(source)
            .set_name(format!("={script}"))
            .set_mode(mlua::chunk::ChunkMode::Text)
            .exec()
            .map_err(fail)?;
        Ok(Pass { script, lua })
    }

    fn fail(&self, error: mlua::Error) -> HostError {
        HostError::lua(self.script, &error)
    }

    fn wrong(&self, what: &str, found: &str, expected: &str) -> HostError {
        HostError::Definition {
            script: self.script.into(),
            what: what.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    fn read(&self, set: &[(&str, PropertyValue)]) -> Result<Definition, HostError> {
        let info = match self.global("PluginInfo")? {
            Value::Table(info) => self.object("PluginInfo", &Value::Table(info))?,
            other => return Err(self.wrong("PluginInfo", other.type_name(), "a table")),
        };
        let mut properties = self.properties()?;
        for (name, value) in set {
            match properties.iter_mut().find(|p| p.name == *name) {
                Some(property) => property.value = value.clone(),
                None => return Err(self.wrong("property", name, "one that GetProperties lists")),
            }
        }
        let props = self.props(&properties)?;
        if let Some(rectify) = self.callback("RectifyProperties")? {
            let back: Value = rectify.call(props.clone()).map_err(|e| self.fail(e))?;
            if !matches!(back, Value::Table(_)) {
                return Err(self.wrong("RectifyProperties", back.type_name(), "the props table"));
            }
        }
        let color = match self.callback("GetColor")? {
            Some(get) => get
                .call::<Vec<f64>>(props.clone())
                .map_err(|e| self.fail(e))?,
            None => Vec::new(),
        };
        let pretty_name = match self.callback("GetPrettyName")? {
            Some(get) => get
                .call::<String>(props.clone())
                .map_err(|e| self.fail(e))?,
            None => String::new(),
        };
        let controls = self.controls(&props)?;
        let pages = self.pages(&props)?;
        Ok(Definition {
            info,
            pretty_name,
            color,
            properties,
            controls,
            pages,
        })
    }

    fn global(&self, name: &str) -> Result<Value, HostError> {
        self.lua.globals().get(name).map_err(|e| self.fail(e))
    }

    fn callback(&self, name: &str) -> Result<Option<Function>, HostError> {
        match self.global(name)? {
            Value::Nil => Ok(None),
            Value::Function(function) => Ok(Some(function)),
            other => Err(self.wrong(name, other.type_name(), "a function")),
        }
    }

    fn list(&self, what: &str, table: &Table) -> Result<Vec<Table>, HostError> {
        table
            .sequence_values::<Table>()
            .collect::<mlua::Result<_>>()
            .map_err(|e| self.wrong(what, &e.to_string(), "a list of tables"))
    }

    fn text(&self, what: &str, table: &Table, key: &str) -> Result<String, HostError> {
        let value: Value = table.get(key).map_err(|e| self.fail(e))?;
        match value {
            Value::Nil => Ok(String::new()),
            Value::String(text) => Ok(text.to_string_lossy()),
            other => Err(self.wrong(&format!("{what}.{key}"), other.type_name(), "text")),
        }
    }

    fn number(&self, what: &str, table: &Table, key: &str) -> Result<Option<f64>, HostError> {
        let value: Value = table.get(key).map_err(|e| self.fail(e))?;
        match value {
            Value::Nil => Ok(None),
            Value::Integer(n) => Ok(Some(n as f64)),
            Value::Number(n) => Ok(Some(n)),
            other => Err(self.wrong(&format!("{what}.{key}"), other.type_name(), "a number")),
        }
    }

    fn properties(&self) -> Result<Vec<PropertyDef>, HostError> {
        let Some(get) = self.callback("GetProperties")? else {
            return Ok(Vec::new());
        };
        let table: Table = get.call(()).map_err(|e| self.fail(e))?;
        let mut properties = Vec::new();
        for entry in self.list("GetProperties", &table)? {
            let name = self.text("property", &entry, "Name")?;
            let value: Value = entry.get("Value").map_err(|e| self.fail(e))?;
            let value = PropertyValue::from_lua(&value).ok_or_else(|| {
                self.wrong(&format!("property {name}"), value.type_name(), "a value")
            })?;
            properties.push(PropertyDef {
                kind: self.text(&name, &entry, "Type")?,
                name,
                value,
            });
        }
        Ok(properties)
    }

    fn props(&self, properties: &[PropertyDef]) -> Result<Table, HostError> {
        let make = || -> mlua::Result<Table> {
            let props = self.lua.create_table()?;
            for property in properties {
                let cell = self.lua.create_table()?;
                cell.set("Value", property.value.to_lua(&self.lua)?)?;
                props.set(property.name.as_str(), cell)?;
            }
            let debug = self.lua.create_table()?;
            debug.set("Value", false)?;
            props.set("plugin_show_debug", debug)?;
            Ok(props)
        };
        make().map_err(|e| self.fail(e))
    }

    fn controls(&self, props: &Table) -> Result<Vec<ControlDef>, HostError> {
        let Some(get) = self.callback("GetControls")? else {
            return Ok(Vec::new());
        };
        let table: Table = get.call(props.clone()).map_err(|e| self.fail(e))?;
        let mut controls = Vec::new();
        for entry in self.list("GetControls", &table)? {
            controls.push(self.control(&entry)?);
        }
        Ok(controls)
    }

    fn control(&self, entry: &Table) -> Result<ControlDef, HostError> {
        let name = self.text("control", entry, "Name")?;
        let control_type = self.text(&name, entry, "ControlType")?;
        let (key, allowed): (&str, &[&str]) = match control_type.as_str() {
            "Button" => (
                "ButtonType",
                &["Toggle", "Momentary", "Trigger", "StateTrigger"],
            ),
            "Indicator" => ("IndicatorType", &["Led", "Meter", "Text", "Status"]),
            "Knob" => (
                "ControlUnit",
                &[
                    "dB", "Hz", "Float", "Integer", "Percent", "Seconds", "Pan", "Position",
                ],
            ),
            "Text" => ("", &[]),
            other => {
                let expected = "Button, Knob, Indicator or Text";
                return Err(self.wrong(&format!("{name}.ControlType"), other, expected));
            }
        };
        let variant = if key.is_empty() {
            String::new()
        } else {
            self.text(&name, entry, key)?
        };
        if !key.is_empty() && !allowed.contains(&variant.as_str()) {
            return Err(self.wrong(&format!("{name}.{key}"), &variant, &allowed.join(", ")));
        }
        let (low, high, needed) = match variant.as_str() {
            "dB" => (-100.0, 20.0, true),
            "Hz" => (20.0, 20_000.0, true),
            "Float" => (-1e9, 1e9, true),
            "Integer" => (-999_999_999.0, 999_999_999.0, true),
            "Percent" => (0.0, 100.0, true),
            "Seconds" => (0.0, 87_400.0, true),
            "StateTrigger" => (0.0, 999_999_999.0, true),
            "Pan" => (-1.0, 1.0, false),
            "Meter" => (-120.0, 20.0, false),
            _ => (0.0, 1.0, false),
        };
        let (min, max) = (
            self.number(&name, entry, "Min")?,
            self.number(&name, entry, "Max")?,
        );
        if needed && (min.is_none() || max.is_none()) {
            return Err(self.wrong(&name, "no Min or Max", "both"));
        }
        let (min, max) = (min.unwrap_or(low), max.unwrap_or(high));
        if min < low || max > high || min >= max {
            let found = format!("{min}..{max}");
            return Err(self.wrong(&name, &found, &format!("a range within {low}..{high}")));
        }
        let count = self.number(&name, entry, "Count")?.unwrap_or(1.0);
        if !(1.0..=1000.0).contains(&count) || count.fract() != 0.0 {
            return Err(self.wrong(&name, &format!("Count {count}"), "1 to 1000"));
        }
        let default: Value = entry.get("DefaultValue").map_err(|e| self.fail(e))?;
        Ok(ControlDef {
            control_type,
            variant,
            min,
            max,
            count: count as u32,
            user_pin: entry.get("UserPin").map_err(|e| self.fail(e))?,
            pin_style: self.text(&name, entry, "PinStyle")?,
            icon: self.text(&name, entry, "Icon")?,
            icon_type: self.text(&name, entry, "IconType")?,
            default: PropertyValue::from_lua(&default),
            name,
        })
    }

    fn pages(&self, props: &Table) -> Result<Vec<Page>, HostError> {
        let mut names = Vec::new();
        if let Some(get) = self.callback("GetPages")? {
            let table: Table = get.call(props.clone()).map_err(|e| self.fail(e))?;
            for entry in self.list("GetPages", &table)? {
                names.push(self.text("page", &entry, "name")?);
            }
        } else {
            names.push("Control".into());
        }
        let Some(layout_of) = self.callback("GetControlLayout")? else {
            return Err(self.wrong("GetControlLayout", "nothing", "a function"));
        };
        let mut pages = Vec::new();
        for (i, name) in names.into_iter().enumerate() {
            let index = self.lua.create_table().map_err(|e| self.fail(e))?;
            index.set("Value", i + 1).map_err(|e| self.fail(e))?;
            props.set("page_index", index).map_err(|e| self.fail(e))?;
            let (layout, graphics): (Value, Value) =
                layout_of.call(props.clone()).map_err(|e| self.fail(e))?;
            let graphics = match self.json("graphics", &graphics)? {
                Json::Array(items) => items,
                Json::Object(empty) if empty.is_empty() => Vec::new(),
                _ => {
                    return Err(self.wrong(
                        &format!("page {name}"),
                        "no list",
                        "a list of graphics",
                    ));
                }
            };
            let layout = self.object(&format!("layout of page {name}"), &layout)?;
            pages.push(Page {
                name,
                layout,
                graphics,
            });
        }
        Ok(pages)
    }

    fn json(&self, what: &str, value: &Value) -> Result<Json, HostError> {
        self.lua
            .from_value(value.clone())
            .map_err(|e| self.wrong(what, &e.to_string(), "plain data"))
    }

    fn object(
        &self,
        what: &str,
        value: &Value,
    ) -> Result<serde_json::Map<String, Json>, HostError> {
        match self.json(what, value)? {
            Json::Object(members) => Ok(members),
            _ => Err(self.wrong(what, value.type_name(), "a table with names")),
        }
    }
}
