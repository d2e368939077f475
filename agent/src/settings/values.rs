//! Everything that can be set, and the defaults.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use backup::{Policy, Retention};

use crate::schedule::{Schedule, When};

/// Everything that can be set, after checking.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) core: Core,
    pub(crate) record: Record,
    pub(crate) store: Store,
    pub(crate) backup: Backup,
    pub(crate) panel: Panel,
    /// The settings file, where there is one.
    pub(crate) file: Option<PathBuf>,
    /// The files that these settings came from; they are part of each backup.
    pub(crate) files: Vec<PathBuf>,
}

/// Which Core to record.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    pub(crate) host: Option<String>,
    pub(crate) port: u16,
    pub(crate) backup_host: Option<String>,
    pub(crate) user: String,
    pub(crate) pin: Option<Pin>,
}

/// What to record, and how often to ask.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Globs on `Component.control` and on Named Controls.
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    /// Named Controls to record: QRC cannot list them.
    pub(crate) named_controls: Vec<String>,
    pub(crate) every: Duration,
    /// Slower or faster rates for some controls: glob, interval.
    pub(crate) rates: Vec<(String, Duration)>,
    pub(crate) meters: bool,
}

/// Where the record lies and when it is committed.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) path: PathBuf,
    pub(crate) retention: Retention,
    pub(crate) commit_events: usize,
    pub(crate) commit_every: Duration,
}

/// Where backups lie, when they are made, how many stay.
#[derive(Debug, Clone)]
pub(crate) struct Backup {
    pub(crate) path: PathBuf,
    pub(crate) keep: Policy,
    pub(crate) schedule: Schedule,
}

/// The plugin's component in the design, and the Named Controls for designs without it.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) code_name: String,
    /// Named Controls whose names begin with this also show the status; none if it is empty.
    pub(crate) named_control_prefix: String,
    /// If it is set, restore and undo on the panel ask for it.
    pub(crate) pin: Option<Pin>,
}

/// A PIN that no log line shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pin(pub(crate) String);

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            core: Core {
                host: None,
                port: 1710,
                backup_host: None,
                user: String::new(),
                pin: None,
            },
            record: Record {
                include: vec!["*".to_owned()],
                exclude: Vec::new(),
                named_controls: Vec::new(),
                every: Duration::from_millis(100),
                rates: Vec::new(),
                meters: false,
            },
            store: Store {
                path: PathBuf::from("data/events"),
                retention: Retention {
                    days: Some(30),
                    bytes: None,
                },
                commit_events: 1000,
                commit_every: Duration::from_millis(100),
            },
            backup: Backup {
                path: PathBuf::from("data/backups"),
                keep: Policy::count(7),
                schedule: Schedule {
                    when: When::Every(Duration::from_secs(86_400)),
                    jitter: Duration::from_secs(60),
                },
            },
            panel: Panel {
                code_name: contract::control::CODE_NAME.to_owned(),
                named_control_prefix: "DR_".to_owned(),
                pin: None,
            },
            file: None,
            files: Vec::new(),
        }
    }
}
