//! Named Controls: read and written by the name in Designer's Named Controls pane.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method, NamedReading};
use crate::value::Value;

/// `Control.Get`: one unknown name fails the whole call (error 8 with the name in its message).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Get(pub Vec<CompactString>);

impl Method for Get {
    const NAME: &'static str = "Control.Get";
    const REPEATABLE: bool = true;
    type Reply = Vec<NamedReading>;
}

/// `Control.Set`: the reply is the control's object or `true`, so its content is ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Set {
    /// The Named Control.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// The value in the control's own unit, a boolean, or a text. Send either this or a position.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The position, 0 to 1.
    #[serde(rename = "Position", default, skip_serializing_if = "Option::is_none")]
    pub position: Option<f64>,
    /// Seconds for the change to take, for continuous controls.
    #[serde(rename = "Ramp", default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<f64>,
}

impl Set {
    /// Sets a value at once.
    pub fn value(name: impl Into<CompactString>, value: impl Into<Value>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
            position: None,
            ramp: None,
        }
    }

    /// Sets a position, 0 to 1, at once.
    pub fn position(name: impl Into<CompactString>, position: f64) -> Self {
        Self {
            name: name.into(),
            value: None,
            position: Some(position),
            ramp: None,
        }
    }

    /// Makes the change take `seconds`.
    #[must_use]
    pub fn over(mut self, seconds: f64) -> Self {
        self.ramp = Some(seconds);
        self
    }
}

impl Method for Set {
    const NAME: &'static str = "Control.Set";
    type Reply = Done;
}
