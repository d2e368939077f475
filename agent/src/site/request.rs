//! A restore or an undo as it was asked for.

use serde::{Deserialize, Serialize};

use super::source::Source;
use crate::moment::Moment;

/// A restore as it was asked for; times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RestoreRequest {
    pub(crate) from: Source,
    pub(crate) at: Option<i64>,
    /// Which time is meant, where the moment happened more than once.
    #[serde(default)]
    pub(crate) time: Option<usize>,
    pub(crate) keep_newer: bool,
    pub(crate) force: bool,
}

/// An undo as it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UndoRequest {
    /// Its number; the newest restore where none is named.
    pub(crate) step: Option<u64>,
    /// Drops what was recorded since.
    pub(crate) force: bool,
}

impl UndoRequest {
    /// `step 3, forced`
    pub(crate) fn in_words(&self) -> String {
        let step = self.step.map(|step| format!("step {step}"));
        let forced = self.force.then(|| "forced".to_owned());
        step.into_iter()
            .chain(forced)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl RestoreRequest {
    /// `latest, at 2026-11-23T19:55:00.000Z, forced`
    pub(crate) fn in_words(&self) -> String {
        let mut words = self.from.to_string();
        if let Some(at) = self.at {
            words.push_str(&format!(", at {}", Moment::at(at)));
            if let Some(time) = self.time {
                words.push_str(&format!("@{time}"));
            }
        }
        for (said, word) in [
            (self.keep_newer, ", keeping newer"),
            (self.force, ", forced"),
        ] {
            if said {
                words.push_str(word);
            }
        }
        words
    }
}
