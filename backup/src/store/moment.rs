//! What a moment means: the one place that turns a wall time into a place in the order of events.
//!
//! A moment means all that was recorded up to and including the last event, in the order of ids, whose wall time is not
//! later. Where the clock was set back over it, it happened more than once; then the last time is meant unless another
//! is asked for, and the answer says so.

use std::fmt;
use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::store::day::Day;
use crate::store::event::sql_timestamp;
use crate::store::id::EventId;
use crate::store::stretches::{STEP_MS, Stretch};

/// A moment as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Wall time, Unix milliseconds.
    pub ms: i64,
    /// Which time it is meant, from 1 on, where it happened more than once; `None`: the last.
    pub time: Option<usize>,
}

impl From<i64> for At {
    fn from(ms: i64) -> At {
        At { ms, time: None }
    }
}

/// A moment's place: everything with an id up to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) until: EventId,
    pub(crate) at_ms: i64,
}

/// A moment that happened more than once, as the clock was set back over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeated {
    /// The moment, Unix milliseconds.
    pub at_ms: i64,
    /// How often it happened.
    pub times: usize,
    /// Which of them is meant, from 1 on.
    pub shown: usize,
    /// The clock before and after it was set back the first time, Unix milliseconds.
    pub set_back_ms: (i64, i64),
}

impl Repeated {
    /// What is to be said of the end of a span, which is not chosen.
    pub fn in_order(&self) -> String {
        let (from_ms, to_ms) = self.set_back_ms;
        format!(
            "{} UTC happened {} times, as the clock was set back from {} to {}; this is time {}, with all that was \
             recorded before it",
            sql_timestamp(self.at_ms),
            self.times,
            sql_timestamp(from_ms),
            sql_timestamp(to_ms),
            self.shown
        )
    }
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (said, times) = (self.in_order(), self.times);
        write!(f, "{said}: @1 to @{times} behind a moment chooses")
    }
}

/// A record in which moments are looked up, day by day.
pub(crate) trait Record {
    /// Its days, oldest first.
    fn days(&mut self) -> Result<Vec<Day>>;

    /// The stretches of a day's events, in the order of ids.
    fn stretches(&mut self, day: Day) -> Result<Vec<Stretch>>;

    /// The last event of a day's stretch at or before a wall time.
    fn last_until(&mut self, day: Day, stretch: &Stretch, ms: i64) -> Result<Option<i64>>;

    /// The first event of a day after an id.
    fn next_after(&mut self, day: Day, id: i64) -> Result<Option<i64>>;
}

/// A day's stretch where the moment may lie.
struct Piece {
    day: Day,
    stretch: Stretch,
    /// It goes on in the piece after it.
    goes_on: bool,
}

/// Finds a moment's place, and says where it happened more than once.
///
/// # Errors
/// When the record cannot be read, or the moment did not happen as often as asked.
pub(crate) fn resolve(record: &mut dyn Record, at: At) -> Result<(Cut, Option<Repeated>)> {
    // The newest first.
    let mut pieces: Vec<Piece> = Vec::new();
    let mut meant = None;
    let days = record.days()?;
    let day_before = Day::of_ms(at.ms).previous();
    for day in days.iter().rev().copied() {
        if meant.is_some() && day < day_before {
            break;
        }
        for stretch in record.stretches(day)?.into_iter().rev() {
            let later = pieces.last();
            let goes_on = later.is_some_and(|later| stretch.goes_on_in(&later.stretch));
            if meant.is_none() && stretch.low_ms.saturating_sub(STEP_MS) <= at.ms {
                let last = record.last_until(day, &stretch, at.ms)?;
                meant = last.map(|last| (pieces.len(), last));
            }
            pieces.push(Piece {
                day,
                stretch,
                goes_on,
            });
        }
    }
    let happened = happened(&pieces, at.ms, meant.map(|(place, _)| place));
    let shown = match at.time {
        None => happened.len(),
        Some(time) if (1..=happened.len().max(1)).contains(&time) => time,
        Some(time) => {
            return Err(Error::Input {
                what: "moment".into(),
                found: format!("{} UTC, time {time}", sql_timestamp(at.ms)),
                expected: match happened.len() {
                    0 | 1 => "time 1: it happened once".into(),
                    times => format!("one of the {times} times that it happened"),
                },
            });
        }
    };
    let mut found = meant;
    if shown < happened.len() {
        found = None;
        for place in happened[shown - 1].clone() {
            let Piece { day, stretch, .. } = &pieces[place];
            if let Some(last) = record.last_until(*day, stretch, at.ms)? {
                found = Some((place, last));
                break;
            }
        }
    }
    let day = found.map(|(place, _)| pieces[place].day);
    let last = found.map(|(_, last)| last);
    let cut = Cut {
        until: until(record, &days, day, last, at.ms)?,
        at_ms: at.ms,
    };
    let repeated = (happened.len() > 1).then(|| Repeated {
        at_ms: at.ms,
        times: happened.len(),
        shown,
        set_back_ms: set_back(&pieces[..=*happened[0].start()]),
    });
    Ok((cut, repeated))
}

/// The stretches in which the moment happened, as places of their pieces, the first time first. The one that is meant
/// counts in any case.
fn happened(pieces: &[Piece], ms: i64, meant: Option<usize>) -> Vec<RangeInclusive<usize>> {
    let mut times = Vec::new();
    let Some(meant) = meant else { return times };
    let mut oldest = pieces.len();
    while oldest > 0 {
        // From the oldest piece that is left to the newest that it goes on in.
        let mut newest = oldest - 1;
        while newest > 0 && pieces[newest].goes_on {
            newest -= 1;
        }
        let stretch = &pieces[newest..oldest];
        let low_ms = stretch.iter().map(|piece| piece.stretch.low_ms).min();
        let high_ms = stretch.iter().map(|piece| piece.stretch.high_ms).max();
        let passed = low_ms.is_some_and(|low| low <= ms) && high_ms.is_some_and(|high| ms <= high);
        let is_meant = (newest..oldest).contains(&meant);
        if is_meant || passed && newest > meant {
            times.push(newest..=oldest - 1);
        }
        oldest = newest;
    }
    times
}

/// The clock before and after it was set back the first time, in pieces whose last is the oldest.
fn set_back(pieces: &[Piece]) -> (i64, i64) {
    let mut pairs = pieces.windows(2).rev();
    let step = pairs.find(|pair| pair[0].stretch.low_ms < pair[1].stretch.high_ms);
    step.map_or((0, 0), |pair| {
        (pair[1].stretch.high_ms, pair[0].stretch.low_ms)
    })
}

/// Up to which id: past the last event, as far as keyframes and gaps before the moment and before the next event go.
fn until(
    record: &mut dyn Record,
    days: &[Day],
    day: Option<Day>,
    last: Option<i64>,
    ms: i64,
) -> Result<EventId> {
    let last = last.unwrap_or(-1);
    let end_of_ms = EventId::last_of_ms(ms).0;
    let from = day.or(days.first().copied());
    for day in days
        .iter()
        .filter(|day| from.is_none_or(|from| **day >= from))
    {
        if let Some(next) = record.next_after(*day, last)? {
            return Ok(EventId(last.max(end_of_ms.min(next - 1))));
        }
    }
    // After the last event of all there is no telling when its clock showed what.
    let is_late = last > end_of_ms;
    Ok(EventId(if is_late { i64::MAX } else { end_of_ms }))
}
