//! Loop players: start, stop and cancel jobs.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method};

/// The name of the push about a job that failed.
pub const ERROR: &str = "LoopPlayer.Error";

/// `LoopPlayer.Start`: options stand at the top level; in a file's entry they are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The loop player's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// What to play where.
    #[serde(rename = "Files")]
    pub files: Vec<File>,
    /// Seconds of the day; -1 for now.
    #[serde(rename = "StartTime", default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// Begin again at the end.
    #[serde(rename = "Loop", default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<bool>,
    /// Seconds into the file.
    #[serde(rename = "Seek", default, skip_serializing_if = "Option::is_none")]
    pub seek: Option<f64>,
    /// Write to the Core's log.
    #[serde(rename = "Log", default, skip_serializing_if = "Option::is_none")]
    pub log: Option<bool>,
    /// Comes back in [`JobError`].
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

/// Which of a loop player's outputs to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outputs {
    /// The loop player's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// Outputs, from 1.
    #[serde(rename = "Outputs")]
    pub outputs: Vec<u32>,
    /// Write to the Core's log.
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
    /// The reason's name, e.g. `JobInPast`.
    #[serde(rename = "Error", default)]
    pub error: CompactString,
    /// The job's reference; the spelling differs from the request's.
    #[serde(rename = "RefId", alias = "RefID", default)]
    pub reference: Option<CompactString>,
}
