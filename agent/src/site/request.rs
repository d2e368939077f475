//! A restore as it was asked for.

use serde::{Deserialize, Serialize};

use super::source::Source;
use crate::moment::Moment;

/// A restore as it was asked for; times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RestoreRequest {
    pub(crate) from: Source,
    pub(crate) at: Option<i64>,
    pub(crate) keep_newer: bool,
    pub(crate) force: bool,
}

impl RestoreRequest {
    /// `latest, at 2026-11-23T19:55:00.000Z, forced`
    pub(crate) fn in_words(&self) -> String {
        let mut words = self.from.to_string();
        if let Some(at) = self.at {
            words.push_str(&format!(", at {}", Moment::at(at)));
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
