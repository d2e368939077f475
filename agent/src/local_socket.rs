//! The running agent's door on this machine: the Unix socket `.agent.sock` in the store's folder.
//!
//! A caller writes one line of JSON, the request, and reads lines of JSON up to the reply:
//!
//! ```text
//! > {"verb":"backup","progress":true}
//! < {"progress":{"what":"copying","done":4096,"total":81920}}
//! < {"done":{…}}        or  {"failed":{"message":"…","hint":"…"}}
//! ```
//!
//! Only who asks for `progress` is told of it, so a caller of an older version reads the reply
//! alone, as ever; an older agent passes over the word and tells none. Steps that a caller does
//! not read in time are left out, all but the latest.

mod client;
mod server;
mod steps;

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use client::{Answer, ask};
pub(crate) use server::{Listener, answer_all};
pub(crate) use steps::Steps;

use crate::audit::Act;
use crate::failure::Failure;
use crate::site::RestoreRequest;
use steps::Step;

/// The caller's line.
#[derive(Debug, Serialize, Deserialize)]
struct Call {
    #[serde(flatten)]
    request: Request,
    /// Whether the caller wants to read how the job gets on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    progress: bool,
}

/// What the command line asks a running agent to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub(crate) enum Request {
    Status,
    Backup,
    Restore(RestoreRequest),
    Undo,
    Import { files: Vec<PathBuf> },
    Prune { dry_run: bool },
}

impl Request {
    /// What the audit calls it; `None` where nothing can change.
    pub(crate) fn act(&self) -> Option<Act> {
        let (what, about) = match self {
            Self::Status | Self::Prune { dry_run: true } => return None,
            Self::Backup => ("backup", String::new()),
            Self::Restore(request) => ("restore", request.in_words()),
            Self::Undo => ("undo", String::new()),
            Self::Import { files } => {
                let names = files.iter().map(|file| file.display().to_string());
                ("import", names.collect::<Vec<_>>().join(", "))
            }
            Self::Prune { dry_run: false } => ("prune", String::new()),
        };
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
enum Reply {
    Progress(Step),
    Done(serde_json::Value),
    Failed {
        message: String,
        hint: Option<String>,
    },
}

impl From<Result<serde_json::Value, Failure>> for Reply {
    fn from(outcome: Result<serde_json::Value, Failure>) -> Self {
        match outcome {
            Ok(value) => Self::Done(value),
            Err(failure) => Self::Failed {
                message: failure.message().to_owned(),
                hint: failure.next_step().map(str::to_owned),
            },
        }
    }
}

impl Reply {
    fn line(&self) -> std::io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// Requests are short; a longer line is no request of ours.
const LONGEST_REQUEST: u64 = 64 * 1024;

/// A socket's path may hold 107 bytes, a store's folder more: the folder is opened
/// and the socket named below its descriptor.
struct Address {
    folder: OwnedFd,
    /// Valid while `folder` is open.
    path: PathBuf,
}

impl Address {
    const NAME: &'static str = ".agent.sock";

    fn in_store(store: &Path) -> std::io::Result<Self> {
        let folder = OwnedFd::from(std::fs::File::open(store)?);
        let path = PathBuf::from(format!(
            "/proc/self/fd/{}/{}",
            folder.as_raw_fd(),
            Self::NAME
        ));
        Ok(Self { folder, path })
    }
}
