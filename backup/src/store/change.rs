//! A change as callers hand it over, and which changes no day file can hold.

use crate::store::id::EventId;
use crate::store::names::SeriesId;
use crate::store::value::Value;

/// The longest string or text value that is stored; longer ones are quarantined.
pub(crate) const TEXT_LIMIT: usize = 1 << 20;

/// One control's new content, as handed to the recorder.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which control.
    pub series: SeriesId,
    /// The value, where the Core gave one. Numbers must be finite.
    pub value: Option<Value>,
    /// The text a panel would show.
    pub string: Option<compact_str::CompactString>,
    /// The position 0 to 1.
    pub position: Option<f64>,
}

impl Change {
    /// Bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        let value = match &self.value {
            Some(Value::Text(text)) => text.len(),
            _ => 0,
        };
        value + self.string.as_ref().map_or(0, |string| string.len())
    }
}

/// A change with its identity.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: EventId,
    pub(crate) at_ms: i64,
    pub(crate) change: Change,
}

/// What of a change no day file can hold, in words.
pub(crate) fn unstorable(row: &Row) -> Option<String> {
    let change = &row.change;
    let string = change.string.as_deref();
    unstorable_content(row.at_ms, change.value.as_ref(), string, change.position)
}

/// The same of the content alone, wherever it comes from.
pub(crate) fn unstorable_content(
    at_ms: i64,
    value: Option<&Value>,
    string: Option<&str>,
    position: Option<f64>,
) -> Option<String> {
    if !(0..=EventId::MAX_MS).contains(&at_ms) {
        return Some(format!(
            "found time {at_ms} ms, expected a time between 1970 and 9999"
        ));
    }
    match value {
        Some(Value::Number(n)) if !n.is_finite() => {
            return Some(format!("found value {n}, expected a finite number"));
        }
        Some(Value::Text(text)) if text.len() > TEXT_LIMIT => return Some(too_long("value", text)),
        _ => {}
    }
    match (position, string) {
        (Some(p), _) if !p.is_finite() => {
            Some(format!("found position {p}, expected a finite number"))
        }
        (_, Some(text)) if text.len() > TEXT_LIMIT => Some(too_long("string", text)),
        _ => None,
    }
}

fn too_long(what: &str, text: &str) -> String {
    format!(
        "found a {what} of {} bytes, expected at most {TEXT_LIMIT}",
        text.len()
    )
}
