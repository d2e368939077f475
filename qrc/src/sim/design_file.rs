//! Designs as readable JSON files, with errors that say where, what was found, and what was expected.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::control::{Direction, Kind, Unit};
use super::design::{
    Component, Control, Design, NamedControl, Paging, Property, ScriptAccess, SnapshotBank, Zone,
};

/// Why a design cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DesignError {
    /// The file cannot be read.
    #[error("cannot read the design {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no JSON, or a member has another type or name than expected.
    #[error("{path}line {line}, column {column}: {problem}")]
    Malformed {
        /// The file and a separator, or empty for a text.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What was found and what was expected.
        problem: String,
    },
    /// It is well-formed but contradicts itself.
    #[error("{path}{place}: {problem}")]
    Wrong {
        /// The file and a separator, or empty for a text.
        path: String,
        /// Which component, control or bank.
        place: String,
        /// What was found and what was expected.
        problem: String,
    },
}

impl DesignError {
    fn in_file(mut self, file: &Path) -> DesignError {
        if let DesignError::Malformed { path, .. } | DesignError::Wrong { path, .. } = &mut self {
            *path = format!("{}: ", file.display());
        }
        self
    }
}

fn wrong(place: impl Into<String>, problem: impl Into<String>) -> DesignError {
    DesignError::Wrong {
        path: String::new(),
        place: place.into(),
        problem: problem.into(),
    }
}

impl Design {
    /// Reads a design from JSON and checks it.
    ///
    /// ```
    /// let design = qrc::sim::Design::from_json(r#"{
    ///   "name": "Harbour_Hall",
    ///   "code": "zT4mQ9wXb2Lk",
    ///   "components": [
    ///     { "name": "Lobby_Gain", "type": "gain",
    ///       "controls": [
    ///         { "name": "gain", "type": "gain", "min": -100, "max": 20, "value": -6 },
    ///         { "name": "mute", "type": "boolean", "on": "muted", "off": "unmuted" } ] } ],
    ///   "named_controls": [ { "name": "LobbyVolume", "component": "Lobby_Gain", "control": "gain" } ]
    /// }"#)?;
    /// assert_eq!(design.control_count(), 2);
    /// # Ok::<(), qrc::sim::DesignError>(())
    /// ```
    ///
    /// Control types: `gain` (dB, -100 to 20 unless told), `float` (with `min`, `max` and `unit`: `dB`, `Hz`, `percent`,
    /// `s`, `pan`, `position`), `integer`, `boolean` (with `on` and `off` texts), `momentary`, `led`, `time`, `text`,
    /// `combo` (with `choices`), `trigger`, `state_trigger` (with `max`), `meter`, `status`.
    pub fn from_json(text: &str) -> Result<Design, DesignError> {
        let file: DesignFile = serde_json::from_str(text).map_err(|error| {
            let problem = error.to_string();
            let problem = match problem.rfind(" at line ") {
                Some(end) => problem[..end].to_owned(),
                None => problem,
            };
            DesignError::Malformed {
                path: String::new(),
                line: error.line(),
                column: error.column(),
                problem,
            }
        })?;
        let design = file.into_design()?;
        design.check()?;
        Ok(design)
    }

    /// Reads a design file.
    pub fn load(path: impl AsRef<Path>) -> Result<Design, DesignError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| DesignError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
        Design::from_json(&text).map_err(|error| error.in_file(path))
    }

    /// The design as the JSON that [`Design::from_json`] reads.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&DesignFile::from_design(self))
            .expect("texts and finite numbers always have a JSON form")
    }

    /// Checks names, ranges and references; [`Design::from_json`] has done this already.
    pub fn check(&self) -> Result<(), DesignError> {
        let mut components: HashMap<&str, HashSet<&str>> = HashMap::new();
        for component in &self.components {
            let place = || format!("component {:?}", component.name);
            if component.name.is_empty() {
                return Err(wrong(
                    place(),
                    "the name is empty; a Code Name was expected",
                ));
            }
            let mut names = HashSet::new();
            for control in &component.controls {
                let place =
                    || format!("component {:?}, control {:?}", component.name, control.name);
                check_control(control).map_err(|problem| wrong(place(), problem))?;
                if !names.insert(control.name.as_str()) {
                    return Err(wrong(
                        place(),
                        "the component has a control of this name already",
                    ));
                }
            }
            if components.insert(&component.name, names).is_some() {
                return Err(wrong(
                    place(),
                    "the design has a component of this name already",
                ));
            }
        }
        let exists = |component: &str, control: &str| match components.get(component) {
            None => Err(format!("no component is named {component:?}")),
            Some(controls) if !controls.contains(control) => Err(format!(
                "component {component:?} has no control {control:?}"
            )),
            Some(_) => Ok(()),
        };
        let mut named = HashSet::new();
        for control in &self.named_controls {
            let place = || format!("Named Control {:?}", control.name);
            exists(&control.component, &control.control)
                .map_err(|problem| wrong(place(), problem))?;
            if control.name.is_empty() || !named.insert(&control.name) {
                return Err(wrong(place(), "a name of its own was expected"));
            }
        }
        for bank in &self.snapshot_banks {
            let place = || format!("snapshot bank {:?}", bank.name);
            if !(1..=24).contains(&bank.count) {
                let problem = format!("{} snapshots; 1 to 24 were expected", bank.count);
                return Err(wrong(place(), problem));
            }
            for (component, control) in &bank.controls {
                exists(component, control).map_err(|problem| wrong(place(), problem))?;
            }
        }
        Ok(())
    }
}

fn check_control(control: &Control) -> Result<(), String> {
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DesignFile {
    name: CompactString,
    code: CompactString,
    components: Vec<ComponentFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    named_controls: Vec<NamedFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    snapshot_banks: Vec<BankFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paging: Option<PagingFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentFile {
    name: CompactString,
    r#type: CompactString,
    #[serde(default, skip_serializing_if = "is_all")]
    script_access: AccessFile,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    properties: Vec<PropertyFile>,
    controls: Vec<ControlFile>,
}

#[derive(Serialize, Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum AccessFile {
    None,
    Script,
    External,
    #[default]
    All,
}

fn is_all(access: &AccessFile) -> bool {
    *access == AccessFile::All
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyFile {
    name: CompactString,
    value: CompactString,
    #[serde(default, skip_serializing_if = "CompactString::is_empty")]
    pretty_name: CompactString,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ControlFile {
    name: CompactString,
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedFile {
    name: CompactString,
    component: CompactString,
    control: CompactString,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BankFile {
    name: CompactString,
    count: usize,
    controls: Vec<(CompactString, CompactString)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PagingFile {
    priorities: Vec<CompactString>,
    zones: Vec<ZoneFile>,
    #[serde(default)]
    messages: Vec<CompactString>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ZoneFile {
    name: CompactString,
    #[serde(default)]
    group: CompactString,
    #[serde(default)]
    tags: Vec<CompactString>,
}

impl DesignFile {
    fn into_design(self) -> Result<Design, DesignError> {
        let mut components = Vec::with_capacity(self.components.len());
        for file in self.components {
            let mut component = Component::new(&file.name, &file.r#type)
                .access(across(&ACCESSES, file.script_access));
            for property in file.properties {
                component.properties.push(Property {
                    name: property.name,
                    value: property.value,
                    pretty_name: property.pretty_name,
                });
            }
            for control in file.controls {
                let place = format!("component {:?}, control {:?}", file.name, control.name);
                let control = control
                    .into_control()
                    .map_err(|problem| wrong(place, problem))?;
                component.controls.push(control);
            }
            components.push(component);
        }
        let named = self.named_controls.into_iter();
        let banks = self.snapshot_banks.into_iter();
        Ok(Design {
            name: self.name,
            code: self.code,
            components,
            named_controls: named
                .map(|file| NamedControl {
                    name: file.name,
                    component: file.component,
                    control: file.control,
                })
                .collect(),
            snapshot_banks: banks
                .map(|file| SnapshotBank {
                    name: file.name,
                    count: file.count,
                    controls: file.controls,
                })
                .collect(),
            paging: self.paging.map(|file| Paging {
                priorities: file.priorities,
                zones: file
                    .zones
                    .into_iter()
                    .map(|zone| Zone {
                        name: zone.name,
                        group: zone.group,
                        tags: zone.tags,
                    })
                    .collect(),
                messages: file.messages,
            }),
        })
    }

    fn from_design(design: &Design) -> DesignFile {
        let component = |component: &Component| ComponentFile {
            name: component.name.clone(),
            r#type: component.type_.clone(),
            script_access: back(&ACCESSES, component.script_access),
            properties: (component.properties.iter())
                .map(|property| PropertyFile {
                    name: property.name.clone(),
                    value: property.value.clone(),
                    pretty_name: property.pretty_name.clone(),
                })
                .collect(),
            controls: component
                .controls
                .iter()
                .map(ControlFile::from_control)
                .collect(),
        };
        let named = |control: &NamedControl| NamedFile {
            name: control.name.clone(),
            component: control.component.clone(),
            control: control.control.clone(),
        };
        let bank = |bank: &SnapshotBank| BankFile {
            name: bank.name.clone(),
            count: bank.count,
            controls: bank.controls.clone(),
        };
        let zone = |zone: &Zone| ZoneFile {
            name: zone.name.clone(),
            group: zone.group.clone(),
            tags: zone.tags.clone(),
        };
        DesignFile {
            name: design.name.clone(),
            code: design.code.clone(),
            components: design.components.iter().map(component).collect(),
            named_controls: design.named_controls.iter().map(named).collect(),
            snapshot_banks: design.snapshot_banks.iter().map(bank).collect(),
            paging: design.paging.as_ref().map(|paging| PagingFile {
                priorities: paging.priorities.clone(),
                zones: paging.zones.iter().map(zone).collect(),
                messages: paging.messages.clone(),
            }),
        }
    }
}

impl ControlFile {
    fn into_control(mut self) -> Result<Control, String> {
        let kind = self.kind()?;
        let direction = match (self.direction.take(), self.r#type.as_str()) {
            (Some(direction), _) => Some(across(&DIRECTIONS, direction)),
            (None, "led") => Some(Direction::ReadOnly),
            (None, _) => None,
        };
        // Each kind takes the members it knows; what is left was written for another kind.
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

    fn from_control(control: &Control) -> ControlFile {
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
