//! Designs as readable JSON files. An error says where it is, what was found and what was expected.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::control_file::{AccessFile, ControlFile, access_of, check_control, file_of, is_all};
use crate::design::{Component, Design, NamedControl, Paging, Property, SnapshotBank, Zone};

/// Why a design cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DesignError {
    /// The file cannot be read.
    #[error("cannot read the design {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The text is no JSON, or a member has an unexpected type or name.
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
    /// The design contradicts itself.
    #[error("{path}{place}: {problem}")]
    Wrong {
        /// The file and a separator, or empty for a text.
        path: String,
        /// The component, control or bank.
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
    /// let design = qrc_sim::Design::from_json(r#"{
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
    /// # Ok::<(), qrc_sim::DesignError>(())
    /// ```
    ///
    /// Control types: `gain` (dB, -100 to 20 by default), `float` (with `min`, `max` and `unit`: `dB`, `Hz`, `percent`,
    /// `s`, `pan`, `position`), `integer`, `boolean` (with `on` and `off` texts), `momentary`, `led`, `time`, `text`,
    /// `combo` (with `choices`), `trigger`, `state_trigger` (with `max`), `meter`, `status`.
    ///
    /// # Errors
    /// [`DesignError::Malformed`] or [`DesignError::Wrong`], with the place of the mistake.
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
    ///
    /// # Errors
    /// [`DesignError::Unreadable`] for a file that cannot be read; otherwise as [`Design::from_json`], with the file's
    /// name.
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

    /// Checks names, ranges and references. [`Design::from_json`] has done this already.
    ///
    /// # Errors
    /// [`DesignError::Wrong`] for the first contradiction.
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyFile {
    name: CompactString,
    value: CompactString,
    #[serde(default, skip_serializing_if = "CompactString::is_empty")]
    pretty_name: CompactString,
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
            let mut component =
                Component::new(&file.name, &file.r#type).access(access_of(file.script_access));
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
            script_access: file_of(component.script_access),
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
