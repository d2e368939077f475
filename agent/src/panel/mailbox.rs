//! The documents of the plugin's mailbox: what the agent writes for the panel to draw.

mod plain;

use std::borrow::Cow;

use contract::{
    Ack, Agent, Backup, Core, Disk, Events, Job, Message, Point, Range, RequestKind, SCHEMA, Span,
    State, Undo,
};

use crate::moment;
use crate::status::{Status, verdict};
pub(super) use plain::PLAIN;

/// How many backups the panel can offer.
const POINTS: usize = 20;
/// How many gaps go to the panel.
const GAPS: usize = 24;

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
            gaps: newest_gaps(status),
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
        can: RequestKind::ALL.into(),
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
fn newest_gaps(status: &Status) -> Vec<Span> {
    let gaps = status.recoverable.gaps.iter().rev().take(GAPS);
    gaps.map(|gap| Span {
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
pub(crate) fn wire(state: &State, seq: u64, now: i64) -> String {
    let message = Message {
        state: Cow::Borrowed(state),
        seq,
        sent_at: moment::rfc3339(now),
    };
    serde_json::to_string(&message).expect("texts and numbers always have a JSON form")
}

/// The answer as it goes over the wire.
pub(crate) fn ack_wire(ack: &Ack) -> String {
    serde_json::to_string(ack).expect("texts always have a JSON form")
}

/// `done: Backup … made and proved`
pub(crate) fn ack_in_words(ack: &Ack) -> String {
    match ack.text.as_str() {
        "" => ack.result.name().to_owned(),
        text => format!("{}: {text}", ack.result.name()),
    }
}
