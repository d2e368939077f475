//! A control's condition as the Core reports it: value, string, position, and what a panel would show.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize, Serializer};

/// A control's value. `Component.GetControls` types it, all else sends numbers
/// (booleans as 0.0 and 1.0); text comes where the Core gives no number.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Engineering units: dB, Hz, s, an index.
    Number(f64),
    /// A boolean, as `GetControls` gives it and as any boolean may be written.
    Bool(bool),
    /// Text of text and combo controls.
    Text(CompactString),
}

impl Value {
    /// The number, with booleans as 0 and 1.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bool(on) => Some(f64::from(u8::from(*on))),
            Self::Text(_) => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(on: bool) -> Self {
        Self::Bool(on)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Bool(on) => serializer.serialize_bool(*on),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// By hand, since trying one type after the other halves the speed of parsing.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;
        impl Visitor<'_> for AnyScalar {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a boolean or a string")
            }
            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Number(number))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }
            fn visit_bool<E>(self, on: bool) -> Result<Value, E> {
                Ok(Value::Bool(on))
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.into()))
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}

/// A control's condition. Every member may be missing on the wire.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The value; `None` where the Core gave none or null.
    pub value: Option<Value>,
    /// Display text as Designer shows it; never to be parsed.
    pub string: Option<CompactString>,
    /// 0 to 1 within the control's range.
    pub position: Option<f64>,
    /// What a panel shows beside the value; most controls have nothing of it.
    pub looks: Option<Box<Looks>>,
}

/// What scripts can set on a control for panels to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looks {
    /// A combo box's options.
    pub choices: Vec<CompactString>,
    /// A colour, as the script wrote it.
    pub color: CompactString,
    /// The text on a button.
    pub legend: CompactString,
    /// The control cannot be used.
    pub disabled: bool,
    /// The control is hidden.
    pub invisible: bool,
    /// The control is in a mixed state.
    pub indeterminate: bool,
}

/// Text borrowed from a frame where it holds no escapes. (An `Option<Cow<str>>` alone
/// would never borrow.)
#[derive(Debug, Default, DeriveDeserialize)]
#[serde(transparent)]
pub struct WireText<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// One control in a reply or a push, borrowed from the frame (protocol reference, fields
/// of control values). Unknown members are passed over.
#[derive(Debug, Default, DeriveDeserialize)]
#[serde(default)]
pub struct WireControl<'a> {
    /// The component's Code Name; missing for Named Controls.
    #[serde(rename = "Component", borrow)]
    pub component: Option<WireText<'a>>,
    /// The control's name within its component, or the Named Control's name.
    #[serde(rename = "Name", borrow)]
    pub name: Cow<'a, str>,
    #[serde(rename = "String")]
    string: Option<CompactString>,
    #[serde(rename = "Value")]
    value: Option<Value>,
    #[serde(rename = "Position")]
    position: Option<f64>,
    #[serde(rename = "Choices")]
    choices: Option<Vec<CompactString>>,
    #[serde(rename = "Color")]
    color: Option<CompactString>,
    #[serde(rename = "Legend")]
    legend: Option<CompactString>,
    #[serde(rename = "Disabled")]
    disabled: Option<bool>,
    #[serde(rename = "Invisible")]
    invisible: Option<bool>,
    #[serde(rename = "Indeterminate")]
    indeterminate: Option<bool>,
}

impl WireControl<'_> {
    /// The control's condition, taken out of the frame.
    #[must_use]
    pub fn into_reading(self) -> Reading {
        let looks = Looks {
            choices: self.choices.unwrap_or_default(),
            color: self.color.unwrap_or_default(),
            legend: self.legend.unwrap_or_default(),
            disabled: self.disabled.unwrap_or_default(),
            invisible: self.invisible.unwrap_or_default(),
            indeterminate: self.indeterminate.unwrap_or_default(),
        };
        Reading {
            value: self.value,
            string: self.string,
            position: self.position,
            looks: (looks != Looks::default()).then(|| Box::new(looks)),
        }
    }
}
