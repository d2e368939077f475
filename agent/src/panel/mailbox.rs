//! The documents that the agent writes into the plugin's mailbox for the panel to draw.

use std::borrow::Cow;

use contract::{
    Ack, Agent, Backup, Core, Disk, Events, Job, Message, Point, Range, RequestKind, SCHEMA, Span,
    State, Undo,
};

use crate::moment::Moment;
use crate::status::{Status, verdict};

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
    let (level, sentence) = verdict(status);
    let newest = backups.first();
    let proved = backups.iter().find(|backup| backup.verified);
    State {
        schema: SCHEMA,
        status: level.qsys(),
        text: sentence,
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
            last: text(status.backup.last),
            last_text: newest.map_or_else(|| "none yet".to_owned(), describe),
            age_seconds: status.backup.age_seconds.map(|age| age.0 as i64),
            next: text(status.backup.next),
            next_text: status.backup.next.map(Moment::local),
            count: status.backup.count,
            last_verified: text(status.backup.last_verified),
            verified_text: proved.map_or_else(
                || "nothing proved yet".to_owned(),
                |backup| format!("read back {}", Moment::at(backup.created_at_ms).local()),
            ),
            ok: status.backup.ok,
        },
        recoverable: Range {
            from: text(status.recoverable.from),
            to: status.recoverable.to.map(whole_second),
            from_text: status.recoverable.from.map(Moment::local),
            to_text: status.recoverable.to.map(Moment::local),
            gaps: newest_gaps(status),
        },
        points: backups
            .iter()
            .filter(|backup| backup.verified)
            .take(POINTS)
            .map(|backup| Point {
                id: backup.id.clone(),
                when: Moment::at(backup.created_at_ms).local(),
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
            text: format!("{} free", crate::words::bytes(free)),
        }),
    }
}

/// A moment as the mailbox has it.
fn text(moment: Option<Moment>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}

/// The range grows with every commit; the panel gets it once a second.
fn whole_second(moment: Moment) -> String {
    moment.whole_second().to_string()
}

/// The newest gaps; a panel draws a bar, not a list.
fn newest_gaps(status: &Status) -> Vec<Span> {
    let gaps = status.recoverable.gaps.iter().rev().take(GAPS);
    gaps.map(|gap| Span {
        from: gap.from.to_string(),
        to: gap.to.to_string(),
    })
    .collect()
}

fn describe(backup: &backup::BackupInfo) -> String {
    format!(
        "{}, {}, {}",
        Moment::at(backup.created_at_ms).local(),
        events(backup),
        // A panel's line breaks between words; a number keeps its unit.
        crate::words::bytes(backup.bytes).replace(' ', "\u{a0}"),
    )
}

fn events(backup: &backup::BackupInfo) -> String {
    match backup.events {
        Some(number) => crate::words::events(number),
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
        sent_at: Moment::at(now).to_string(),
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
