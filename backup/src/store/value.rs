//! A control's value as the Core gave it.

use compact_str::CompactString;

/// What a control holds. The store keeps it to the bit, `-0.0` included.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, finite.
    Number(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(CompactString),
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Value {
        Value::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}
