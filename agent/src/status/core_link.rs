//! The Core, and the link to it.

use serde::{Deserialize, Serialize};

use super::level::Trouble;
use crate::context::Context;
use crate::settings::Settings;

/// The Core that counts: the active one of a pair.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CoreLink {
    pub(crate) host: Option<String>,
    /// `Active`, `Standby` or `Idle` as the Core says; `connecting`, `refused` or
    /// `unknown` as the agent says.
    pub(crate) state: String,
    pub(crate) design: Option<String>,
    /// Why there is no link, in the words of the last failure.
    pub(crate) problem: Option<String>,
    pub(crate) controls: usize,
}

impl CoreLink {
    pub(super) fn unknown(settings: &Settings) -> Self {
        Self {
            host: settings.core.host.clone(),
            state: "unknown".to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn of_agent(context: &Context) -> Self {
        let (host, link) = context.core.link();
        let (state, design, problem) = match link {
            qrc::Link::Up(core) => (
                core.state.word().to_owned(),
                Some(core.design_name.to_string()),
                None,
            ),
            qrc::Link::Connecting { last_error, .. } => ("connecting".to_owned(), None, last_error),
            qrc::Link::Refused { reason } => ("refused".to_owned(), None, Some(reason)),
            qrc::Link::Closed => ("closed".to_owned(), None, None),
        };
        Self {
            host: Some(host),
            state,
            design,
            problem,
            controls: context.live_facts.controls(),
        }
    }

    pub(super) fn why_not_recording(&self) -> Trouble {
        let why = match (&self.problem, &self.design) {
            (Some(problem), _) => problem,
            (None, Some(_)) => "its controls are still being read",
            (None, None) => "no link yet",
        };
        Trouble::critical(format!("Not recording: Core {} ({why})", self.state))
    }
}
