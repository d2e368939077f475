//! The lines that a caller and the agent write.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::audit::Act;
use crate::failure::{Failure, Kind};
use crate::jobs::Step;
use crate::site::{RestoreRequest, UndoRequest};

/// The caller's line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    #[serde(flatten)]
    pub(super) request: Request,
    /// Whether the caller wants to read the job's progress.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) progress: bool,
}

/// What the command line asks a running agent to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub(crate) enum Request {
    Status,
    Backup,
    Restore(RestoreRequest),
    Undo(UndoRequest),
    Import {
        files: Vec<PathBuf>,
    },
    Prune {
        dry_run: bool,
        /// The clock is right, whatever the archive knows.
        #[serde(default)]
        force: bool,
    },
}

impl Request {
    /// What it asks for, in a word.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Backup => "backup",
            Self::Restore(_) => "restore",
            Self::Undo(_) => "undo",
            Self::Import { .. } => "import",
            Self::Prune { .. } => "prune",
        }
    }

    /// What the audit calls it; `None` where nothing can change.
    pub(crate) fn act(&self) -> Option<Act> {
        let about = match self {
            Self::Status | Self::Prune { dry_run: true, .. } => return None,
            Self::Backup | Self::Prune { force: false, .. } => String::new(),
            Self::Restore(request) => request.in_words(),
            Self::Undo(request) => request.in_words(),
            Self::Import { files } => {
                let names = files.iter().map(|file| file.display().to_string());
                names.collect::<Vec<_>>().join(", ")
            }
            Self::Prune { force: true, .. } => "the clock is right".to_owned(),
        };
        let what = self.what();
        Some(Act { what, about })
    }
}

/// Who called: the user, and the process where the system tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) user: u32,
    pub(crate) process: Option<i32>,
}

/// A line of the agent: the last one is the reply.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    Progress(Step),
    Done(serde_json::Value),
    Failed {
        message: String,
        hint: Option<String>,
        /// The exit code; an agent of an older version does not tell it.
        #[serde(default = "failed")]
        code: u8,
        /// An agent of an older version does not tell it.
        #[serde(default)]
        kind: Kind,
        /// The file that is damaged, where that is the reason and JSON can hold its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        damaged: Option<PathBuf>,
    },
}

fn failed() -> u8 {
    1
}

impl From<Result<serde_json::Value, Failure>> for Reply {
    fn from(outcome: Result<serde_json::Value, Failure>) -> Self {
        match outcome {
            Ok(value) => Self::Done(value),
            Err(failure) => Self::Failed {
                message: failure.message().to_owned(),
                hint: failure.next_step().map(str::to_owned),
                code: failure.code(),
                kind: failure.kind(),
                damaged: (failure.damaged_file())
                    .filter(|file| file.to_str().is_some())
                    .map(PathBuf::from),
            },
        }
    }
}

impl Reply {
    pub(super) fn line(&self) -> std::io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// Requests are short: a longer line is not a request of this program.
pub(super) const LONGEST_REQUEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_of_another_version_is_understood() {
        for (line, expected) in [
            (r#"{"failed":{"message":"m","hint":null}}"#, Kind::Other),
            (
                r#"{"failed":{"message":"m","hint":"h","code":1,"kind":"busy"}}"#,
                Kind::Busy,
            ),
            (
                r#"{"failed":{"message":"m","hint":"h","code":1,"kind":"too-new"}}"#,
                Kind::Other,
            ),
        ] {
            let reply: Reply = serde_json::from_str(line).unwrap();
            assert!(
                matches!(reply, Reply::Failed { kind, code: 1, .. } if kind == expected),
                "{reply:?}"
            );
        }
    }
}
