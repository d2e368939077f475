//! Turns a plugin's definition into a component of the simulated Core.

use qrc_sim::{Component, Control, Kind, ScriptAccess, Unit as SimUnit};

use crate::host::{ControlDef, Definition, PropertyValue, Shape, Unit};

/// The component that a plugin becomes in a design.
pub fn plugin_component(code_name: &str, source: &str, definition: &Definition) -> Component {
    let mut component =
        Component::new(code_name, &component_type(source, definition)).access(ScriptAccess::All);
    for property in &definition.properties {
        let value = match &property.value {
            PropertyValue::Bool(b) => if *b { "True" } else { "False" }.to_owned(),
            PropertyValue::Number(n) => n.to_string(),
            PropertyValue::Text(text) => text.clone(),
        };
        component = component.property(&property.name, &value, &property.name);
    }
    for def in &definition.controls {
        for index in 1..=def.count {
            component = component.with(sim_control(def, index));
        }
    }
    component
}

/// `%PLUGIN%_<Id>_%FP%_<32 hex digits>` as seen on real Cores; the tail is a content fingerprint.
fn component_type(source: &str, definition: &Definition) -> String {
    // FNV-1a, 128 bits: stable over builds, and good enough for a fingerprint.
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in source.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
    }
    format!("%PLUGIN%_{}_%FP%_{hash:032x}", definition.info_text("Id"))
}

fn sim_control(def: &ControlDef, index: u32) -> Control {
    let name = def.outside_name(index);
    let state = def.state(index);
    let control = match (def.control_type.as_str(), def.variant.as_str()) {
        ("Button", "StateTrigger") => Control::state_trigger(&name, def.max as i32),
        ("Button", "Momentary") => Control::momentary(&name),
        ("Button", "Trigger") => Control::trigger(&name),
        ("Indicator", "Meter") => Control::meter(&name, def.min as f32, def.max as f32),
        _ => match state.shape {
            Shape::Boolean => Control::toggle(&name),
            Shape::Status => Control::status(&name),
            Shape::Number {
                unit: Unit::Integer,
                min,
                max,
            } => Control::integer(&name, min as i32, max as i32),
            Shape::Number { unit, min, max } => {
                Control::float(&name, min as f32, max as f32, sim_unit(unit))
            }
            Shape::Text | Shape::Trigger => Control::text(&name),
        },
    };
    let control = match state.shape {
        Shape::Text => control.saying(&state.string),
        Shape::Trigger => control,
        _ => control.at(state.value),
    };
    if def.is_indicator() {
        control.read_only()
    } else {
        control
    }
}

fn sim_unit(unit: Unit) -> SimUnit {
    match unit {
        Unit::Float | Unit::Integer => SimUnit::None,
        Unit::Decibel => SimUnit::Db,
        Unit::Hertz => SimUnit::Hz,
        Unit::Percent => SimUnit::Percent,
        Unit::Seconds => SimUnit::Seconds,
        Unit::Pan => SimUnit::Pan,
        Unit::Position => SimUnit::Position,
    }
}

pub(crate) fn shape_of(kind: &Kind) -> Shape {
    let number = |unit, min: f64, max: f64| Shape::Number { unit, min, max };
    match kind {
        Kind::Float { min, max, unit } => {
            let unit = match unit {
                SimUnit::Db => Unit::Decibel,
                SimUnit::Hz => Unit::Hertz,
                SimUnit::Percent => Unit::Percent,
                SimUnit::Seconds => Unit::Seconds,
                SimUnit::Pan => Unit::Pan,
                SimUnit::Position => Unit::Position,
                SimUnit::None => Unit::Float,
            };
            number(unit, f64::from(*min), f64::from(*max))
        }
        Kind::Meter { min, max } => number(Unit::Decibel, f64::from(*min), f64::from(*max)),
        Kind::Integer { min, max } => number(Unit::Integer, f64::from(*min), f64::from(*max)),
        Kind::StateTrigger { max } => number(Unit::Integer, 0.0, f64::from(*max)),
        Kind::Time => number(Unit::Seconds, 0.0, 86_399.0),
        Kind::Boolean { .. } | Kind::Momentary => Shape::Boolean,
        Kind::Text | Kind::Combo { .. } => Shape::Text,
        Kind::Trigger => Shape::Trigger,
        Kind::Status => Shape::Status,
    }
}
