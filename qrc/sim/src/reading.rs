//! Controls as JSON on the wire, byte for byte as a Core writes them.

use crate::cell::{Cell, ControlKey, Metadata};
use crate::control::Kind;
use crate::number::{push_integer, push_text, push_wire};
use crate::options::{MetadataKeys, OpenPoints};
use crate::table::Table;

/// A control as Get, Set and changes show it. `name` is the Named Control's or the control's own name; `component` is
/// given only for component controls in changes.
pub(crate) fn push_reading(
    out: &mut Vec<u8>,
    table: &Table,
    points: &OpenPoints,
    key: ControlKey,
    name: &str,
    component: Option<&str>,
) {
    let cell = table.cell(key);
    push_reading_at(
        out,
        table,
        points,
        key,
        name,
        component,
        cell.value,
        table.position(key),
    );
}

/// The same with another value than the present one: the target of a ramp.
#[allow(clippy::too_many_arguments)] // one wire object, spelled out member by member
pub(crate) fn push_reading_at(
    out: &mut Vec<u8>,
    table: &Table,
    points: &OpenPoints,
    key: ControlKey,
    name: &str,
    component: Option<&str>,
    value: f32,
    position: f32,
) {
    let cell = table.cell(key);
    out.push(b'{');
    if let Some(component) = component {
        out.extend_from_slice(b"\"Component\":");
        push_text(out, component);
        out.push(b',');
    }
    out.extend_from_slice(b"\"Name\":");
    push_text(out, name);
    out.extend_from_slice(b",\"String\":");
    if value == cell.value {
        push_text(out, &cell.text());
    } else {
        push_text(out, &cell.spec.kind.text_of(value));
    }
    out.extend_from_slice(b",\"Value\":");
    push_wire(out, wire_value(cell, value, points));
    out.extend_from_slice(b",\"Position\":");
    push_wire(out, position);
    push_metadata(out, cell, points);
    out.push(b'}');
}

fn wire_value(cell: &Cell, value: f32, points: &OpenPoints) -> f32 {
    match cell.spec.kind {
        Kind::Text | Kind::Trigger => 0.0,
        Kind::Combo { .. } if !points.combo_value_is_index => 0.0,
        _ => value,
    }
}

fn push_metadata(out: &mut Vec<u8>, cell: &Cell, points: &OpenPoints) {
    let none = Metadata::default();
    let metadata = match (points.metadata, cell.metadata.as_deref()) {
        (MetadataKeys::Never, _) | (MetadataKeys::WhenSet, None) => return,
        (_, metadata) => metadata.unwrap_or(&none),
    };
    out.extend_from_slice(b",\"Choices\":");
    push_choices(out, metadata);
    out.extend_from_slice(b",\"Color\":");
    push_text(out, &metadata.color);
    for (name, flag) in [
        ("Indeterminate", metadata.indeterminate),
        ("Invisible", metadata.invisible),
        ("Disabled", metadata.disabled),
    ] {
        out.extend_from_slice(format!(",\"{name}\":{flag}").as_bytes());
    }
    out.extend_from_slice(b",\"Legend\":");
    push_text(out, &metadata.legend);
    out.extend_from_slice(b",\"CssClass\":\"\"");
}

fn push_choices(out: &mut Vec<u8>, metadata: &Metadata) {
    out.push(b'[');
    for (index, choice) in metadata.choices.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_text(out, choice);
    }
    out.push(b']');
}

/// A control as `Component.GetControls` shows it: with its type, and its value in that type.
pub(crate) fn push_description(
    out: &mut Vec<u8>,
    table: &Table,
    points: &OpenPoints,
    key: ControlKey,
) {
    let cell = table.cell(key);
    let kind = &cell.spec.kind;
    out.extend_from_slice(b"{\"Name\":");
    push_text(out, &cell.spec.name);
    out.extend_from_slice(b",\"Type\":");
    push_text(out, kind.wire_type());
    let (min, max) = kind.range();
    match kind {
        Kind::Text | Kind::Combo { .. } => {}
        Kind::Boolean { .. } | Kind::Momentary => {
            out.extend_from_slice(b",\"Value\":");
            out.extend_from_slice(if cell.value >= 0.5 { b"true" } else { b"false" });
        }
        Kind::Integer { .. } => {
            for (name, value) in [("Value", cell.value), ("ValueMin", min), ("ValueMax", max)] {
                out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                push_integer(out, value as i64);
            }
        }
        Kind::Float { .. } | Kind::Meter { .. } | Kind::Time => {
            for (name, value) in [("Value", cell.value), ("ValueMin", min), ("ValueMax", max)] {
                out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                push_wire(out, value);
            }
        }
        Kind::Trigger | Kind::StateTrigger { .. } | Kind::Status => {
            out.extend_from_slice(b",\"Value\":");
            push_wire(out, cell.value);
        }
    }
    if matches!(
        kind,
        Kind::Float { .. } | Kind::Meter { .. } | Kind::Integer { .. } | Kind::Time
    ) {
        out.extend_from_slice(b",\"StringMin\":");
        push_text(out, &kind.text_of(min));
        out.extend_from_slice(b",\"StringMax\":");
        push_text(out, &kind.text_of(max));
    }
    if !matches!(kind, Kind::Trigger) {
        out.extend_from_slice(b",\"String\":");
        push_text(out, &cell.text());
    }
    if !matches!(kind, Kind::Trigger | Kind::Text | Kind::Combo { .. }) {
        out.extend_from_slice(b",\"Position\":");
        push_wire(out, table.position(key));
    }
    if let (true, Some(metadata)) = (points.choices_in_get_controls, cell.metadata.as_deref()) {
        out.extend_from_slice(b",\"Choices\":");
        push_choices(out, metadata);
    }
    out.extend_from_slice(b",\"Direction\":");
    push_text(out, cell.spec.direction.as_str());
    out.push(b'}');
}
