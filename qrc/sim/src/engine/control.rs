//! Control.Get and Control.Set, for Named Controls.

use serde::Deserialize;
use serde_json::Value;

use super::call::{Answer, Call, Refusal};
use super::state::Engine;
use super::write::SetControl;

impl Engine {
    pub(super) fn control_get(
        &mut self,
        call: Call<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refusal> {
        let names = if self.options.points.lenient_control_get {
            lenient_names(call.read_any()?)?
        } else {
            call.read_any::<Vec<String>>()?
        };
        let names = names.iter().map(String::as_str);
        self.push_readings(out, names, |name| self.table.named(name))?;
        Ok(Answer::Written)
    }

    pub(super) fn control_set(
        &mut self,
        call: Call<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refusal> {
        let set: SetControl = call.read()?;
        let key = self
            .table
            .named(&set.name)
            .ok_or_else(|| Refusal::control(&set.name))?;
        self.write_control(key, &set)?;
        match self.options.points.control_set {
            Some(reply) => Ok(Answer::Plain(reply)),
            None => {
                self.write_reading_after(out, key, &set.name, None);
                Ok(Answer::Written)
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
}

fn lenient_names(params: Value) -> Result<Vec<String>, Refusal> {
    let one = |value: Value| match value {
        Value::String(name) => Ok(name),
        object => serde_json::from_value::<Named>(object)
            .map(|named| named.name)
            .map_err(|error| Refusal::params(&error.to_string())),
    };
    match params {
        Value::Array(names) => names.into_iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}
