//! A request as it is written, and what it says of itself.

use serde::Deserialize;

use crate::moment;

/// What a request may ask for, as it is written.
pub(crate) const VERBS: [&str; 5] = ["backup", "verify", "preview", "restore", "undo"];

/// What the panel may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Backup,
    Verify,
    /// What a restore would do.
    Preview(Target),
    /// Armed and confirmed on the panel.
    Restore(Target),
    Undo,
}

/// What to restore to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A backup's id.
    Backup(String),
    /// A moment, Unix milliseconds.
    Moment(i64),
}

impl Kind {
    /// One of [`VERBS`].
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Verify => "verify",
            Self::Preview(_) => "preview",
            Self::Restore(_) => "restore",
            Self::Undo => "undo",
        }
    }
}

/// What a request says of itself, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Empty where it cannot be read.
    pub(crate) id: String,
    /// One of [`VERBS`]; `request` where it is none of them or cannot be read.
    pub(crate) what: &'static str,
    /// The backup or the moment.
    pub(crate) about: String,
    /// Its time, Unix milliseconds by the Core's clock.
    pub(crate) at_ms: Option<i64>,
}

/// What a request is called that does not say what it is.
const UNREADABLE: &str = "request";

/// The plugin makes short ids.
const LONGEST_ID: usize = 64;
/// The plugin's requests are below 1 kB.
const LONGEST_REQUEST: usize = 16 * 1024;

/// A request's members.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) at: String,
    pub(super) point_id: Option<String>,
    pub(super) moment: Option<String>,
    pub(super) armed: Option<bool>,
    pub(super) pin_proof: Option<String>,
}

impl Wire {
    /// Reads what lies in the mailbox; nothing where it is empty, else why it cannot be read.
    pub(super) fn read(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > LONGEST_REQUEST {
            return Err("the request is too long".to_owned());
        }
        // The error's own words would quote what was typed, in the log too: it may be a PIN.
        let wire: Self = serde_json::from_str(text).map_err(|error| {
            format!(
                "the request cannot be read: {} in column {}",
                match error.classify() {
                    serde_json::error::Category::Data => "a member is missing or of another type",
                    _ => "it is no JSON",
                },
                error.column()
            )
        })?;
        if wire.id.is_empty() || wire.id.len() > LONGEST_ID {
            return Err("the request's id is empty or too long".to_owned());
        }
        Ok(Some(wire))
    }

    pub(super) fn claim(&self) -> Claim {
        let verb = VERBS.iter().find(|verb| **verb == self.kind);
        let at = self.at.parse::<jiff::Timestamp>();
        let moment = |text: &String| match moment::parse(text) {
            Ok(at) => format!("at {}", moment::rfc3339(at)),
            Err(_) => format!("at {}", shorten(text)),
        };
        let point = self.point_id.as_deref().map(shorten);
        Claim {
            id: self.id.clone(),
            what: verb.copied().unwrap_or(UNREADABLE),
            about: (point.or(self.moment.as_ref().map(moment))).unwrap_or_default(),
            at_ms: at.ok().map(|at| at.as_millisecond()),
        }
    }

    /// What to restore to.
    pub(super) fn target(&self) -> Result<Target, String> {
        match (&self.point_id, &self.moment) {
            (Some(id), None) => Ok(Target::Backup(id.clone())),
            (None, Some(moment)) => moment::parse(moment).map(Target::Moment),
            _ => Err("it names no backup and no moment, or both".to_owned()),
        }
    }
}

impl Claim {
    /// Of a request that cannot be read.
    pub(super) fn unreadable() -> Self {
        Self {
            what: UNREADABLE,
            ..Self::default()
        }
    }
}

pub(super) fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}
