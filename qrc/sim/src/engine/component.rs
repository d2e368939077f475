//! Component.GetComponents, GetControls, Get and Set.

use serde::Deserialize;

use super::call::{Answer, Call, Refusal};
use super::state::Engine;
use super::write::SetControl;
use crate::cell::ControlKey;
use crate::number::push_text;
use crate::reading::{push_description, push_reading};
use crate::table::ComponentEntry;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    name: String,
    controls: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Set {
    name: String,
    controls: Vec<SetControl>,
    #[serde(default)]
    response_values: Option<bool>,
}

impl Engine {
    /// A component that QRC may see. Without access it does not exist for QRC.
    pub(super) fn visible(&self, name: &str) -> Result<&ComponentEntry, Refusal> {
        let entry = self
            .table
            .component(name)
            .filter(|entry| entry.script_access.is_external());
        entry.ok_or_else(|| Refusal::component(name))
    }

    pub(super) fn get_components(&mut self, out: &mut Vec<u8>) -> Result<Answer, Refusal> {
        out.push(b'[');
        let mut first = true;
        for entry in self
            .table
            .components
            .iter()
            .filter(|entry| entry.script_access.is_external())
        {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            for (lead, text) in [
                ("{\"ID\":", &entry.name),
                (",\"Name\":", &entry.name),
                (",\"Type\":", &entry.type_),
            ] {
                out.extend_from_slice(lead.as_bytes());
                push_text(out, text);
            }
            out.extend_from_slice(b",\"Properties\":[");
            for (index, property) in entry.properties.iter().enumerate() {
                for (lead, text) in [
                    (
                        if index > 0 {
                            ",{\"Name\":"
                        } else {
                            "{\"Name\":"
                        },
                        &property.name,
                    ),
                    (",\"Value\":", &property.value),
                    (",\"PrettyName\":", &property.pretty_name),
                ] {
                    out.extend_from_slice(lead.as_bytes());
                    push_text(out, text);
                }
                out.push(b'}');
            }
            out.extend_from_slice(b"],\"Controls\":null,\"ControlSource\":2}");
        }
        out.push(b']');
        Ok(Answer::Written)
    }

    pub(super) fn get_controls(
        &mut self,
        call: Call<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refusal> {
        let wanted: Named = call.read()?;
        let entry = self.visible(&wanted.name)?;
        out.extend_from_slice(b"{\"Name\":");
        push_text(out, &entry.name);
        out.extend_from_slice(b",\"Controls\":[");
        for (index, key) in entry.controls.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_description(out, &self.table, &self.options.points, *key);
        }
        out.extend_from_slice(b"]}");
        Ok(Answer::Written)
    }

    /// The readings in the reply to a Get.
    pub(super) fn push_readings<'n>(
        &self,
        out: &mut Vec<u8>,
        names: impl Iterator<Item = &'n str>,
        find: impl Fn(&str) -> Option<ControlKey>,
    ) -> Result<(), Refusal> {
        let points = &self.options.points;
        out.push(b'[');
        let mut first = true;
        for name in names {
            let Some(key) = find(name) else {
                if points.get_skips_unknown {
                    continue;
                }
                return Err(Refusal::control(name));
            };
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            push_reading(out, &self.table, points, key, name, None);
        }
        out.push(b']');
        Ok(())
    }

    pub(super) fn component_get(
        &mut self,
        call: Call<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refusal> {
        let wanted: Get = call.read()?;
        let entry = self.visible(&wanted.name)?;
        out.extend_from_slice(b"{\"Name\":");
        push_text(out, &entry.name);
        out.extend_from_slice(b",\"Controls\":");
        let names = wanted.controls.iter().map(|named| named.name.as_str());
        self.push_readings(out, names, |name| entry.control(name))?;
        out.push(b'}');
        Ok(Answer::Written)
    }

    pub(super) fn component_set(
        &mut self,
        call: Call<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refusal> {
        let wanted: Set = call.read()?;
        let points = &self.options.points;
        let reply = points.component_set;
        let (all_or_nothing, values) = (
            points.set_is_all_or_nothing,
            points.knows_response_values && wanted.response_values == Some(true),
        );
        let entry = match self.visible(&wanted.name) {
            Ok(entry) => entry,
            Err(_) if points.hidden_writes_pass && self.table.component(&wanted.name).is_some() => {
                return Ok(Answer::Plain(reply));
            }
            Err(refusal) => return Err(refusal),
        };
        let keys: Vec<Option<ControlKey>> = wanted
            .controls
            .iter()
            .map(|set| entry.control(&set.name))
            .collect();
        let mut refusal = keys
            .iter()
            .position(Option::is_none)
            .map(|index| Refusal::control(&wanted.controls[index].name));
        if refusal.is_none() || !all_or_nothing {
            for (set, key) in wanted.controls.iter().zip(&keys) {
                let written = key.map_or(Ok(()), |key| self.write_control(key, set));
                if let Err(problem) = written {
                    refusal.get_or_insert(problem);
                }
            }
        }
        match refusal {
            Some(refusal) => Err(refusal),
            None if values => {
                out.push(b'[');
                for (index, (set, key)) in wanted.controls.iter().zip(keys).enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    if let Some(key) = key {
                        self.write_reading_after(out, key, &set.name, Some(&wanted.name));
                    }
                }
                out.push(b']');
                Ok(Answer::Written)
            }
            None => Ok(Answer::Plain(reply)),
        }
    }
}
