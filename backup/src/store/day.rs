//! A UTC calendar day and the name of its file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds in a UTC day. Unix time has no leap seconds, so every day is this long.
const DAY_MS: i64 = 86_400_000;

/// A UTC day, counted from 1970-01-01. Ordered as time is. Displays as `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(i32);

impl Day {
    /// The day that holds this Unix millisecond. Clamped to the years -9999 to 9999.
    pub fn of_ms(ms: i64) -> Day {
        Day(ms.div_euclid(DAY_MS).clamp(-4_371_222, 2_932_895) as i32)
    }

    /// The first millisecond of the day.
    pub fn start_ms(self) -> i64 {
        i64::from(self.0) * DAY_MS
    }

    /// The first millisecond after the day.
    pub fn end_ms(self) -> i64 {
        self.start_ms() + DAY_MS
    }

    /// The day before.
    pub fn previous(self) -> Day {
        Day(self.0 - 1)
    }

    /// The day after.
    pub fn next(self) -> Day {
        Day(self.0 + 1)
    }

    /// `events-YYYY-MM-DD.db`.
    pub fn file_name(self) -> String {
        format!("events-{self}.db")
    }

    /// Reads a day file's name; anything else, also `-wal` or `.corrupt-…` companions, is no day.
    pub fn from_file_name(name: &str) -> Option<Day> {
        name.strip_prefix("events-")?
            .strip_suffix(".db")?
            .parse()
            .ok()
    }
}

impl std::str::FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Day, String> {
        let wrong = || format!("found {text:?}, expected a day as YYYY-MM-DD");
        let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
        // Only the one spelling, so that no two file names mean the same day.
        let zoned = date
            .to_zoned_datetime(jiff::tz::TimeZone::UTC)
            .map_err(|_| wrong())?;
        let day = Day::of_ms(zoned.timestamp().as_millisecond());
        if day.to_string() == text {
            Ok(day)
        } else {
            Err(wrong())
        }
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Day, String> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.start_ms()) {
            Ok(start) => write!(
                f,
                "{}",
                start.to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
            ),
            Err(_) => write!(f, "day{}", self.0),
        }
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Day({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_and_its_day_are_one_to_one() {
        let leap: Day = "2028-02-29".parse().unwrap();
        assert_eq!(leap.file_name(), "events-2028-02-29.db");
        assert_eq!(Day::from_file_name("events-2028-02-29.db"), Some(leap));
        assert_eq!(leap.next().to_string(), "2028-03-01");
        for other in [
            "events-2028-2-29.db",
            "events-2027-02-29.db",
            "events-2028-02-29.db-wal",
            "events-x.db",
            "x.db",
        ] {
            assert_eq!(Day::from_file_name(other), None, "{other}");
        }
    }

    #[test]
    fn a_day_holds_its_first_millisecond_and_not_its_end() {
        let day = Day::of_ms(1_767_225_600_000);
        assert_eq!(day.to_string(), "2026-01-01");
        assert_eq!(Day::of_ms(day.start_ms()), day);
        assert_eq!(Day::of_ms(day.end_ms() - 1), day);
        assert_eq!(Day::of_ms(day.end_ms()), day.next());
        assert_eq!(Day::of_ms(day.start_ms() - 1), day.previous());
    }
}
