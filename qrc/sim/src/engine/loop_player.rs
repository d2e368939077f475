//! LoopPlayer.*: jobs are accepted or refused. `LoopPlayer.Error` reports a job that cannot run.

use serde::Deserialize;

use super::call::{self, Answer, Call, Refusal};
use super::state::Engine;
use crate::number::push_text;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Start {
    name: String,
    files: Vec<File>,
    #[serde(default)]
    start_time: Option<f64>,
    #[serde(default, rename = "RefID")]
    ref_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    name: String,
    #[serde(default)]
    mode: Option<String>,
    output: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stop {
    name: String,
    #[allow(dead_code)] // its being a list of integers is what is checked
    outputs: Vec<i64>,
}

impl Engine {
    pub(super) fn loop_player_start(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: Start = call.read()?;
        self.visible(&wanted.name)?;
        if wanted.files.is_empty() {
            return Err(Refusal::params("`Files` is empty"));
        }
        for file in &wanted.files {
            let mode = file.mode.as_deref().unwrap_or("mono");
            if file.name.is_empty() || file.output < 1 || !["mono", "stereo"].contains(&mode) {
                return Err(Refusal::params(
                    "each of `Files` needs a `Name`, an `Output` from 1, and mono or stereo as `Mode`",
                ));
            }
        }
        let (_, second_of_day) = self.wall_clock();
        let in_past = wanted
            .start_time
            .is_some_and(|start| start >= 0.0 && start < second_of_day);
        if let (true, Some(ref_id)) = (in_past, &wanted.ref_id) {
            let mut frame =
                b"{\"jsonrpc\":\"2.0\",\"method\":\"LoopPlayer.Error\",\"params\":{\"Error\":\"JobInPast\","
                    .to_vec();
            let capitals = self.options.points.error_spells_ref_id_in_capitals;
            frame.extend_from_slice(if capitals {
                b"\"RefID\":"
            } else {
                b"\"RefId\":"
            });
            push_text(&mut frame, ref_id);
            frame.extend_from_slice(b"}}");
            self.later(call.connection, call::finish(frame));
        }
        Ok(Answer::Plain(self.options.points.loop_player_start))
    }

    pub(super) fn loop_player_stop(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: Stop = call.read()?;
        self.visible(&wanted.name)?;
        if self.options.is_emulator {
            return Err(Refusal::new(-32603, "loop players do not run in emulation"));
        }
        Ok(Answer::Plain(self.options.points.loop_player_stop))
    }
}
