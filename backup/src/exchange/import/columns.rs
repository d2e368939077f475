//! What all formats of an import have in common: an event's columns as they were found, and the event they make.

use std::path::Path;
use std::{fmt, io};

use compact_str::CompactString;

use crate::error::{Error, Result};
use crate::store::change::unstorable_content;
use crate::store::event::{Gap, Series, sql_timestamp};
use crate::store::id::EventId;
use crate::store::value::Value;

/// An id may be earlier than its event's time where the clock was set back while the event waited to be written, and
/// never by more than this.
const EARLIEST_ID_MS: i64 = 86_400_000;

/// An event on its way in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Incoming {
    /// Its id where it was one of ours.
    pub(super) wanted: Option<EventId>,
    pub(super) at_ms: i64,
    pub(super) series: Series,
    pub(super) value: Option<Value>,
    pub(super) string: Option<CompactString>,
    pub(super) position: Option<f64>,
}

impl Incoming {
    /// The event, if a day file can hold it.
    pub(super) fn storable(self) -> std::result::Result<Incoming, String> {
        let (value, string) = (self.value.as_ref(), self.string.as_deref());
        match unstorable_content(self.at_ms, value, string, self.position) {
            Some(reason) => Err(reason),
            None => Ok(self),
        }
    }
}

/// What a file holds.
pub(super) enum Found {
    /// An event that can be stored, or the reason why there is none where one should be.
    Event(std::result::Result<Incoming, String>),
    /// A gap and its id; only our day files know of these and of keyframes.
    Gap(EventId, Gap),
    /// A full state before all changes with its id or a greater one.
    Keyframe(Keyframe),
}

/// A keyframe on its way in.
pub(super) struct Keyframe {
    pub(super) id: EventId,
    pub(super) reason: String,
    pub(super) states: Vec<KnownState>,
}

/// What a control was known to hold.
pub(super) struct KnownState {
    pub(super) series: Series,
    pub(super) value: Option<Value>,
    pub(super) string: Option<CompactString>,
    pub(super) position: Option<f64>,
}

/// Takes what was found, in the file's order.
pub(super) type Take<'a> = dyn FnMut(Found) -> Result<()> + 'a;

/// A damaged `.gz` fails in the middle of reading; the error says so in words.
pub(super) fn unpack_failed(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Error::Unreadable {
                path: path.to_path_buf(),
                found: format!("a damaged or cut-off file ({source})"),
                expected: "a whole one; nothing was imported".into(),
            }
        }
        _ => Error::Io {
            path: path.to_path_buf(),
            doing: "read",
            source,
        },
    }
}

/// The columns of one event as any format has them, before they are understood.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) id: Raw,
    pub(super) timestamp: Raw,
    pub(super) change_group: Raw,
    pub(super) path: Raw,
    pub(super) component: Raw,
    pub(super) control: Raw,
    pub(super) value: Raw,
    pub(super) string: Raw,
    pub(super) source: Raw,
    pub(super) position: Raw,
    pub(super) kind: Raw,
    /// Whether the format has our own columns, so that ids are ours.
    pub(super) ours: bool,
}

/// One column's content.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Raw {
    #[default]
    Missing,
    Integer(i64),
    Number(f64),
    Bool(bool),
    Text(CompactString),
    /// Something that no column can be, in words.
    Other(&'static str),
}

impl Columns {
    /// The place for a column of this name, where it is one.
    pub(super) fn place(&mut self, name: &str) -> Option<&mut Raw> {
        Some(match name {
            "id" => &mut self.id,
            "timestamp" => &mut self.timestamp,
            "change_group_id" => &mut self.change_group,
            "control_path" => &mut self.path,
            "component_name" => &mut self.component,
            "control_name" => &mut self.control,
            "value" => &mut self.value,
            "string_value" => &mut self.string,
            "source" => &mut self.source,
            "position" => &mut self.position,
            "kind" => {
                self.ours = true;
                &mut self.kind
            }
            _ => return None,
        })
    }

    /// Understands the columns; `place` says where they stood.
    pub(super) fn incoming(
        self,
        place: impl FnOnce() -> String,
    ) -> std::result::Result<Incoming, String> {
        self.understand()
            .and_then(Incoming::storable)
            .map_err(|reason| format!("{}: {reason}", place()))
    }

    fn understand(self) -> std::result::Result<Incoming, String> {
        let at_ms = match self.timestamp {
            Raw::Integer(ms) => ms,
            Raw::Number(ms) if ms.fract() == 0.0 && ms.abs() < 1e15 => ms as i64,
            other => return Err(wrong("timestamp", &other, "Unix milliseconds")),
        };
        let component = text("component_name", self.component)?.unwrap_or_default();
        let control = text("control_name", self.control)?.unwrap_or_default();
        let path = match text("control_path", self.path)? {
            Some(path) if !path.is_empty() => path,
            _ if !component.is_empty() && !control.is_empty() => {
                compact_str::format_compact!("{component}.{control}")
            }
            _ if !control.is_empty() => control.clone(),
            _ => return Err("found no control_path, expected the control's name".into()),
        };
        let value = match (self.value, &self.kind) {
            (Raw::Missing, _) => None,
            (Raw::Integer(0), Raw::Text(kind)) if kind == "bool" => Some(Value::Bool(false)),
            (Raw::Integer(1), Raw::Text(kind)) if kind == "bool" => Some(Value::Bool(true)),
            (Raw::Integer(whole), _) => Some(Value::Number(exact("value", whole)?)),
            (Raw::Number(number), _) => Some(Value::Number(number)),
            (Raw::Bool(truth), _) => Some(Value::Bool(truth)),
            (Raw::Text(text), _) => Some(Value::Text(text)),
            (Raw::Other(what), _) => {
                return Err(format!(
                    "found value {what}, expected a number, a text or null"
                ));
            }
        };
        let position = match self.position {
            Raw::Missing => None,
            Raw::Integer(whole) => Some(exact("position", whole)?),
            Raw::Number(number) => Some(number),
            other => return Err(wrong("position", &other, "a number")),
        };
        let wanted = match self.id {
            Raw::Integer(id) if self.ours && id >= 0 && EventId(id).ms() <= EventId::MAX_MS => {
                Some(EventId(id))
            }
            _ => None,
        };
        if let Some(id) = wanted
            && at_ms.saturating_sub(id.ms()) > EARLIEST_ID_MS
        {
            return Err(format!(
                "found id {} of {} with timestamp {at_ms}, expected an id of that time or later; \
                 without the ids the events come in by their times",
                id.0,
                sql_timestamp(id.ms())
            ));
        }
        Ok(Incoming {
            wanted,
            at_ms,
            series: Series {
                change_group: text("change_group_id", self.change_group)?.unwrap_or_default(),
                path,
                component,
                control,
                source: text("source", self.source)?.unwrap_or_default(),
            },
            value,
            string: text("string_value", self.string)?,
            position,
        })
    }
}

fn text(name: &str, raw: Raw) -> std::result::Result<Option<CompactString>, String> {
    match raw {
        Raw::Missing => Ok(None),
        Raw::Text(text) => Ok(Some(text)),
        other => Err(wrong(name, &other, "a text")),
    }
}

/// A whole number in double precision, which holds all whole numbers up to 2^53 and only some beyond.
fn exact(name: &str, whole: i64) -> std::result::Result<f64, String> {
    let number = whole as f64;
    if number as i128 == i128::from(whole) {
        Ok(number)
    } else {
        Err(wrong(
            name,
            &Raw::Integer(whole),
            "a number that double precision holds to the bit",
        ))
    }
}

fn wrong(name: &str, found: &Raw, expected: &str) -> String {
    format!("found {name} {found}, expected {expected}")
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raw::Missing => f.write_str("nothing"),
            Raw::Integer(whole) => whole.fmt(f),
            Raw::Number(number) => number.fmt(f),
            Raw::Bool(truth) => truth.fmt(f),
            Raw::Text(text) => write!(f, "{:?}", text.chars().take(40).collect::<String>()),
            Raw::Other(what) => f.write_str(what),
        }
    }
}
