//! What is stored: which control, when, and what it held.

use std::sync::Arc;

use compact_str::CompactString;

use crate::store::id::EventId;
use crate::store::value::Value;

/// All the repeating text of an event: which control, watched by which change group, seen through which source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Series {
    /// The change group that watches it; may be empty.
    pub change_group: CompactString,
    /// `Component.control`, or a Named Control's name. The same control always has the same path.
    pub path: CompactString,
    /// The component; empty for a Named Control.
    pub component: CompactString,
    /// The control's own name.
    pub control: CompactString,
    /// Who reported the change.
    pub source: CompactString,
}

/// A change as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Identity and place in the order of all events.
    pub id: EventId,
    /// Wall time of the change in Unix milliseconds; differs from `id.ms()` only after a clock step.
    pub at_ms: i64,
    /// Which control.
    pub series: Arc<Series>,
    /// The value, where the Core gave one.
    pub value: Option<Value>,
    /// The text a panel would show, where the Core gave one.
    pub string: Option<CompactString>,
    /// The position 0 to 1, where the Core gave one.
    pub position: Option<f64>,
}

impl Event {
    /// When the row came to be, as SQLite's CURRENT_TIMESTAMP writes it: `YYYY-MM-DD HH:MM:SS`, UTC.
    pub fn created_at(&self) -> String {
        sql_timestamp(self.id.ms())
    }
}

/// `YYYY-MM-DD HH:MM:SS` in UTC.
pub(crate) fn sql_timestamp(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms - ms.rem_euclid(1000)) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => String::new(),
    }
}

/// The wall clock was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockStep {
    /// What it would have shown, Unix milliseconds.
    pub from_ms: i64,
    /// What it showed.
    pub to_ms: i64,
    /// How that is known, in a few words.
    pub how: String,
}

/// A span in which changes may have been missed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gap {
    /// When recording was last known to be complete, Unix milliseconds.
    pub from_ms: i64,
    /// When it was complete again.
    pub to_ms: i64,
    /// Why, in a few words.
    pub why: String,
}
