//! Days of a backup that a restore cannot bring back.

use std::fmt;

use crate::archive::format::manifest::DayPart;
use crate::archive::open::Archive;
use crate::store::day::Day;
use crate::store::event::Gap;

/// A day that does not come back, as its stored files are damaged and no other backup has the same rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The day.
    pub day: Day,
    /// Events that the backup had of it.
    pub events: u64,
    /// What is wrong with its stored files.
    pub why: String,
    /// What the store has of the day stays as it is.
    pub stays: bool,
    /// Another backup that has some of it: its id and how many events.
    pub elsewhere: Option<(String, u64)>,
}

impl LeftOut {
    pub(crate) fn of(
        archive: &Archive,
        part: &DayPart,
        day: Day,
        why: String,
        stays: bool,
    ) -> LeftOut {
        LeftOut {
            day,
            events: part.events,
            why,
            stays,
            // It only helps to find what is missing.
            elsewhere: archive.most_of(part).unwrap_or_default(),
        }
    }

    /// Whether a gap is this day's: it was recorded, and is lost.
    pub(crate) fn is_told_by(&self, gap: &Gap) -> bool {
        gap.why == why(&self.day.to_string())
    }
}

/// The span of a damaged day that nothing else tells of.
pub(crate) fn gap(part: &DayPart) -> Option<Gap> {
    Some(Gap {
        from_ms: part.from_ms?,
        to_ms: part.to_ms?,
        why: why(&part.day),
    })
}

fn why(day: &str) -> String {
    format!("{day} is damaged in the archive")
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not restored: {} with {} events, as it is damaged in the archive ({})",
            self.day, self.events, self.why
        )?;
        match self.stays {
            true => write!(f, "; what the store has of that day stays as it is")?,
            false => write!(f, "; the store has nothing of that day that could stay")?,
        }
        match &self.elsewhere {
            Some((id, events)) => write!(f, "; backup {id} has {events} events of it"),
            None => write!(f, "; no other backup has any of it"),
        }
    }
}
