//! What a command says when it fails: one sentence, the next step, the exit code.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use crate::advice;
use crate::moment::Moment;

/// What kind of failure it is, where a caller acts on that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Somebody else is at work: it is worth trying again soon.
    Busy,
    /// No restore was made that could be taken back.
    NothingToUndo,
    /// There is no backup that restores.
    NoBackup,
    /// The work was not done at its deadline.
    TooLate,
    /// The record is another store's.
    OtherStore,
    /// A file is damaged, altered or missing.
    Finding,
    /// Any other, also one that only a newer version knows.
    #[default]
    #[serde(other)]
    Other,
}

impl Kind {
    fn of(error: &backup::Error) -> Self {
        use backup::Error;
        match error {
            Error::Busy { .. } => Self::Busy,
            Error::NothingToUndo { .. } => Self::NothingToUndo,
            Error::NoBackup { .. } => Self::NoBackup,
            Error::TooLate { .. } => Self::TooLate,
            Error::OtherStore { .. } => Self::OtherStore,
            Error::Found(_) => Self::Finding,
            error if error.damaged_file().is_some() => Self::Finding,
            _ => Self::Other,
        }
    }
}

/// Why a command ended early, as its user reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    hint: Option<String>,
    damaged: Option<PathBuf>,
    code: u8,
}

/// The result of everything that a command does.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// What was asked for failed: exit code 1.
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self {
            kind: Kind::Other,
            message: message.to_string(),
            hint: None,
            damaged: None,
            code: 1,
        }
    }

    /// The command line or the settings are wrong: exit code 2.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            code: 2,
            ..Self::failed(message)
        }
    }

    /// The same as one of this kind.
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The same with the exit code that another process told.
    pub(crate) fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Adds the next step to take.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Says which file is damaged, where that is the reason.
    pub(crate) fn damaged(mut self, file: Option<&Path>) -> Self {
        self.damaged = file.map(Path::to_owned);
        self
    }

    /// What kind it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// True where somebody else was at work: it is worth trying again soon.
    pub(crate) fn is_busy(&self) -> bool {
        self.kind == Kind::Busy
    }

    /// The file that is damaged.
    pub(crate) fn damaged_file(&self) -> Option<&Path> {
        self.damaged.as_deref()
    }

    /// The sentence without the hint.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The next step, where one is known.
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// 1 for a failure, 2 for wrong usage.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// The same for the system.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl From<backup::Error> for Failure {
    /// The only place that puts the library's errors into the words of the program.
    fn from(error: backup::Error) -> Self {
        let text = match &error {
            // As it was typed: in local time.
            backup::Error::Unreachable(moment) => {
                moment.in_words(|ms| Moment::at(ms).local_with_offset())
            }
            other => other.to_string(),
        };
        let failure = Self::failed(text)
            .of_kind(Kind::of(&error))
            .damaged(error.damaged_file());
        match verbs(&error).or(error.hint().map(str::to_owned)) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The next step, where it is a command of this program.
fn verbs(error: &backup::Error) -> Option<String> {
    use backup::{Error, RecordIn};
    match error {
        Error::NoBackup { .. } => Some(format!("make one with `{}`", advice::command("backup"))),
        Error::Unreachable(_) => Some(format!(
            "choose such a moment for --at; `{}` shows what each backup holds",
            advice::command("list")
        )),
        Error::NothingToUndo { .. } => Some(format!(
            "only the last restore can be taken back; `{}` shows whether there was one",
            advice::command("audit")
        )),
        Error::Foreign { .. } => Some(format!(
            "databases of the original agent can be read with `{}`",
            advice::command("import")
        )),
        Error::Full { .. } => Some(format!(
            "free 64 MB on that disk beside what this takes; a smaller `keep` and `{}` shrink an archive",
            advice::command("prune")
        )),
        Error::OtherStore {
            within: RecordIn::Archive,
            ..
        } => Some(format!(
            "set another folder for this store's backups (EVENT_BACKUP_PATH), or take the archive's record over with `{}`",
            advice::command("restore latest --force")
        )),
        Error::OtherStore {
            within: RecordIn::File,
            ..
        } => Some(format!(
            "add its events with `{}`, or put it in place of the day with --force (`{}` takes it back)",
            advice::command("import"),
            advice::command("undo")
        )),
        Error::OtherStore {
            within: RecordIn::DayFile,
            ..
        } => Some(format!(
            "move it out of the store's folder, where a running agent has not set it aside; `{}` then adds its events to this store",
            advice::command("import")
        )),
        Error::OtherStore {
            within: RecordIn::Backup,
            ..
        } => Some(format!(
            "restore into another folder with --target, or have the store become that one with --force (`{}` takes it back)",
            advice::command("undo")
        )),
        Error::OtherAgent { .. } => Some(
            "stop that agent and wait two minutes, or set another folder for this one's backups (EVENT_BACKUP_PATH)"
                .to_owned(),
        ),
        _ => None,
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_at_work_in_the_archive_is_told_from_other_trouble() {
        let busy = backup::Error::Busy {
            path: PathBuf::from("backups/.readers"),
            who: "a verification or restore",
            pid: Some(42),
        };
        assert!(Failure::from(busy).is_busy());
        assert!(!Failure::failed("no room").is_busy());
    }
}
