//! What Set does to a control: writes a value, position or text, at once or as a ramp, as leniently as a real Core.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::call::Refusal;
use super::state::Engine;
use crate::cell::{Author, ControlKey, Outcome, Write};
use crate::control::Direction;
use crate::options::{OutOfRange, Unusable};
use crate::reading::{push_reading, push_reading_at};

/// One control in a Set.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetControl {
    pub(super) name: String,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    position: Option<f64>,
    #[serde(default)]
    string: Option<String>,
    #[serde(default)]
    ramp: Option<f64>,
}

impl SetControl {
    pub(super) fn of(name: String, value: Value, ramp: Option<f64>) -> SetControl {
        SetControl {
            name,
            value: Some(value),
            position: None,
            string: None,
            ramp,
        }
    }

    /// The write, or why there is none.
    fn write(&self, position_wins: bool, string_sets: bool) -> Result<Write<'_>, Refusal> {
        let position = self.position.map(Write::Position);
        let value = match &self.value {
            None | Some(Value::Null) => None,
            Some(Value::Bool(on)) => Some(Write::Bool(*on)),
            Some(Value::String(text)) => Some(Write::Text(text)),
            Some(Value::Number(number)) => number.as_f64().map(Write::Number),
            Some(Value::Array(_) | Value::Object(_)) => {
                return Err(Refusal::params(&format!(
                    "`Value` of '{}': a number, text or truth value was expected",
                    self.name
                )));
            }
        };
        let text = self
            .string
            .as_deref()
            .filter(|_| string_sets)
            .map(Write::Text);
        let first = if position_wins {
            position.or(value)
        } else {
            value.or(position)
        };
        first.or(text).ok_or_else(|| {
            Refusal::params(&format!(
                "'{}' has neither `Value` nor `Position`",
                self.name
            ))
        })
    }
}

impl Engine {
    /// Writes one control as the client asks.
    pub(super) fn write_control(
        &mut self,
        key: ControlKey,
        set: &SetControl,
    ) -> Result<(), Refusal> {
        let points = &self.options.points;
        let write = set.write(points.position_wins, points.string_sets_text)?;
        let spec = &self.table.cell(key).spec;
        if spec.direction == Direction::ReadOnly {
            return match points.read_only_write {
                Unusable::Ignore => Ok(()),
                Unusable::Refuse => Err(Refusal::params(&format!(
                    "control '{}' is Read Only",
                    set.name
                ))),
            };
        }
        let unusable = |what: &str| match points.unusable_text {
            Unusable::Ignore => Ok(()),
            Unusable::Refuse => Err(Refusal::params(&format!(
                "{what} is no value for control '{}'",
                set.name
            ))),
        };
        if let Write::Number(value) = write {
            let (min, max) = spec.kind.range();
            let fits = spec.kind.is_textual()
                || max <= min
                || (f64::from(min)..=f64::from(max)).contains(&value);
            match points.out_of_range {
                OutOfRange::Refuse if !fits => {
                    return Err(Refusal::params(&format!(
                        "{value} is outside {min} to {max} of control '{}'",
                        set.name
                    )));
                }
                OutOfRange::Ignore if !fits => return Ok(()),
                _ => {}
            }
        }
        if let (Write::Text(text), false, false) =
            (write, points.texts_as_numbers, spec.kind.is_textual())
        {
            return unusable(&format!("'{text}'"));
        }
        let written = match set.ramp.filter(|ramp| *ramp > 0.0) {
            Some(ramp) => {
                // A year is longer than any ramp, and a Duration can hold it.
                let length = Duration::from_secs_f64(ramp.min(31_536_000.0));
                self.table.ramp(key, write, length, Author::Qrc)
            }
            None => self.table.write(key, write, Author::Qrc),
        };
        match (written, write) {
            (Ok(Outcome::Fired), _) => {
                self.pressed(key);
                Ok(())
            }
            (Ok(_), _) => Ok(()),
            (Err(_), Write::Text(text)) => unusable(&format!("'{text}'")),
            (Err(_), _) => unusable("the number"),
        }
    }

    /// A control right after its write, as replies to Set show it.
    pub(super) fn write_reading_after(
        &self,
        out: &mut Vec<u8>,
        key: ControlKey,
        name: &str,
        component: Option<&str>,
    ) {
        let points = &self.options.points;
        match self.table.ramp_target(key) {
            Some(target) if points.ramp_reply_is_target => {
                let position = self.table.cell(key).spec.kind.position_of(target, false);
                push_reading_at(
                    out,
                    &self.table,
                    points,
                    key,
                    name,
                    component,
                    target,
                    position,
                );
            }
            _ => push_reading(out, &self.table, points, key, name, component),
        }
    }
}
