//! The documents of the plugin's mailbox: what the agent writes for the panel to draw.

mod plain;

use serde::Serialize;

use super::requests::VERBS;
use crate::jobs::Job;
use crate::moment;
use crate::status::{Status, verdict};
pub(super) use plain::PLAIN;

/// The version of the mailbox documents; the plugin says so when it meets another.
const SCHEMA: u32 = 1;
/// How many backups the panel can offer.
const POINTS: usize = 20;
/// How many gaps go to the panel.
const HOLES: usize = 24;

/// Controls of the plugin that the agent writes or reads.
pub(crate) const STATE: &str = "AgentStateJson";
pub(crate) const REQUEST: &str = "RequestJson";
pub(crate) const ACK: &str = "AckJson";
/// What the plugin says of itself.
pub(crate) const VERSION: &str = "VersionText";

/// The whole state in one value, so that start, reconnect and failover are the same code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct State {
    schema: u32,
    status: u8,
    text: String,
    agent: Agent,
    core: Core,
    recording: bool,
    events: Events,
    backup: Backup,
    recoverable: Range,
    points: Vec<Point>,
    job: Option<Job>,
    /// What may be asked for; the panel greys out the rest.
    can: [&'static str; 5],
    #[serde(rename = "pinRequired")]
    pin_required: bool,
    undo: Undo,
    disk: Option<Disk>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Agent {
    version: String,
    pid: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Core {
    host: Option<String>,
    state: String,
    design: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Events {
    total: u64,
    per_second: f64,
    gaps: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Backup {
    last: Option<String>,
    #[serde(rename = "lastText")]
    last_text: String,
    age_seconds: Option<i64>,
    next: Option<String>,
    #[serde(rename = "nextText")]
    next_text: Option<String>,
    count: usize,
    last_verified: Option<String>,
    #[serde(rename = "verifiedText")]
    verified_text: String,
    /// The newest one is proved, the next one is not overdue, and none has failed since.
    ok: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Range {
    from: Option<String>,
    to: Option<String>,
    #[serde(rename = "fromText")]
    from_text: Option<String>,
    #[serde(rename = "toText")]
    to_text: Option<String>,
    gaps: Vec<Hole>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Hole {
    from: String,
    to: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Undo {
    available: bool,
    /// What it would take back.
    text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Disk {
    text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Point {
    id: String,
    when: String,
    label: String,
}

/// The answer to one request.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ack {
    id: String,
    /// `accepted`, `refused`, `done` or `failed`.
    result: &'static str,
    text: String,
}

impl Ack {
    pub(crate) fn new(id: String, result: &'static str, text: String) -> Self {
        Self { id, result, text }
    }

    pub(crate) fn wire(&self) -> String {
        serde_json::to_string(self).expect("texts always have a JSON form")
    }

    /// `done: Backup … made and proved`
    pub(crate) fn in_words(&self) -> String {
        match self.text.as_str() {
            "" => self.result.to_owned(),
            text => format!("{}: {text}", self.result),
        }
    }
}

/// Draws the mailbox state from the status.
pub(crate) fn state(
    status: &Status,
    backups: &[backup::BackupInfo],
    job: Option<Job>,
    undo: Option<String>,
    pin_required: bool,
) -> State {
    let (level, text) = verdict(status);
    let newest = backups.first();
    let proved = backups.iter().find(|backup| backup.verified);
    State {
        schema: SCHEMA,
        status: level.qsys(),
        text,
        agent: Agent {
            version: status.agent.version.clone(),
            pid: status.agent.pid,
        },
        core: Core {
            host: status.core.host.clone(),
            state: status.core.state.clone(),
            design: status.core.design.clone(),
        },
        recording: status.recording,
        events: Events {
            total: status.events.total,
            per_second: (status.events.per_second * 10.0).round() / 10.0,
            gaps: status.events.gaps,
        },
        backup: Backup {
            last: status.backup.last.clone(),
            last_text: newest.map_or_else(|| "none yet".to_owned(), describe),
            age_seconds: status.backup.age_seconds.map(|age| age as i64),
            next: status.backup.next.clone(),
            next_text: local(status.backup.next.as_deref()),
            count: status.backup.count,
            last_verified: status.backup.last_verified.clone(),
            verified_text: proved.map_or_else(
                || "nothing proved yet".to_owned(),
                |backup| format!("read back {}", moment::local(backup.created_at_ms)),
            ),
            ok: newest.is_some_and(|backup| backup.verified)
                && status.backup.problem.is_none()
                && !status.backup.overdue,
        },
        recoverable: Range {
            from: status.recoverable.from.clone(),
            to: whole_second(status.recoverable.to.as_deref()),
            from_text: local(status.recoverable.from.as_deref()),
            to_text: local(status.recoverable.to.as_deref()),
            gaps: newest_holes(status),
        },
        points: backups
            .iter()
            .filter(|backup| backup.verified)
            .take(POINTS)
            .map(|backup| Point {
                id: backup.id.clone(),
                when: moment::local(backup.created_at_ms),
                label: events(backup),
            })
            .collect(),
        job,
        can: VERBS,
        pin_required,
        undo: Undo {
            available: undo.is_some(),
            text: undo.unwrap_or_default(),
        },
        disk: status.store.free_bytes.map(|free| Disk {
            text: format!("{} free", crate::output::bytes(free)),
        }),
    }
}

/// The range grows with every commit; the panel is told once a second.
fn whole_second(time: Option<&str>) -> Option<String> {
    let moment = moment::parse(time?).ok()?;
    Some(moment::rfc3339(moment - moment.rem_euclid(1000)))
}

/// The agent's local time, as people at the panel read it.
fn local(time: Option<&str>) -> Option<String> {
    let moment = moment::parse(time?).ok()?;
    Some(moment::local(moment))
}

/// The newest gaps; a panel draws a bar, not a list.
fn newest_holes(status: &Status) -> Vec<Hole> {
    let gaps = status.recoverable.gaps.iter().rev().take(HOLES);
    gaps.map(|gap| Hole {
        from: gap.from.clone(),
        to: gap.to.clone(),
    })
    .collect()
}

fn describe(backup: &backup::BackupInfo) -> String {
    format!(
        "{}, {}, {}",
        moment::local(backup.created_at_ms),
        events(backup),
        crate::output::bytes(backup.bytes),
    )
}

fn events(backup: &backup::BackupInfo) -> String {
    match backup.events {
        Some(number) => crate::output::events(number),
        None => "events not counted".to_owned(),
    }
}

/// What a text control holds.
pub(super) fn text_of(reading: &qrc::Reading) -> String {
    match (&reading.string, &reading.value) {
        (Some(text), _) | (None, Some(qrc::Value::Text(text))) => text.to_string(),
        _ => String::new(),
    }
}

/// The state as it goes over the wire, with the counter and the time of sending.
pub(crate) fn wire(state: &State, seq: u64, now: i64) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Sent<'a> {
        #[serde(flatten)]
        state: &'a State,
        seq: u64,
        #[serde(rename = "sentAt")]
        sent_at: String,
    }
    serde_json::to_string(&Sent {
        state,
        seq,
        sent_at: moment::rfc3339(now),
    })
}
