//! The same state for plain controls, a value each: numbers where a lamp can show them, else text.

use contract::{State, control};
use qrc::Value;

use crate::words::count;

/// What of the state a control shows.
type Shown = fn(&State) -> Value;

/// The plain controls' names, and what each shows; the plugin's control of that name shows the same.
pub(in crate::panel) const PLAIN: [(&str, Shown); 16] = [
    (control::STATUS, |state| {
        Value::Number(f64::from(state.status))
    }),
    (control::STATUS_TEXT, |state| {
        text(&format!("{}: {}", word(state.status), state.text))
    }),
    (control::RECORDING, |state| lamp(state.recording)),
    (control::BACKUP_OK, |state| lamp(state.backup.ok)),
    (control::RECOVERY_RUNNING, |state| lamp(state.job.is_some())),
    (control::JOB_TEXT, |state| {
        let job = state.job.as_ref();
        text(&job.map_or_else(String::new, |job| {
            let what = Some(job.text.as_str()).filter(|text| !text.is_empty());
            format!("{} %  {}", job.percent, what.unwrap_or(&job.kind))
        }))
    }),
    (control::LAST_BACKUP, |state| text(&state.backup.last_text)),
    (control::NEXT_BACKUP, |state| {
        told(state.backup.next_text.as_deref())
    }),
    (control::LAST_VERIFIED, |state| {
        text(&state.backup.verified_text)
    }),
    (control::BACKUP_COUNT, |state| {
        text(&some(state.backup.count as u64, "backup"))
    }),
    (control::RECOVERABLE_FROM, |state| {
        told(state.recoverable.from_text.as_deref())
    }),
    (control::RECOVERABLE_TO, |state| {
        told(state.recoverable.to_text.as_deref())
    }),
    (control::EVENTS_RATE, |state| {
        text(&format!("{:.0} per second", state.events.per_second))
    }),
    (control::EVENTS_TOTAL, |state| {
        text(&some(state.events.total, "event"))
    }),
    (control::GAPS_TEXT, |state| {
        text(&some(state.events.gaps, "gap"))
    }),
    (control::DISK_TEXT, |state| {
        told(state.disk.as_ref().map(|disk| disk.text.as_str()))
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
