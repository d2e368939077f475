//! Who asks, in which design, and for what.

use super::user;

/// Who asks, as far as it can be known.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `panel`, `command line` or `schedule`.
    pub(crate) asker: &'static str,
    /// Which Core and control, or which user and process.
    pub(crate) place: String,
    /// The design that runs in the Core, where one is connected.
    pub(crate) design: Option<Design>,
    /// The panel's id of the request.
    pub(crate) request: Option<String>,
    /// The request's own time, Unix milliseconds by the Core's clock.
    pub(crate) asked_ms: Option<i64>,
}

/// A design, as the Core says.
#[derive(Debug, Clone)]
pub(crate) struct Design {
    pub(crate) name: String,
    pub(crate) code: String,
}

impl Asked {
    /// The schedule asks for itself.
    pub(crate) fn by_schedule(design: Option<Design>) -> Self {
        Self {
            asker: "schedule",
            place: String::new(),
            design,
            request: None,
            asked_ms: None,
        }
    }

    /// Somebody at a shell on this machine.
    pub(crate) fn by_command_line(user: u32, process: Option<i32>, design: Option<Design>) -> Self {
        let process = process.map_or_else(String::new, |pid| format!(", process {pid}"));
        Self {
            asker: "command line",
            place: format!("user {}{process}", user::named(user)),
            design,
            request: None,
            asked_ms: None,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// The verb.
    pub(crate) what: &'static str,
    /// The backup, the moment or the files that it is about.
    pub(crate) about: String,
}
