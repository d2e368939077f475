//! Logon and StatusGet.

use serde::Deserialize;

use super::call::{Answer, Call, Refusal};
use super::state::Engine;
use crate::options::Reply;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Logon {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
}

impl Engine {
    pub(super) fn logon(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: Logon = call.read()?;
        let users = &self.options.users;
        let right = users.is_empty()
            || self.options.is_emulator
            || users
                .iter()
                .any(|(user, pin)| *user == wanted.user && *pin == wanted.password);
        if let Some(connection) = self.connections.get_mut(&call.connection) {
            connection.logged_on = right;
        }
        if right {
            return Ok(Answer::Plain(Reply::True));
        }
        if self.options.points.wrong_pin_is_false {
            return Ok(Answer::False);
        }
        Err(Refusal::new(10, "Logon required"))
    }

    pub(super) fn status_get(&mut self, out: &mut Vec<u8>) -> Result<Answer, Refusal> {
        self.write_status(out);
        Ok(Answer::Written)
    }
}
