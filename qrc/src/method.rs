//! QRC's methods as the client calls them: one file for each family, with the parameters and the reply
//! of each method.

// Each knows only those above it.
pub mod control;

pub mod component;

pub mod change_group;
pub mod loop_player;
pub mod mixer;
pub mod pa;
pub mod session;
pub mod snapshot;

use std::fmt;

use compact_str::CompactString;
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, IgnoredAny, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::value::{Reading, WireControl};

/// A method's parameters. The type knows the method's name and the type of its reply.
pub trait Method: Serialize {
    /// The name on the wire, case-sensitive.
    const NAME: &'static str;
    /// Sending it twice has the same effect as sending it once. The client may then send it again
    /// if the link is lost before the answer.
    const REPEATABLE: bool = false;
    /// The reply to a success.
    type Reply: DeserializeOwned;

    /// Reads the reply. An emulator leaves the result out of some successes.
    ///
    /// # Errors
    /// If the result has another shape.
    fn reply(result: Option<&RawValue>) -> serde_json::Result<Self::Reply> {
        serde_json::from_str(result.map_or("null", RawValue::get))
    }
}

/// A success without content: the Core's `true`, `"OK"`, `[]` or nothing at all. Documentation and
/// captures differ, so all are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done;

impl<'de> Deserialize<'de> for Done {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// No parameters. The Core ignores the content; clients usually send an empty object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoParams;

impl Serialize for NoParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        serializer.serialize_map(Some(0))?.end()
    }
}

impl<'de> Deserialize<'de> for NoParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A change group's name: usually a text, a number with some clients. The Core echoes it as it
/// came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GroupId {
    /// The usual form.
    Text(CompactString),
    /// Some clients number their groups.
    Number(i64),
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<&str> for GroupId {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Serialize for GroupId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
        }
    }
}

impl<'de> Deserialize<'de> for GroupId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl Visitor<'_> for TextOrNumber {
            type Value = GroupId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a change group's name, text or whole number")
            }
            fn visit_str<E>(self, text: &str) -> Result<GroupId, E> {
                Ok(GroupId::Text(text.into()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<GroupId, E> {
                Ok(GroupId::Number(number))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<GroupId, E> {
                i64::try_from(number)
                    .map(GroupId::Number)
                    .map_err(E::custom)
            }
        }
        deserializer.deserialize_any(TextOrNumber)
    }
}

/// A control in a reply, with its reading.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedReading {
    /// The component's Code Name, if the reply has it.
    pub component: Option<CompactString>,
    /// The control's name.
    pub name: CompactString,
    /// Its value, text and position.
    pub reading: Reading,
}

impl<'de> Deserialize<'de> for NamedReading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let control = WireControl::deserialize(deserializer)?;
        Ok(Self {
            component: control
                .component
                .as_ref()
                .map(|name| name.0.as_ref().into()),
            name: control.name.as_ref().into(),
            reading: control.into_reading(),
        })
    }
}
