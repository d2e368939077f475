//! Controls in design files, and the words for their parts.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::control::{Direction, Kind};
use crate::design::{Control, ScriptAccess};
use crate::number::Unit;

/// A control as a file has it.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ControlFile {
    pub(crate) name: CompactString,
    r#type: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<UnitFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    off: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    choices: Option<Vec<CompactString>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    string: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    direction: Option<DirectionFile>,
}

/// Script Access as a file has it.
#[derive(Serialize, Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessFile {
    None,
    Script,
    External,
    #[default]
    All,
}

pub(crate) fn is_all(access: &AccessFile) -> bool {
    *access == AccessFile::All
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq)]
enum UnitFile {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "dB")]
    Db,
    #[serde(rename = "Hz")]
    Hz,
    #[serde(rename = "percent")]
    Percent,
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "pan")]
    Pan,
    #[serde(rename = "position")]
    Position,
}

const UNITS: [(UnitFile, Unit); 7] = [
    (UnitFile::None, Unit::None),
    (UnitFile::Db, Unit::Db),
    (UnitFile::Hz, Unit::Hz),
    (UnitFile::Percent, Unit::Percent),
    (UnitFile::Seconds, Unit::Seconds),
    (UnitFile::Pan, Unit::Pan),
    (UnitFile::Position, Unit::Position),
];

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq)]
enum DirectionFile {
    #[serde(rename = "Read/Write")]
    ReadWrite,
    #[serde(rename = "Read Only")]
    ReadOnly,
    #[serde(rename = "Write Only")]
    WriteOnly,
}

const DIRECTIONS: [(DirectionFile, Direction); 3] = [
    (DirectionFile::ReadWrite, Direction::ReadWrite),
    (DirectionFile::ReadOnly, Direction::ReadOnly),
    (DirectionFile::WriteOnly, Direction::WriteOnly),
];

const ACCESSES: [(AccessFile, ScriptAccess); 4] = [
    (AccessFile::None, ScriptAccess::None),
    (AccessFile::Script, ScriptAccess::Script),
    (AccessFile::External, ScriptAccess::External),
    (AccessFile::All, ScriptAccess::All),
];

fn across<A: Copy + PartialEq, B: Copy>(table: &[(A, B)], from: A) -> B {
    let found = table.iter().find(|(left, _)| *left == from);
    found.expect("the table names every case").1
}

fn back<A: Copy, B: Copy + PartialEq>(table: &[(A, B)], from: B) -> A {
    let found = table.iter().find(|(_, right)| *right == from);
    found.expect("the table names every case").0
}

/// The access that a file's word means.
pub(crate) fn access_of(access: AccessFile) -> ScriptAccess {
    across(&ACCESSES, access)
}

/// The word for an access.
pub(crate) fn file_of(access: ScriptAccess) -> AccessFile {
    back(&ACCESSES, access)
}

/// The first mistake in a control, looked at alone.
pub(crate) fn check_control(control: &Control) -> Result<(), String> {
    if control.name.is_empty() {
        return Err("the name is empty".into());
    }
    let (min, max) = control.kind.range();
    if !(min.is_finite() && max.is_finite() && min <= max) {
        return Err(format!(
            "the range {min} to {max}; min below max was expected"
        ));
    }
    match control.value {
        Some(value)
            if !control.kind.is_textual()
                && !(f64::from(min)..=f64::from(max)).contains(&value) =>
        {
            Err(format!("the value {value}; {min} to {max} was expected"))
        }
        _ => Ok(()),
    }
}

impl ControlFile {
    pub(crate) fn into_control(mut self) -> Result<Control, String> {
        let kind = self.kind()?;
        let direction = match (self.direction.take(), self.r#type.as_str()) {
            (Some(direction), _) => Some(across(&DIRECTIONS, direction)),
            (None, "led") => Some(Direction::ReadOnly),
            (None, _) => None,
        };
        // Each kind takes the members that it knows. A member left over belongs to another kind.
        let left = [
            ("min", self.min.is_some()),
            ("max", self.max.is_some()),
            ("unit", self.unit.is_some()),
            ("on", self.on.is_some()),
            ("off", self.off.is_some()),
            ("choices", self.choices.is_some()),
        ];
        if let Some((member, _)) = left.iter().find(|(_, there)| *there) {
            return Err(format!(
                "a control of type {:?} has no {member:?}",
                self.r#type
            ));
        }
        let mut control = Control::new(&self.name, kind);
        control.direction = direction.unwrap_or(control.direction);
        control.value = self.value;
        control.string = self.string;
        Ok(control)
    }

    fn kind(&mut self) -> Result<Kind, String> {
        let mut range = |min: f64, max: f64| {
            (
                self.min.take().unwrap_or(min) as f32,
                self.max.take().unwrap_or(max) as f32,
            )
        };
        Ok(match self.r#type.as_str() {
            "gain" => {
                let (min, max) = range(-100.0, 20.0);
                Kind::Float {
                    min,
                    max,
                    unit: Unit::Db,
                }
            }
            "float" => {
                let (min, max) = range(0.0, 1.0);
                let unit = self
                    .unit
                    .take()
                    .map_or(Unit::None, |unit| across(&UNITS, unit));
                Kind::Float { min, max, unit }
            }
            "integer" => {
                let (min, max) = range(1.0, 100.0);
                Kind::Integer {
                    min: min as i32,
                    max: max as i32,
                }
            }
            "boolean" | "led" => Kind::Boolean {
                on: self.on.take().unwrap_or_else(|| "true".into()),
                off: self.off.take().unwrap_or_else(|| "false".into()),
            },
            "momentary" => Kind::Momentary,
            "time" => Kind::Time,
            "text" => Kind::Text,
            "combo" => match self.choices.take() {
                Some(choices) => Kind::Combo { choices },
                None => return Err("no \"choices\"; a list of texts was expected".into()),
            },
            "trigger" => Kind::Trigger,
            "state_trigger" => match self.max.take() {
                Some(max) => Kind::StateTrigger { max: max as i32 },
                None => return Err("no \"max\"; the number of the last state was expected".into()),
            },
            "meter" => {
                let (min, max) = range(-120.0, 20.0);
                Kind::Meter { min, max }
            }
            "status" => Kind::Status,
            other => {
                return Err(format!(
                    "the type {other:?}; one of gain, float, integer, boolean, momentary, led, time, text, combo, \
                     trigger, state_trigger, meter, status was expected"
                ));
            }
        })
    }

    pub(crate) fn from_control(control: &Control) -> ControlFile {
        let plain = Control::new(&control.name, control.kind.clone());
        let mut file = ControlFile {
            name: control.name.clone(),
            value: control.value,
            string: control.string.clone(),
            direction: (control.direction != plain.direction)
                .then(|| back(&DIRECTIONS, control.direction)),
            ..ControlFile::default()
        };
        let mut range = |min: f32, max: f32| {
            file.min = Some(f64::from(min));
            file.max = Some(f64::from(max));
        };
        file.r#type = match &control.kind {
            Kind::Float { min, max, unit } => {
                range(*min, *max);
                file.unit = (*unit != Unit::Db).then(|| back(&UNITS, *unit));
                if *unit == Unit::Db { "gain" } else { "float" }
            }
            Kind::Integer { min, max } => {
                range(*min as f32, *max as f32);
                "integer"
            }
            Kind::Boolean { on, off } => {
                file.on = Some(on.clone());
                file.off = Some(off.clone());
                "boolean"
            }
            Kind::Momentary => "momentary",
            Kind::Time => "time",
            Kind::Text => "text",
            Kind::Combo { choices } => {
                file.choices = Some(choices.clone());
                "combo"
            }
            Kind::Trigger => "trigger",
            Kind::StateTrigger { max } => {
                file.max = Some(f64::from(*max));
                "state_trigger"
            }
            Kind::Meter { min, max } => {
                range(*min, *max);
                "meter"
            }
            Kind::Status => "status",
        }
        .into();
        file
    }
}
