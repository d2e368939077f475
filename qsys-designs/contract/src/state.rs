//! What the agent tells the panel: the document in [`control::STATE`](crate::control::STATE).
//!
//! Moments are RFC 3339 texts; a member whose name ends in `Text` is for people, by the agent's local time.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::RequestKind;

/// The version of the documents; the plugin tells people when it meets another.
pub const SCHEMA: u32 = 1;

/// The state as it is sent: with what is new each time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// What is told.
    #[serde(flatten)]
    pub state: Cow<'a, State>,
    /// Counts the messages of one agent.
    pub seq: u64,
    /// When it was sent.
    #[serde(rename = "sentAt")]
    pub sent_at: String,
}

/// The whole state in one value, so that start, reconnect and failover are the same code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The overall state as a Status control counts: 0 OK, 1 compromised, 2 fault, 3 not present,
    /// 4 missing, 5 initializing.
    pub status: u8,
    /// The overall state in one sentence.
    pub text: String,
    /// The agent.
    pub agent: Agent,
    /// The Core that it records.
    pub core: Core,
    /// Changes are recorded now.
    pub recording: bool,
    /// What is stored.
    pub events: Events,
    /// The backups.
    pub backup: Backup,
    /// Which moments a restore can reach.
    pub recoverable: Range,
    /// Backups to choose from, the newest first.
    pub points: Vec<Point>,
    /// The job that runs now.
    pub job: Option<Job>,
    /// What may be asked for; the panel greys out the rest.
    pub can: Vec<RequestKind>,
    /// Restore and undo ask for a PIN.
    #[serde(rename = "pinRequired")]
    pub pin_required: bool,
    /// What undo would do.
    pub undo: Undo,
    /// The store's disk.
    pub disk: Option<Disk>,
}

/// The agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: Option<u32>,
}

/// The Core that is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Core {
    /// Its address.
    pub host: Option<String>,
    /// Active, standby or idle, in the Core's own words; or that there is no link.
    pub state: String,
    /// The design that it runs.
    pub design: Option<String>,
}

/// What is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// How many events.
    pub total: u64,
    /// How many come in.
    pub per_second: f64,
    /// How many gaps.
    pub gaps: u64,
}

/// The backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// When the newest was made.
    pub last: Option<String>,
    /// The newest in words.
    #[serde(rename = "lastText")]
    pub last_text: String,
    /// How old the newest is.
    pub age_seconds: Option<i64>,
    /// When the next is due.
    pub next: Option<String>,
    /// The same for people.
    #[serde(rename = "nextText")]
    pub next_text: Option<String>,
    /// How many there are.
    pub count: usize,
    /// When the newest proved one was proved.
    pub last_verified: Option<String>,
    /// The same in words.
    #[serde(rename = "verifiedText")]
    pub verified_text: String,
    /// The newest one is proved, the next one is not overdue, and none has failed since.
    pub ok: bool,
}

/// Which moments a restore can reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first.
    pub from: Option<String>,
    /// The last.
    pub to: Option<String>,
    /// The first, for people.
    #[serde(rename = "fromText")]
    pub from_text: Option<String>,
    /// The last, for people.
    #[serde(rename = "toText")]
    pub to_text: Option<String>,
    /// The newest of the spans between them that it cannot reach.
    pub gaps: Vec<Span>,
}

/// A span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its first moment.
    pub from: String,
    /// Its last moment.
    pub to: String,
}

/// A backup that can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// What a request names.
    pub id: String,
    /// When it was made, for people.
    pub when: String,
    /// What it holds.
    pub label: String,
}

/// A job of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Another for each job.
    pub id: String,
    /// What it does: a [`RequestKind`]'s name, or a job that no panel asks for.
    pub kind: String,
    /// How far it has come.
    pub state: JobState,
    /// How much of the present step is done.
    pub percent: u8,
    /// The present step, or how it ended.
    pub text: String,
    /// The agent runs it by itself: what a person asks for meanwhile waits for its end.
    pub own: bool,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It runs.
    Running,
    /// It has ended well.
    Done,
    /// It has ended badly.
    Failed,
}

/// What undo would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// There is something to take back.
    pub available: bool,
    /// What it would take back.
    pub text: String,
}

/// The store's disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// How much is free.
    pub text: String,
}
