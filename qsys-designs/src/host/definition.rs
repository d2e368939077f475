//! What Designer learns from a plugin: its properties, controls and pages.

use mlua::{Lua, Value};
use serde_json::Value as Json;

use super::bank::{ControlState, Shape, Unit};

/// A property's value.
#[derive(Debug, Clone, PartialEq)]
pub enum PropertyValue {
    /// Yes or no.
    Bool(bool),
    /// A number; whole ones are given to Lua as integers.
    Number(f64),
    /// Text, or the choice of an enum.
    Text(String),
}

impl PropertyValue {
    pub(crate) fn to_lua(&self, lua: &Lua) -> mlua::Result<Value> {
        Ok(match self {
            PropertyValue::Bool(b) => Value::Boolean(*b),
            PropertyValue::Number(n) if n.fract() == 0.0 && n.abs() < 1e15 => {
                Value::Integer(*n as i64)
            }
            PropertyValue::Number(n) => Value::Number(*n),
            PropertyValue::Text(text) => Value::String(lua.create_string(text)?),
        })
    }

    pub(super) fn from_lua(value: &Value) -> Option<PropertyValue> {
        Some(match value {
            Value::Boolean(b) => PropertyValue::Bool(*b),
            Value::Integer(n) => PropertyValue::Number(*n as f64),
            Value::Number(n) => PropertyValue::Number(*n),
            Value::String(text) => PropertyValue::Text(text.to_string_lossy()),
            _ => return None,
        })
    }
}

/// A property as `GetProperties` declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyDef {
    /// Its name.
    pub name: String,
    /// `string`, `integer`, `double`, `boolean` or `enum`.
    pub kind: String,
    /// What it is set to.
    pub value: PropertyValue,
}

/// A control as `GetControls` declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlDef {
    /// Its name.
    pub name: String,
    /// `Button`, `Knob`, `Indicator` or `Text`.
    pub control_type: String,
    /// `ButtonType`, `IndicatorType` or `ControlUnit`; empty for Text.
    pub variant: String,
    /// Lowest value of a knob or state trigger.
    pub min: f64,
    /// Highest value.
    pub max: f64,
    /// 1, or how many in an array control.
    pub count: u32,
    /// Whether an integrator may expose a pin.
    pub user_pin: bool,
    /// `Input`, `Output`, `Both` or `None`.
    pub pin_style: String,
    /// A button's `Icon`: a name of Designer's, or base64 of a picture; empty: none.
    pub icon: String,
    /// `IconType`: `Icon`, `SVG` or `Image`.
    pub icon_type: String,
    /// `DefaultValue`, where given.
    pub default: Option<PropertyValue>,
}

impl ControlDef {
    /// The name outside the plugin of element `index`: arrays are `Name i`.
    pub fn outside_name(&self, index: u32) -> String {
        if self.count == 1 {
            self.name.clone()
        } else {
            format!("{} {index}", self.name)
        }
    }

    /// Only the plugin writes it.
    pub fn is_indicator(&self) -> bool {
        self.control_type == "Indicator"
    }

    /// What it holds.
    pub fn shape(&self) -> Shape {
        let number = |unit| Shape::Number {
            unit,
            min: self.min,
            max: self.max,
        };
        match (self.control_type.as_str(), self.variant.as_str()) {
            ("Button", "Trigger") => Shape::Trigger,
            ("Button", "StateTrigger") => number(Unit::Integer),
            ("Button", _) | ("Indicator", "Led") => Shape::Boolean,
            ("Indicator", "Status") => Shape::Status,
            ("Indicator", "Meter") => number(Unit::Decibel),
            ("Knob", "dB") => number(Unit::Decibel),
            ("Knob", "Hz") => number(Unit::Hertz),
            ("Knob", "Integer") => number(Unit::Integer),
            ("Knob", "Percent") => number(Unit::Percent),
            ("Knob", "Seconds") => number(Unit::Seconds),
            ("Knob", "Pan") => number(Unit::Pan),
            ("Knob", "Position") => number(Unit::Position),
            ("Knob", _) => number(Unit::Float),
            _ => Shape::Text,
        }
    }

    /// Its state when first placed, with the default value applied.
    pub fn state(&self, index: u32) -> ControlState {
        let mut state = ControlState::new(
            "",
            &self.outside_name(index),
            self.shape(),
            self.is_indicator(),
        );
        state.index = index;
        match &self.default {
            Some(PropertyValue::Bool(b)) => state.put_value(f64::from(u8::from(*b))),
            Some(PropertyValue::Number(n)) => state.put_value(*n),
            Some(PropertyValue::Text(text)) => state.put_string(text),
            None => false,
        };
        state
    }
}

/// One page of the plugin's panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its name on the tab.
    pub name: String,
    /// Control name → layout, as the plugin gave it.
    pub layout: serde_json::Map<String, Json>,
    /// Graphics, in drawing order.
    pub graphics: Vec<Json>,
}

/// Everything Designer learns from a plugin.
#[derive(Debug, Clone)]
pub struct Definition {
    /// `PluginInfo`.
    pub info: serde_json::Map<String, Json>,
    /// Block caption.
    pub pretty_name: String,
    /// Block colour.
    pub color: Vec<f64>,
    /// Properties with the values the definition was made with.
    pub properties: Vec<PropertyDef>,
    /// Controls.
    pub controls: Vec<ControlDef>,
    /// Pages in order.
    pub pages: Vec<Page>,
}

impl Definition {
    /// `PluginInfo` member as text, empty where missing.
    pub fn info_text(&self, key: &str) -> &str {
        self.info.get(key).and_then(Json::as_str).unwrap_or("")
    }

    /// Property values as the run pass wants them.
    pub fn property_values(&self) -> Vec<(String, PropertyValue)> {
        self.properties
            .iter()
            .map(|p| (p.name.clone(), p.value.clone()))
            .collect()
    }
}
