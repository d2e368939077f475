//! Events from JSON: an export as one document, a bare list, or one event per line. Read as a stream.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;
use std::path::Path;

use compact_str::CompactString;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::exchange::import::columns::{Column, Columns, Found, Raw, Take, unpack_failed};

pub(super) fn read(path: &Path, text: impl BufRead, take: &mut Take<'_>) -> Result<()> {
    let mut walk = Walk {
        take,
        failed: None,
        seen: 0,
    };
    let mut documents = serde_json::Deserializer::from_reader(text);
    let mut any = false;
    loop {
        // `end` fails when anything but white space follows: another document, as JSON Lines has it.
        if any && documents.end().is_ok() {
            return Ok(());
        }
        let read = documents.deserialize_any(Document(&mut walk));
        if let Some(error) = walk.failed.take() {
            return Err(error);
        }
        match read {
            Ok(()) => any = true,
            Err(error) if error.is_eof() && any && error.line() == 0 => return Ok(()),
            Err(error) if error.is_io() => return Err(unpack_failed(path, error.into())),
            Err(error) => {
                return Err(Error::Unreadable {
                    path: path.to_path_buf(),
                    found: format!("what is no JSON of an export ({error})"),
                    expected: "an export, whole and unchanged; nothing was imported".into(),
                });
            }
        }
    }
}

struct Walk<'t, 'f> {
    take: &'t mut Take<'f>,
    failed: Option<Error>,
    /// Events so far, to say where one was wrong.
    seen: u64,
}

impl Walk<'_, '_> {
    /// Passes an event on, or why it is none: the next one may be sound.
    fn pass<E: de::Error>(
        &mut self,
        columns: std::result::Result<Columns<'_>, String>,
    ) -> std::result::Result<(), E> {
        self.seen += 1;
        let place = || format!("event {}", self.seen);
        let event = match columns {
            Ok(columns) => columns.incoming(place),
            Err(reason) => Err(format!("{}: {reason}", place())),
        };
        (self.take)(Found::Event(event)).map_err(|error| {
            let text = error.to_string();
            self.failed = Some(error);
            E::custom(text)
        })
    }
}

/// A whole document, a bare list, or a single event.
struct Document<'w, 't, 'f>(&'w mut Walk<'t, 'f>);

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an export, a list of events, or an event")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        while let Some(element) = list.next_element::<Box<RawValue>>()? {
            let event = serde_json::from_str(element.get());
            self.0.pass(
                event
                    .map(|OneEvent(columns)| columns)
                    .map_err(|error| wrong(&element, &error, "an event")),
            )?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let (mut columns, mut any, mut events) = (Ok(Columns::default()), false, false);
        while let Some(name) = map.next_key::<CompactString>()? {
            if name == "events" {
                events = true;
                map.next_value_seed(List(self.0))?;
                continue;
            }
            let content = map.next_value::<Box<RawValue>>()?;
            let Ok(known) = &mut columns else { continue };
            let Some(column) = Column::of(&name) else {
                continue;
            };
            any = true;
            match serde_json::from_str::<Raw<'_>>(content.get()) {
                Ok(raw) => *known.place(column) = raw.into_owned(),
                Err(error) => columns = Err(wrong(&content, &error, &format!("a {name}"))),
            }
        }
        match (events, any) {
            (true, _) => Ok(()),
            (false, true) => self.0.pass(columns),
            (false, false) => Err(A::Error::custom(
                "found neither a member `events` nor an event's columns",
            )),
        }
    }
}

/// What stands where something else should.
fn wrong(found: &RawValue, error: &serde_json::Error, expected: &str) -> String {
    const SHOWN: usize = 60;
    let text: String = found.get().chars().take(SHOWN).collect();
    let cut = if text.len() < found.get().len() {
        "…"
    } else {
        ""
    };
    let error = error.to_string();
    // Lines and columns count from the element's own beginning, and what was expected is said here.
    let why = error.split(" at line ").next().unwrap_or(&error);
    let why = why.split(", expected ").next().unwrap_or(why);
    format!("found {text}{cut} ({why}), expected {expected}")
}

/// The member `events`.
struct List<'w, 't, 'f>(&'w mut Walk<'t, 'f>);

impl<'de> de::DeserializeSeed<'de> for List<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(Document(self.0))
    }
}

/// One element of a list.
struct OneEvent<'a>(Columns<'a>);

impl<'de> Deserialize<'de> for OneEvent<'de> {
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<OneEvent<'de>, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = OneEvent<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<OneEvent<'de>, A::Error> {
                let mut columns = Columns::default();
                while let Some(name) = map.next_key::<CompactString>()? {
                    match Column::of(&name) {
                        Some(column) => *columns.place(column) = map.next_value()?,
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(OneEvent(columns))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Raw<'de>, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_unit<E>(self) -> std::result::Result<Raw<'de>, E> {
                Ok(Raw::Missing)
            }

            fn visit_bool<E>(self, truth: bool) -> std::result::Result<Raw<'de>, E> {
                Ok(Raw::Bool(truth))
            }

            fn visit_i64<E>(self, whole: i64) -> std::result::Result<Raw<'de>, E> {
                Ok(Raw::Integer(whole))
            }

            fn visit_u64<E>(self, whole: u64) -> std::result::Result<Raw<'de>, E> {
                Ok(i64::try_from(whole).map_or(Raw::Number(whole as f64), Raw::Integer))
            }

            fn visit_f64<E>(self, number: f64) -> std::result::Result<Raw<'de>, E> {
                Ok(Raw::Number(number))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Raw<'de>, E> {
                Ok(Raw::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> std::result::Result<Raw<'de>, E> {
                Ok(Raw::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> std::result::Result<Raw<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Raw::Other("a list"))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Raw<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Raw::Other("an object"))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
