//! What all formats of an import have in common: an event's columns as they were found, and the event they make.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

use compact_str::CompactString;
use hashbrown::Equivalent;

use crate::error::{Error, Result};
use crate::store::change::{Change, Row, unstorable_content};
use crate::store::event::{Gap, Series, sql_timestamp};
use crate::store::id::EventId;
use crate::store::names::Names;
use crate::store::value::Value;

/// An id may be earlier than its event's time where the clock was set back while the event waited to be written, and
/// never by more than this.
const EARLIEST_ID_MS: i64 = 86_400_000;
/// More different series than any installation has controls; beyond it a file is not what it claims to be.
const SERIES_LIMIT: u32 = 200_000;

/// An event on its way in.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    /// Its id where it was one of ours.
    pub(super) wanted: Option<EventId>,
    pub(super) at_ms: i64,
    pub(super) series: Named<'a>,
    pub(super) value: Option<Value>,
    pub(super) string: Option<CompactString>,
    pub(super) position: Option<f64>,
}

/// A series by its names, as they stand in what is being read.
#[derive(Debug, Hash)]
pub(super) struct Named<'a> {
    // In the order of `Series`, so that both hash alike.
    change_group: Cow<'a, str>,
    path: Cow<'a, str>,
    component: Cow<'a, str>,
    control: Cow<'a, str>,
    source: Cow<'a, str>,
}

impl<'a> Named<'a> {
    pub(super) fn of(series: &'a Series) -> Named<'a> {
        Named {
            change_group: Cow::Borrowed(&series.change_group),
            path: Cow::Borrowed(&series.path),
            component: Cow::Borrowed(&series.component),
            control: Cow::Borrowed(&series.control),
            source: Cow::Borrowed(&series.source),
        }
    }

    fn series(&self) -> Series {
        Series {
            change_group: (&*self.change_group).into(),
            path: (&*self.path).into(),
            component: (&*self.component).into(),
            control: (&*self.control).into(),
            source: (&*self.source).into(),
        }
    }
}

impl Equivalent<Arc<Series>> for Named<'_> {
    fn equivalent(&self, series: &Arc<Series>) -> bool {
        *self.path == *series.path
            && *self.component == *series.component
            && *self.control == *series.control
            && *self.change_group == *series.change_group
            && *self.source == *series.source
    }
}

impl<'a> Incoming<'a> {
    /// The event, if a day file can hold it.
    pub(super) fn storable(self) -> std::result::Result<Incoming<'a>, String> {
        let (value, string) = (self.value.as_ref(), self.string.as_deref());
        match unstorable_content(self.at_ms, value, string, self.position) {
            Some(reason) => Err(reason),
            None => Ok(self),
        }
    }

    /// The row that it wants to be.
    pub(super) fn row(self, names: &Names) -> Result<Row> {
        let series = match names.number(&self.series) {
            Some(number) => number,
            None => names.intern(self.series.series()),
        };
        if series.0 >= SERIES_LIMIT {
            return Err(Error::Input {
                what: "imported events".into(),
                found: format!("more than {SERIES_LIMIT} different controls"),
                expected: "the events of one installation".into(),
            });
        }
        Ok(Row {
            id: self.wanted.unwrap_or(EventId::first_of_ms(self.at_ms)),
            at_ms: self.at_ms,
            change: Change {
                series,
                value: self.value,
                string: self.string,
                position: self.position,
            },
        })
    }
}

/// What a file holds.
pub(super) enum Found<'a> {
    /// An event that can be stored, or the reason why there is none where one should be.
    Event(std::result::Result<Incoming<'a>, String>),
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
pub(super) type Take<'a> = dyn FnMut(Found<'_>) -> Result<()> + 'a;

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

/// A column that an import knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    Timestamp,
    ChangeGroup,
    Path,
    Component,
    Control,
    Value,
    String,
    Source,
    Position,
    Kind,
}

impl Column {
    pub(super) fn of(name: &str) -> Option<Column> {
        Some(match name {
            "id" => Column::Id,
            "timestamp" => Column::Timestamp,
            "change_group_id" => Column::ChangeGroup,
            "control_path" => Column::Path,
            "component_name" => Column::Component,
            "control_name" => Column::Control,
            "value" => Column::Value,
            "string_value" => Column::String,
            "source" => Column::Source,
            "position" => Column::Position,
            "kind" => Column::Kind,
            _ => return None,
        })
    }
}

/// The columns of one event as any format has them, before they are understood.
#[derive(Debug, Default)]
pub(super) struct Columns<'a> {
    pub(super) id: Raw<'a>,
    pub(super) timestamp: Raw<'a>,
    pub(super) change_group: Raw<'a>,
    pub(super) path: Raw<'a>,
    pub(super) component: Raw<'a>,
    pub(super) control: Raw<'a>,
    pub(super) value: Raw<'a>,
    pub(super) string: Raw<'a>,
    pub(super) source: Raw<'a>,
    pub(super) position: Raw<'a>,
    pub(super) kind: Raw<'a>,
    /// Whether the format has our own columns, so that ids are ours.
    pub(super) ours: bool,
}

/// One column's content.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Raw<'a> {
    #[default]
    Missing,
    Integer(i64),
    Number(f64),
    Bool(bool),
    Text(Cow<'a, str>),
    /// Something that no column can be, in words.
    Other(&'static str),
}

impl<'a> Columns<'a> {
    pub(super) fn place(&mut self, column: Column) -> &mut Raw<'a> {
        match column {
            Column::Id => &mut self.id,
            Column::Timestamp => &mut self.timestamp,
            Column::ChangeGroup => &mut self.change_group,
            Column::Path => &mut self.path,
            Column::Component => &mut self.component,
            Column::Control => &mut self.control,
            Column::Value => &mut self.value,
            Column::String => &mut self.string,
            Column::Source => &mut self.source,
            Column::Position => &mut self.position,
            Column::Kind => {
                self.ours = true;
                &mut self.kind
            }
        }
    }

    /// Understands the columns; `place` says where they stood.
    pub(super) fn incoming(
        self,
        place: impl FnOnce() -> String,
    ) -> std::result::Result<Incoming<'a>, String> {
        self.understand()
            .and_then(Incoming::storable)
            .map_err(|reason| format!("{}: {reason}", place()))
    }

    fn understand(self) -> std::result::Result<Incoming<'a>, String> {
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
                Cow::Owned(format!("{component}.{control}"))
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
            (Raw::Text(text), _) => Some(Value::Text(CompactString::from(text))),
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
            series: Named {
                change_group: text("change_group_id", self.change_group)?.unwrap_or_default(),
                path,
                component,
                control,
                source: text("source", self.source)?.unwrap_or_default(),
            },
            value,
            string: text("string_value", self.string)?.map(CompactString::from),
            position,
        })
    }
}

impl Raw<'_> {
    /// The same without what it was read from.
    pub(super) fn into_owned(self) -> Raw<'static> {
        match self {
            Raw::Missing => Raw::Missing,
            Raw::Integer(whole) => Raw::Integer(whole),
            Raw::Number(number) => Raw::Number(number),
            Raw::Bool(truth) => Raw::Bool(truth),
            Raw::Text(text) => Raw::Text(Cow::Owned(text.into_owned())),
            Raw::Other(what) => Raw::Other(what),
        }
    }
}

fn text<'a>(name: &str, raw: Raw<'a>) -> std::result::Result<Option<Cow<'a, str>>, String> {
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

fn wrong(name: &str, found: &Raw<'_>, expected: &str) -> String {
    format!("found {name} {found}, expected {expected}")
}

impl fmt::Display for Raw<'_> {
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
