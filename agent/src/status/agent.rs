//! The agent itself.

use serde::{Deserialize, Serialize};

use super::level::Trouble;
use crate::context::Context;

/// The process that records.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Agent {
    pub(crate) running: bool,
    pub(crate) pid: Option<u32>,
    pub(crate) version: String,
    pub(crate) sqlite: String,
    /// Why requests cannot be written down, if they cannot.
    pub(crate) audit_problem: Option<String>,
}

impl Agent {
    pub(super) fn absent() -> Self {
        Self {
            running: false,
            pid: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sqlite: backup::sqlite_version().to_owned(),
            audit_problem: None,
        }
    }

    pub(super) fn running(context: &Context) -> Self {
        Self {
            running: true,
            pid: Some(std::process::id()),
            audit_problem: context.audit.problem(),
            ..Self::absent()
        }
    }

    pub(super) fn troubles(&self) -> Vec<Trouble> {
        if !self.running {
            let text = "Not recording: no agent is running".to_owned();
            return vec![Trouble::critical(text)];
        }
        let audit = self.audit_problem.iter().map(|problem| {
            Trouble::warning(format!(
                "Recording; requests cannot be written down: {problem}"
            ))
        });
        audit.collect()
    }
}
