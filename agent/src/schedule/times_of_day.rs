//! Times of day by the local clock, with daylight saving.

use std::fmt;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// At least one time of day, in order, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimesOfDay(Vec<Time>);

impl TimesOfDay {
    /// Reads texts such as `HH:MM` or `HH:MM:SS`.
    pub(crate) fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, String> {
        let mut times = Vec::with_capacity(texts.len());
        for text in texts {
            let text = text.as_ref();
            times.push(time(text).ok_or_else(|| {
                format!("found \"{text}\", expected a time of day such as \"03:00\"")
            })?);
        }
        times.sort_unstable();
        times.dedup();
        match times.is_empty() {
            true => Err("found no time, expected at least one such as \"03:00\"".to_owned()),
            false => Ok(Self(times)),
        }
    }

    /// The first of these times after a moment, both in Unix milliseconds. A time that daylight saving
    /// skips comes later by as much; a time that it repeats counts once.
    pub(super) fn after(&self, ms: i64, zone: &TimeZone) -> Option<i64> {
        let from = Timestamp::from_millisecond(ms)
            .ok()?
            .to_zoned_datetime(zone.clone());
        (0..3).find_map(|days| {
            let date = from.date().checked_add(days.days()).ok()?;
            self.0.iter().find_map(|time| {
                let moment = date
                    .to_datetime(*time)
                    .to_zoned_datetime(zone.clone())
                    .ok()?;
                Some(moment.timestamp().as_millisecond()).filter(|moment| *moment > ms)
            })
        })
    }
}

fn time(text: &str) -> Option<Time> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b':');
    (plain && text.contains(':'))
        .then(|| text.parse().ok())
        .flatten()
}

impl fmt::Display for TimesOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, time) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let shown = time.strftime(if time.second() == 0 {
                "%H:%M"
            } else {
                "%H:%M:%S"
            });
            write!(f, "{comma}{shown}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: &[&str], moment: &str) -> String {
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        let moment: Timestamp = moment.parse().unwrap();
        let next = TimesOfDay::parse(times)
            .unwrap()
            .after(moment.as_millisecond(), &zone)
            .unwrap();
        Timestamp::from_millisecond(next).unwrap().to_string()
    }

    #[test]
    fn the_next_one_is_found_today_or_tomorrow() {
        let times = ["23:30", "03:00"];
        assert_eq!(
            after(&times, "2026-11-23T01:00:00Z"),
            "2026-11-23T02:00:00Z"
        );
        assert_eq!(
            after(&times, "2026-11-23T02:00:00Z"),
            "2026-11-23T22:30:00Z"
        );
        assert_eq!(
            after(&times, "2026-12-31T22:30:00Z"),
            "2027-01-01T02:00:00Z"
        );
    }

    #[test]
    fn daylight_saving_neither_loses_nor_doubles_one() {
        // 02:30 does not exist on 29 March 2026, and comes twice on 25 October 2026.
        let half_past_two = ["02:30"];
        assert_eq!(
            after(&half_past_two, "2026-03-28T12:00:00Z"),
            "2026-03-29T01:30:00Z"
        );
        assert_eq!(
            after(&half_past_two, "2026-10-24T12:00:00Z"),
            "2026-10-25T00:30:00Z"
        );
        assert_eq!(
            after(&half_past_two, "2026-10-25T00:30:00Z"),
            "2026-10-26T01:30:00Z"
        );
    }

    #[test]
    fn what_is_no_time_of_day_is_named() {
        for text in ["3", "25:00", "03:00Z", "2026-11-23T03:00", "soon", ""] {
            let error = TimesOfDay::parse(&[text]).unwrap_err();
            assert!(error.contains(&format!("\"{text}\"")), "{error}");
        }
        assert!(TimesOfDay::parse::<&str>(&[]).is_err());
    }

    #[test]
    fn they_are_shown_in_order_as_they_were_typed() {
        let times = TimesOfDay::parse(&["12:00:30", "03:00", "03:00"]).unwrap();
        assert_eq!(times.to_string(), "03:00, 12:00:30");
    }
}
