//! A control's reading as the Core reports it: value, text, position, and what a script set for
//! panels.

use std::borrow::Cow;
use std::fmt;

use compact_str::{CompactString, format_compact};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize, Serializer};

/// A control's value. `Component.GetControls` sends it with its type; everything else sends numbers
/// (booleans as 0.0 and 1.0), or a text if the Core has no number.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// In the control's own unit: dB, Hz, s, an index.
    Number(f64),
    /// A boolean, as `GetControls` sends it. Booleans may also be written so.
    Bool(bool),
    /// The text of text and combo controls.
    Text(CompactString),
}

impl Value {
    /// The number; booleans are 0 and 1.
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

/// Written by hand: trying one type after the other takes twice as long.
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

/// A control's reading. Every member may be missing on the wire.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The value, in the control's own unit. `None` if the Core sent none, or null.
    pub value: Option<Value>,
    /// The text that Designer shows. Do not parse it.
    pub string: Option<CompactString>,
    /// 0 to 1 within the control's range.
    pub position: Option<f64>,
    /// What a script set for panels to show; most controls have none of it.
    pub looks: Option<Box<Looks>>,
}

impl Reading {
    /// The bytes of its texts: the value's and the displayed one.
    pub(crate) fn text_bytes(&self) -> usize {
        let value = match &self.value {
            Some(Value::Text(text)) => text.len(),
            _ => 0,
        };
        value + self.string.as_ref().map_or(0, |string| string.len())
    }
}

/// What a script can set on a control for panels to show.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
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

/// Text borrowed from the frame if it has no escapes. (serde never borrows for an
/// `Option<Cow<str>>` alone.)
#[derive(Debug, Default, DeriveDeserialize)]
#[serde(transparent)]
pub struct WireText<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// One control in a reply or a push, borrowed from the frame. Unknown members are ignored.
#[derive(Debug, Default, DeriveDeserialize)]
#[serde(default)]
pub struct WireControl<'a> {
    /// The component's Code Name; missing for a Named Control.
    #[serde(rename = "Component", borrow)]
    pub component: Option<WireText<'a>>,
    /// The control's name within its component, or the Named Control's name.
    #[serde(rename = "Name", borrow)]
    pub name: Cow<'a, str>,
    #[serde(rename = "String")]
    string: Scalar,
    #[serde(rename = "Value")]
    value: Scalar,
    #[serde(rename = "Position")]
    position: Scalar,
    #[serde(rename = "Choices")]
    choices: List,
    #[serde(rename = "Color")]
    color: Scalar,
    #[serde(rename = "Legend")]
    legend: Scalar,
    #[serde(rename = "Disabled")]
    disabled: Scalar,
    #[serde(rename = "Invisible")]
    invisible: Scalar,
    #[serde(rename = "Indeterminate")]
    indeterminate: Scalar,
}

impl WireControl<'_> {
    /// Takes the control's reading out of the frame.
    #[must_use]
    pub fn into_reading(self) -> Reading {
        let looks = Looks {
            choices: self.choices.0,
            color: self.color.into_text().unwrap_or_default(),
            legend: self.legend.into_text().unwrap_or_default(),
            disabled: self.disabled.is_true(),
            invisible: self.invisible.is_true(),
            indeterminate: self.indeterminate.is_true(),
        };
        Reading {
            value: self.value.0,
            string: self.string.into_text(),
            position: self.position.into_number(),
            looks: (looks != Looks::default()).then(|| Box::new(looks)),
        }
    }
}

/// Any JSON in the place of a scalar: null is nothing, an array or an object is its JSON text. So
/// one odd control does not hide the others of its frame.
#[derive(Debug, Default)]
struct Scalar(Option<Value>);

impl Scalar {
    fn into_text(self) -> Option<CompactString> {
        match self.0? {
            Value::Text(text) => Some(text),
            Value::Number(number) => Some(format_compact!("{number}")),
            Value::Bool(on) => Some(format_compact!("{on}")),
        }
    }

    fn into_number(self) -> Option<f64> {
        self.0?.as_number()
    }

    fn is_true(&self) -> bool {
        let number = self.0.as_ref().and_then(Value::as_number);
        number.is_some_and(|number| number >= 0.5)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything;
        impl<'de> Visitor<'de> for Anything {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar(Some(Value::Number(number))))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(Some(Value::Number(number as f64))))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(Some(Value::Number(number as f64))))
            }
            fn visit_bool<E>(self, on: bool) -> Result<Scalar, E> {
                Ok(Scalar(Some(Value::Bool(on))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(Some(Value::Text(text.into()))))
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Scalar, A::Error> {
                json_text(SeqAccessDeserializer::new(seq))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
                json_text(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(Anything)
    }
}

fn json_text<'de, D: Deserializer<'de>>(compound: D) -> Result<Scalar, D::Error> {
    let json = serde_json::Value::deserialize(compound)?;
    Ok(Scalar(Some(Value::Text(format_compact!("{json}")))))
}

/// An array of texts; anything else is an empty list.
#[derive(Debug, Default)]
struct List(Vec<CompactString>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = List;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
                let mut texts = Vec::new();
                while let Some(scalar) = seq.next_element::<Scalar>()? {
                    texts.extend(scalar.into_text());
                }
                Ok(List(texts))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(List::default())
            }
            fn visit_unit<E>(self) -> Result<List, E> {
                Ok(List::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<List, E> {
                Ok(List::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<List, E> {
                Ok(List::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<List, E> {
                Ok(List::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<List, E> {
                Ok(List::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<List, E> {
                Ok(List::default())
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_values_of_a_control_read_as_absent_or_as_their_json() {
        let control: WireControl<'_> = serde_json::from_str(
            r#"{"Name":"x","String":7,"Value":[1,{"a":2}],"Position":null,"Choices":9,"Disabled":1,"New":{}}"#,
        )
        .unwrap();
        let reading = control.into_reading();
        assert_eq!(reading.string.as_deref(), Some("7"));
        assert_eq!(reading.value, Some(Value::from(r#"[1,{"a":2}]"#)));
        assert_eq!(reading.position, None);
        assert!(reading.looks.unwrap().disabled);
    }

    #[test]
    fn the_long_form_with_nothing_in_it_has_no_looks() {
        let control: WireControl<'_> = serde_json::from_str(
            r#"{"Name":"x","String":"","Value":0.0,"Position":0.0,"Choices":[],"Color":"","Indeterminate":false,"Invisible":false,"Disabled":false,"Legend":"","CssClass":""}"#,
        )
        .unwrap();
        assert_eq!(control.into_reading().looks, None);
    }
}
