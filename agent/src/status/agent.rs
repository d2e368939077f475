//! The agent itself.

use serde::{Deserialize, Serialize};

use super::level::Trouble;
use crate::context::Context;
use crate::settings::Settings;
use crate::store_user::StoreUser;

/// The process that records.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Agent {
    pub(crate) running: bool,
    pub(crate) pid: Option<u32>,
    pub(crate) version: String,
    pub(crate) sqlite: String,
    /// The command that has the store while no agent runs, such as an import; an agent that starts waits for its end.
    pub(crate) waits_for: Option<String>,
    /// What the disks cannot do that was asked of them, and what is done instead.
    pub(crate) lesser_ways: Vec<String>,
    /// Why requests cannot be written down, if they cannot.
    pub(crate) audit_problem: Option<String>,
}

impl Agent {
    /// As the store's files tell.
    pub(super) fn of_files(settings: &Settings) -> Self {
        // Where the lock may not be looked at, the store's own section says so.
        let user = StoreUser::of(&settings.store.path).ok().flatten();
        Self {
            waits_for: user.filter(|user| user.is_command()).map(StoreUser::does),
            ..Self::absent()
        }
    }

    fn absent() -> Self {
        Self {
            running: false,
            pid: None,
            waits_for: None,
            lesser_ways: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sqlite: backup::sqlite_version().to_owned(),
            audit_problem: None,
        }
    }

    pub(super) fn running(context: &Context) -> Self {
        Self {
            running: true,
            pid: Some(std::process::id()),
            lesser_ways: backup::lesser_ways()
                .iter()
                .map(ToString::to_string)
                .collect(),
            audit_problem: context.audit.problem(),
            ..Self::absent()
        }
    }

    /// That a disk is asked for less than it should give: no trouble, but to be known.
    pub(super) fn lesser_way(&self) -> String {
        match &self.lesser_ways[..] {
            [] => String::new(),
            [way] => format!(" ({way})"),
            [first, more @ ..] => format!(" ({first}; {} more)", more.len()),
        }
    }

    pub(super) fn troubles(&self) -> Vec<Trouble> {
        if !self.running {
            let text = match &self.waits_for {
                Some(command) => {
                    format!(
                        "Not recording: {command} the store; an agent that starts waits for its end"
                    )
                }
                None => "Not recording: no agent is running".to_owned(),
            };
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
