//! A moment and a span of time as types that write themselves. The libraries count in Unix milliseconds, UTC.

mod typed;

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(crate) use typed::{parse, parse_time};

/// A moment to the millisecond. As text, and so in JSON, it is RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    /// The moment of these Unix milliseconds.
    pub(crate) fn at(ms: i64) -> Self {
        Self(ms)
    }

    /// Its Unix milliseconds.
    pub(crate) fn ms(self) -> i64 {
        self.0
    }

    /// The full second that it is in.
    pub(crate) fn whole_second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }

    /// Local date and time to the second: how people read a moment.
    pub(crate) fn local(self) -> String {
        self.local_as("%Y-%m-%d %H:%M:%S")
    }

    /// The same with milliseconds, for lines about events.
    pub(crate) fn local_precise(self) -> String {
        self.local_as("%Y-%m-%d %H:%M:%S%.3f")
    }

    /// Local date, for a heading above times of that day.
    pub(crate) fn local_day(self) -> String {
        self.local_as("%Y-%m-%d")
    }

    /// Local time of day with milliseconds, for lines below such a heading.
    pub(crate) fn local_time_precise(self) -> String {
        self.local_as("%H:%M:%S%.3f")
    }

    /// Local time with its offset from UTC and as many digits as it has, in the form in which a TIME may be typed.
    pub(crate) fn local_with_offset(self) -> String {
        self.local_as("%Y-%m-%d %H:%M:%S%.f%:z")
    }

    /// The same to the minute, for the ends of a long span.
    pub(crate) fn local_minute(self) -> String {
        self.local_as("%Y-%m-%d %H:%M")
    }

    /// Local time of day to the minute.
    pub(crate) fn local_clock(self) -> String {
        self.local_as("%H:%M")
    }

    /// Local day of the year.
    pub(crate) fn local_date(self) -> String {
        self.local_as("%m-%d")
    }

    fn local_as(self, format: &str) -> String {
        match Timestamp::from_millisecond(self.0) {
            Ok(moment) => moment
                .to_zoned_datetime(TimeZone::system())
                .strftime(format)
                .to_string(),
            Err(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            // Beyond the years that RFC 3339 can write.
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(Self(moment.as_millisecond()));
        }
        let ms = text.strip_suffix(" ms").and_then(|ms| ms.parse().ok());
        ms.map(Self)
            .ok_or_else(|| de::Error::custom(format!("found {text:?}, expected an RFC 3339 time")))
    }
}

/// A length of time; in JSON a number of seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Seconds(pub(crate) f64);

impl Seconds {
    /// From one moment to a later one; nothing where the clock was set back.
    pub(crate) fn between(from_ms: i64, to_ms: i64) -> Self {
        Self((to_ms - from_ms).max(0) as f64 / 1000.0)
    }

    /// In the largest unit that keeps it readable.
    pub(crate) fn in_words(self) -> String {
        span((self.0 * 1000.0) as i64)
    }
}

/// By how much local time is ahead of UTC at a moment, in milliseconds.
pub(crate) fn utc_offset_ms(ms: i64) -> i64 {
    Timestamp::from_millisecond(ms).map_or(0, |moment| {
        i64::from(TimeZone::system().to_offset(moment).seconds()) * 1000
    })
}

/// The present, in Unix milliseconds.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A span of milliseconds in the largest unit that keeps it readable: `42 s`, `3 min`, `5 h`, `2 days`.
pub(crate) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_times_carry_milliseconds_and_utc() {
        let moment = Moment::at(1_795_463_700_005);
        assert_eq!(moment.to_string(), "2026-11-23T19:55:00.005Z");
    }

    #[test]
    fn a_local_time_with_its_offset_can_be_typed_again() {
        for ms in [1_795_463_700_005, 1_795_463_700_000] {
            assert_eq!(parse(&Moment::at(ms).local_with_offset()), Ok(ms));
        }
    }

    #[test]
    fn every_moment_comes_back_from_its_json() {
        for ms in [0, -1, 1_795_463_700_005, i64::MAX, i64::MIN] {
            let moment = Moment::at(ms);
            let text = serde_json::to_string(&moment).unwrap();
            assert_eq!(
                serde_json::from_str::<Moment>(&text).unwrap(),
                moment,
                "{text}"
            );
        }
        assert!(serde_json::from_str::<Moment>("\"soon\"").is_err());
    }
}
