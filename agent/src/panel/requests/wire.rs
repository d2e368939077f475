//! Reads a request as it is written.

use contract::{Request, RequestKind};

use crate::moment::{self, Moment};

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
    /// As it is written in a request.
    pub(super) fn name(&self) -> &'static str {
        let kind = match self {
            Self::Backup => RequestKind::Backup,
            Self::Verify => RequestKind::Verify,
            Self::Preview(_) => RequestKind::Preview,
            Self::Restore(_) => RequestKind::Restore,
            Self::Undo => RequestKind::Undo,
        };
        kind.name()
    }
}

/// What a request says of itself, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Empty where it cannot be read.
    pub(crate) id: String,
    /// The name of its kind; `request` where there is no such kind or it cannot be read.
    pub(crate) what: &'static str,
    /// The backup or the moment.
    pub(crate) about: String,
    /// Its time, Unix milliseconds by the Core's clock.
    pub(crate) at_ms: Option<i64>,
}

/// The name of a request that does not say what it is.
const UNREADABLE: &str = "request";

/// The plugin makes short ids.
const LONGEST_ID: usize = 64;
/// The plugin's requests are below 1 kB.
const LONGEST_REQUEST: usize = 16 * 1024;

/// Reads what lies in the mailbox: nothing if it is empty. The error says why it cannot be read.
pub(super) fn read(text: &str) -> Result<Option<Request>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > LONGEST_REQUEST {
        return Err("the request is too long".to_owned());
    }
    // The error's own words would quote what was typed, also in the log, and that may be a PIN.
    let request: Request = serde_json::from_str(text).map_err(|error| {
        format!(
            "the request cannot be read: {} in column {}",
            match error.classify() {
                serde_json::error::Category::Data => "a member is missing or of another type",
                _ => "it is no JSON",
            },
            error.column()
        )
    })?;
    if request.id.is_empty() || request.id.len() > LONGEST_ID {
        return Err("the request's id is empty or too long".to_owned());
    }
    Ok(Some(request))
}

/// What to restore to.
pub(super) fn target(request: &Request) -> Result<Target, String> {
    match (&request.point_id, &request.moment) {
        (Some(id), None) => Ok(Target::Backup(id.clone())),
        (None, Some(moment)) => moment::parse(moment).map(Target::Moment),
        _ => Err("it names no backup and no moment, or both".to_owned()),
    }
}

impl Claim {
    pub(super) fn of(request: &Request) -> Self {
        let at = request.at.parse::<jiff::Timestamp>();
        let moment = |text: &String| match moment::parse(text) {
            Ok(at) => format!("at {}", Moment::at(at)),
            Err(_) => format!("at {}", shorten(text)),
        };
        let point = request.point_id.as_deref().map(shorten);
        Self {
            id: request.id.clone(),
            what: RequestKind::named(&request.kind).map_or(UNREADABLE, RequestKind::name),
            about: (point.or(request.moment.as_ref().map(moment))).unwrap_or_default(),
            at_ms: at.ok().map(|at| at.as_millisecond()),
        }
    }

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
