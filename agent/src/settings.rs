//! What was set: the defaults; over them the original's `qsys-core.config.json`, then `qsys-agent.toml`, then `.env`,
//! then the environment. Flags come last, in the commands.

mod environment;
mod file;
mod folders_apart;
mod original;
mod place;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backup::{Policy, Retention};

use crate::failure::{Failure, Outcome};
use crate::schedule::{Schedule, When};
use place::Place;

/// The original's file, read where it lies beside the settings file.
const ORIGINAL_FILE: &str = "qsys-core.config.json";
/// The original's users keep its variables here, beside the settings file; the environment outranks it.
const DOTENV_FILE: &str = ".env";

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) core: Core,
    pub(crate) record: Record,
    pub(crate) store: Store,
    pub(crate) backup: Backup,
    pub(crate) panel: Panel,
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
    /// QRC cannot list Named Controls, so they are named here.
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

/// The plugin's component in the design, and what stands in for it.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) code_name: String,
    /// Plain Named Controls that begin so show the status, too; empty: none.
    pub(crate) named_control_prefix: String,
    /// Restore and undo from the panel ask for it, where it is set.
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
            files: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads all layers. `config` is the file that the user named, if any. All paths are absolute afterwards, so they
    /// mean the same to whoever is told of them.
    pub(crate) fn load(config: Option<&Path>) -> Outcome<Self> {
        let place = Place::of(config)?;
        let mut settings = Self::default();
        settings.store.path = place.path(&settings.store.path);
        settings.backup.path = place.path(&settings.backup.path);
        if let Some(original) = place.beside(ORIGINAL_FILE) {
            original::apply(&mut settings, &original)?;
            settings.files.push(original);
        }
        if let Some(file) = &place.file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Failure::usage(format!(
                    "cannot read settings file {}: {error}",
                    file.display()
                ))
                .hint("name another with --config, or leave --config out to use the defaults")
            })?;
            file::apply(&mut settings, &place, file, &text)?;
            settings.files.push(file.clone());
        }
        if let Some(dotenv) = place.beside(DOTENV_FILE) {
            environment::apply_file(&mut settings, &place, &dotenv)?;
            settings.files.push(dotenv);
        }
        environment::apply_process(&mut settings)?;
        folders_apart::check(&settings.store.path, &settings.backup.path)?;
        Ok(settings)
    }
}
