//! Values as they are written in a settings file: each says what it found and what it expected.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};

use crate::schedule::TimesOfDay;

/// A folder; an empty text names none.
#[derive(Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl<'de> Deserialize<'de> for Folder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(deserializer)?;
        match path.as_os_str().is_empty() {
            true => Err(de::Error::custom(
                "found \"\", expected a folder such as \"data/events\"",
            )),
            false => Ok(Self(path)),
        }
    }
}

/// A whole number from 1 up.
#[derive(Debug)]
pub(super) struct AtLeastOne(pub(super) u32);

impl<'de> Deserialize<'de> for AtLeastOne {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            0 => Err(de::Error::custom(
                "found 0, expected a whole number from 1 up",
            )),
            number => Ok(Self(number)),
        }
    }
}

/// A span longer than nothing, written `100ms`, `24h`, `1h 30m`.
#[derive(Debug)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        span(&text).map(Self).map_err(de::Error::custom)
    }
}

/// A span, or `off` for none.
#[derive(Debug)]
pub(super) struct SpanOrOff(pub(super) Option<Duration>);

impl<'de> Deserialize<'de> for SpanOrOff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "off" => Ok(Self(None)),
            _ => span(&text)
                .map(|span| Self(Some(span)))
                .map_err(|error| de::Error::custom(format!("{error}, or \"off\""))),
        }
    }
}

/// Times of day.
#[derive(Debug)]
pub(super) struct Times(pub(super) TimesOfDay);

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        TimesOfDay::parse(&texts)
            .map(Self)
            .map_err(de::Error::custom)
    }
}

fn span(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|span| Duration::try_from(span).ok())
        .filter(|span| !span.is_zero())
        .ok_or_else(|| format!("found \"{text}\", expected a span such as \"100ms\" or \"24h\""))
}

/// A glob that compiles.
#[derive(Debug)]
pub(super) struct Pattern(pub(super) String);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match globset::Glob::new(&text) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(de::Error::custom(format!(
                "found \"{text}\", expected a glob such as \"Main_Mixer.*\": {}",
                error.kind()
            ))),
        }
    }
}
