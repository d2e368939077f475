//! Loop players: start, stop and cancel jobs.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method};

/// The name of the push about a job that failed.
pub const ERROR: &str = "LoopPlayer.Error";

/// `LoopPlayer.Start`. The options belong at the top level; the Core ignores them in a file's
/// entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The loop player's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// What to play, and on which outputs.
    #[serde(rename = "Files")]
    pub files: Vec<File>,
    /// When to start, in seconds since midnight; -1 is now.
    #[serde(rename = "StartTime", default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// Whether to begin again at the end.
    #[serde(rename = "Loop", default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<bool>,
    /// Where in the file to begin, in seconds.
    #[serde(rename = "Seek", default, skip_serializing_if = "Option::is_none")]
    pub seek: Option<f64>,
    /// Whether to write to the Core's log.
    #[serde(rename = "Log", default, skip_serializing_if = "Option::is_none")]
    pub log: Option<bool>,
    /// The job's reference; [`JobError`] repeats it.
    #[serde(rename = "RefID", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<CompactString>,
}

/// One file of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The file's path on the Core.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// `mono` or `stereo`.
    #[serde(rename = "Mode", default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<CompactString>,
    /// The player's output, from 1.
    #[serde(rename = "Output")]
    pub output: u32,
}

impl Method for Start {
    const NAME: &'static str = "LoopPlayer.Start";
    type Reply = Done;
}

/// Which outputs of a loop player to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outputs {
    /// The loop player's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// Outputs, from 1.
    #[serde(rename = "Outputs")]
    pub outputs: Vec<u32>,
    /// Whether to write to the Core's log.
    #[serde(rename = "Log", default, skip_serializing_if = "Option::is_none")]
    pub log: Option<bool>,
}

/// `LoopPlayer.Stop`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stop(pub Outputs);

impl Method for Stop {
    const NAME: &'static str = "LoopPlayer.Stop";
    type Reply = Done;
}

/// `LoopPlayer.Cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cancel(pub Outputs);

impl Method for Cancel {
    const NAME: &'static str = "LoopPlayer.Cancel";
    type Reply = Done;
}

/// The payload of [`ERROR`]: a job that could not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// The name of the reason, for example `JobInPast`.
    #[serde(rename = "Error", default)]
    pub error: CompactString,
    /// The job's reference, spelled differently from the request's.
    #[serde(rename = "RefId", alias = "RefID", default)]
    pub reference: Option<CompactString>,
}
