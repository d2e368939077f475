//! ChangeGroup.*: a group belongs to one connection and collects the changes of its controls.

use std::time::Duration;

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::Value;

use super::call::{Answer, Call, Refusal};
use super::state::Engine;
use crate::cell::ControlKey;
use crate::groups::{AutoPoll, ConnectionId, GroupSlot};
use crate::options::Reply;

/// A group's `Id`: usually a text, a number from some clients. Kept as the JSON that came.
struct GroupId {
    json: CompactString,
    shown: CompactString,
}

impl<'de> Deserialize<'de> for GroupId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<GroupId, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let json = value.to_string().into();
        match value {
            Value::String(text) => Ok(GroupId {
                json,
                shown: text.into(),
            }),
            Value::Number(_) => Ok(GroupId {
                shown: json.clone(),
                json,
            }),
            other => Err(serde::de::Error::custom(format!(
                "`Id` {other}: a text was expected"
            ))),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    id: GroupId,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedControls {
    id: GroupId,
    controls: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ComponentControls {
    id: GroupId,
    component: Component,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
    controls: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AutoPollParams {
    id: GroupId,
    rate: f64,
}

impl Engine {
    fn group(&self, call: &Call<'_>, id: &GroupId) -> Result<GroupSlot, Refusal> {
        self.groups
            .find(call.connection, &id.json)
            .ok_or_else(|| Refusal::new(6, format!("Change group '{}' does not exist", id.shown)))
    }

    fn group_or_new(
        &mut self,
        connection: ConnectionId,
        id: &GroupId,
    ) -> Result<GroupSlot, Refusal> {
        if let Some(slot) = self.groups.find(connection, &id.json) {
            return Ok(slot);
        }
        if self.groups.count(connection) >= self.options.group_limit {
            return Err(Refusal::new(5, "change groups exhausted"));
        }
        Ok(self.groups.create(connection, &id.json))
    }

    pub(super) fn add_control(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: NamedControls = call.read()?;
        let found: Vec<(String, Option<ControlKey>)> = (wanted.controls.into_iter())
            .map(|name| {
                let key = self.table.named(&name);
                (name, key)
            })
            .collect();
        self.add(call.connection, &wanted.id, found, |name| Some(name.into()))
    }

    pub(super) fn add_component_control(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: ComponentControls = call.read()?;
        let entry = self.visible(&wanted.component.name)?;
        let found: Vec<(String, Option<ControlKey>)> = (wanted.component.controls.into_iter())
            .map(|Named { name }| {
                let key = entry.control(&name);
                (name, key)
            })
            .collect();
        self.add(call.connection, &wanted.id, found, |_| None)
    }

    fn add(
        &mut self,
        connection: ConnectionId,
        id: &GroupId,
        found: Vec<(String, Option<ControlKey>)>,
        named: impl Fn(&str) -> Option<CompactString>,
    ) -> Result<Answer, Refusal> {
        let missing = found.iter().find(|(_, key)| key.is_none());
        let mut refusal = missing.map(|(name, _)| Refusal::control(name));
        if self.options.points.add_is_all_or_nothing
            && let Some(refusal) = refusal.take()
        {
            return Err(refusal);
        }
        let slot = self.group_or_new(connection, id)?;
        for (name, key) in &found {
            if let Some(key) = key {
                self.groups.add(slot, *key, named(name));
            }
        }
        refusal.map_or(Ok(Answer::Plain(Reply::True)), Err)
    }

    pub(super) fn remove_control(
        &mut self,
        call: Call<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refusal> {
        let wanted: NamedControls = call.read()?;
        let slot = self.group(&call, &wanted.id)?;
        let mut unknown = Vec::new();
        for name in &wanted.controls {
            match self.table.named(name) {
                Some(key) => {
                    self.groups.remove(slot, key, name);
                }
                None => unknown.push(name.as_str()),
            }
        }
        if !self.options.points.remove_replies_unknown {
            return Ok(Answer::Plain(Reply::True));
        }
        out.extend_from_slice(Value::from(unknown).to_string().as_bytes());
        Ok(Answer::Written)
    }

    pub(super) fn poll(&mut self, call: Call<'_>, out: &mut Vec<u8>) -> Result<Answer, Refusal> {
        let wanted: Group = call.read()?;
        let slot = self.group(&call, &wanted.id)?;
        self.spread();
        self.write_changes(slot, out);
        Ok(Answer::Written)
    }

    pub(super) fn auto_poll(
        &mut self,
        call: Call<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refusal> {
        let wanted: AutoPollParams = call.read()?;
        let points = &self.options.points;
        let (minimum, at_once) = (points.auto_poll_minimum, points.first_push_at_once);
        let off = wanted.rate <= 0.0 && points.auto_poll_zero_is_off;
        let slot = match self.group(&call, &wanted.id) {
            Err(_) if points.auto_poll_makes_group => {
                self.group_or_new(call.connection, &wanted.id)?
            }
            slot => slot?,
        };
        // A day is longer than any useful period, and a Duration can hold far more.
        let rate = Duration::from_secs_f64(wanted.rate.clamp(0.0, 86_400.0)).max(minimum);
        let next = if at_once { self.now } else { self.now + rate };
        self.groups.get_mut(slot).auto_poll = (!off).then_some(AutoPoll { rate, next });
        if self.options.points.auto_poll_replies_changes {
            self.spread();
            self.write_changes(slot, out);
            return Ok(Answer::Written);
        }
        Ok(Answer::Plain(Reply::True))
    }

    pub(super) fn invalidate(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: Group = call.read()?;
        let slot = self.group(&call, &wanted.id)?;
        self.groups.get_mut(slot).invalidate();
        Ok(Answer::Plain(Reply::True))
    }

    pub(super) fn clear(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: Group = call.read()?;
        let slot = self.group(&call, &wanted.id)?;
        self.groups.clear(slot);
        Ok(Answer::Plain(Reply::True))
    }

    pub(super) fn destroy(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: Group = call.read()?;
        match self.group(&call, &wanted.id) {
            Ok(slot) => {
                if self.options.points.late_push_after_destroy
                    && self.groups.get_mut(slot).auto_poll.is_some()
                {
                    let (frame, _) = self.push_frame(slot);
                    self.later(call.connection, frame);
                }
                self.groups.destroy(slot);
            }
            Err(refusal) if self.options.points.destroy_unknown_is_error => return Err(refusal),
            Err(_) => {}
        }
        Ok(Answer::Plain(Reply::True))
    }
}
