//! The status for plain controls, a value each: numbers where a lamp can show them, else text.
//!
//! A new lamp is one line here; its sentence comes from the section of the status that it belongs to.

use contract::{State, control};
use qrc::Value;

use crate::status::Status;
use crate::words::count;

/// What there is to show: the status, and the same as the mailbox has it.
pub(super) struct Picture<'a> {
    pub(super) status: &'a Status,
    pub(super) state: &'a State,
}

/// What of it a control shows.
type Shown = fn(&Picture<'_>) -> Value;

/// The plain controls' names, and what each shows. The plugin's control of that name shows the same.
pub(super) const PLAIN: &[(&str, Shown)] = &[
    (control::STATUS, |shown| {
        Value::Number(f64::from(shown.state.status))
    }),
    (control::STATUS_TEXT, |shown| {
        text(&format!(
            "{}: {}",
            word(shown.state.status),
            shown.state.text
        ))
    }),
    (control::RECORDING, |shown| lamp(shown.status.recording)),
    (control::BACKUP_OK, |shown| lamp(shown.state.backup.ok)),
    (control::RECOVERY_RUNNING, |shown| {
        lamp(shown.state.job.is_some())
    }),
    (control::JOB_TEXT, |shown| {
        let job = shown.state.job.as_ref();
        text(&job.map_or_else(String::new, |job| {
            let what = Some(job.text.as_str()).filter(|text| !text.is_empty());
            format!("{} %  {}", job.percent, what.unwrap_or(&job.kind))
        }))
    }),
    (control::LAST_BACKUP, |shown| {
        text(&shown.state.backup.last_text)
    }),
    (control::NEXT_BACKUP, |shown| {
        told(shown.state.backup.next_text.as_deref())
    }),
    (control::LAST_VERIFIED, |shown| {
        text(&shown.state.backup.verified_text)
    }),
    (control::BACKUP_COUNT, |shown| {
        text(&some(shown.state.backup.count as u64, "backup"))
    }),
    (control::RECOVERABLE_FROM, |shown| {
        told(shown.state.recoverable.from_text.as_deref())
    }),
    (control::RECOVERABLE_TO, |shown| {
        told(shown.state.recoverable.to_text.as_deref())
    }),
    (control::EVENTS_RATE, |shown| {
        text(&format!("{:.0} per second", shown.state.events.per_second))
    }),
    (control::EVENTS_TOTAL, |shown| {
        text(&some(shown.state.events.total, "event"))
    }),
    (control::GAPS_TEXT, |shown| {
        text(&some(shown.state.events.gaps, "gap"))
    }),
    (control::DISK_TEXT, |shown| {
        told(shown.state.disk.as_ref().map(|disk| disk.text.as_str()))
    }),
];

/// The state in a word, as Q-SYS names the values of a Status control.
fn word(status: u8) -> &'static str {
    match status {
        0 => "OK",
        1 => "COMPROMISED",
        2 => "FAULT",
        _ => "MISSING",
    }
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn told(text: Option<&str>) -> Value {
    Value::from(text.unwrap_or("not known"))
}

/// A number, since not every kind of control takes a JSON boolean.
fn lamp(on: bool) -> Value {
    Value::Number(f64::from(u8::from(on)))
}

fn some(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number))
}
