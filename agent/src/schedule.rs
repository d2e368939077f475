//! When the next backup and the next prune are due. Plain values: the clock is the caller's.

mod times_of_day;

use std::fmt;
use std::time::Duration;

use backup::Day;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

pub(crate) use times_of_day::TimesOfDay;

/// How long after a first failure the next try comes; after each further failure it is twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(30);
/// The longest wait between tries.
const LONGEST_RETRY: Duration = Duration::from_secs(3_600);
/// A backup that was missed while the agent was down runs this long after the start,
/// so that the first moments belong to the recording.
const CATCH_UP: Duration = Duration::from_secs(5);
/// The first prune comes this long after the start: after a missed backup.
const FIRST_PRUNE: Duration = Duration::from_secs(10);
/// A backup at a time of day is overdue when it is this late.
const LATE: Duration = Duration::from_secs(2 * 3_600);

/// When backups are made by the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    /// Never.
    Off,
    /// This long after the last good one.
    Every(Duration),
    /// At these times of day.
    At(TimesOfDay),
}

/// The schedule as set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) when: When,
    /// Each backup comes later by a random part of this, so that the agents of a building
    /// do not all write to the same disk at once; at most a tenth of an interval.
    pub(crate) jitter: Duration,
}

/// What is known about the backups made so far; Unix milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct History {
    pub(crate) agent_started: i64,
    /// When the last one was made, or was proved again because there was nothing new.
    pub(crate) last_good: Option<i64>,
    /// The last try, if it failed.
    pub(crate) last_failure: Option<i64>,
    /// Failures since the last good one.
    pub(crate) failures: u32,
    /// The last prune, whether or not it failed.
    pub(crate) last_prune: Option<i64>,
    /// The same, where somebody else was at work in the archive.
    pub(crate) prune_found_busy: Option<i64>,
    /// When the store was put back or a day of it lost: no backup covers what is recorded since.
    pub(crate) unanchored_since: Option<i64>,
    /// The store is still empty: there is nothing to back up.
    pub(crate) nothing_recorded: bool,
    /// Makes this agent's jitter differ from others'.
    pub(crate) seed: u64,
}

impl Schedule {
    /// When the next backup by the clock is due, in Unix milliseconds; a moment before now means at
    /// once. It counts from the last good backup and not from the start of the agent, so that a
    /// restart skips no backup and a daily restart does not put it off for ever. None is due while the
    /// store is empty.
    pub(crate) fn next_due(&self, history: &History, now: i64) -> Option<i64> {
        // The clock may have been set back: a moment in the future does not count.
        let past = |moment: Option<i64>| moment.filter(|moment| *moment <= now);
        let regular = match past(history.last_good) {
            _ if self.when == When::Off || history.nothing_recorded => return None,
            Some(last) if history.unanchored_since.is_some_and(|since| since > last) => now,
            Some(last) => self
                .slot_after(last)?
                .saturating_add(self.spread(history, last)),
            None => now.min(history.agent_started),
        };
        let catch_up = past(Some(history.agent_started))
            .map_or(now, |started| started.saturating_add(millis(CATCH_UP)));
        match past(history.last_failure) {
            Some(failed) if history.failures > 0 => {
                Some(failed.saturating_add(self.retry(history.failures)))
            }
            _ => Some(regular.max(catch_up)),
        }
    }

    /// When the next prune by the clock is due, in Unix milliseconds, also where backups are off. It
    /// comes soon after the start, because the limits may have changed, then as each UTC day begins,
    /// because only then another day is too old. A prune that failed waits for the next day, too, but not where somebody
    /// was at work in the archive: a verification that comes with each day would keep it away for ever.
    pub(crate) fn next_prune(&self, history: &History, now: i64) -> i64 {
        let past = |moment: &i64| *moment <= now;
        if let Some(busy) = history.prune_found_busy.filter(past) {
            return busy.saturating_add(millis(FIRST_RETRY));
        }
        if let Some(last) = history.last_prune.filter(past) {
            return (Day::of_ms(last).end_ms()).saturating_add(self.spread(history, last));
        }
        let started = Some(history.agent_started).filter(past);
        started.map_or(now, |started| started.saturating_add(millis(FIRST_PRUNE)))
    }

    /// Whether the backup after `last_good` should have been there long ago.
    pub(crate) fn overdue(&self, last_good: i64, now: i64) -> bool {
        let grace = match self.when {
            When::Every(every) => every / 2,
            When::At(_) | When::Off => LATE,
        };
        self.slot_after(last_good)
            .is_some_and(|slot| now > slot.saturating_add(millis(grace + self.jitter)))
    }

    /// When a backup is due after one at `last`, without jitter.
    fn slot_after(&self, last: i64) -> Option<i64> {
        match &self.when {
            When::Off => None,
            When::Every(every) => Some(last.saturating_add(millis(*every))),
            When::At(times) => times.after(last, &TimeZone::system()),
        }
    }

    /// The jitter of the backup after the one at `last`; it is the same at every call.
    fn spread(&self, history: &History, last: i64) -> i64 {
        let most = match self.when {
            When::Every(every) => self.jitter.min(every / 10),
            When::At(_) | When::Off => self.jitter,
        };
        fastrand::Rng::with_seed(history.seed ^ last.cast_unsigned()).i64(0..=millis(most))
    }

    /// The wait after a number of failures in a row: it doubles, and is never longer than the interval.
    fn retry(&self, failures: u32) -> i64 {
        let longest = match self.when {
            When::Every(every) => LONGEST_RETRY.min(every),
            When::At(_) | When::Off => LONGEST_RETRY,
        };
        let doubled = FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16));
        millis(doubled.min(longest)).max(1)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Every(every) => match SignedDuration::try_from(*every) {
                Ok(every) => write!(f, "every {every:#}"),
                Err(_) => write!(f, "every {} s", every.as_secs()),
            },
            Self::At(times) => write!(f, "at {times}"),
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    const NOON: i64 = 1_795_000_000_000;

    fn every(seconds: u64) -> Schedule {
        Schedule {
            when: When::Every(Duration::from_secs(seconds)),
            jitter: Duration::ZERO,
        }
    }

    fn daily() -> Schedule {
        every(86_400)
    }

    fn started(agent_started: i64) -> History {
        History {
            agent_started,
            ..History::default()
        }
    }

    #[test]
    fn it_counts_from_the_last_good_backup_not_from_the_start() {
        let history = History {
            last_good: Some(NOON - HOUR),
            ..started(NOON - 1_000)
        };
        assert_eq!(daily().next_due(&history, NOON), Some(NOON - HOUR + DAY));
    }

    #[test]
    fn a_store_that_was_put_back_is_backed_up_at_once_and_failures_are_still_spaced() {
        let history = History {
            last_good: Some(NOON - HOUR),
            unanchored_since: Some(NOON - 2_000),
            ..started(NOON - DAY)
        };
        assert_eq!(daily().next_due(&history, NOON), Some(NOON));
        let failed = History {
            last_failure: Some(NOON - 1_000),
            failures: 1,
            ..history
        };
        assert_eq!(daily().next_due(&failed, NOON), Some(NOON + 29_000));
        let made = History {
            last_good: Some(NOON - 1_000),
            ..history
        };
        assert_eq!(daily().next_due(&made, NOON), Some(NOON - 1_000 + DAY));
        let off = Schedule {
            when: When::Off,
            ..daily()
        };
        assert_eq!(off.next_due(&history, NOON), None);
    }

    #[test]
    fn one_missed_while_the_agent_was_down_is_caught_up() {
        let history = History {
            last_good: Some(NOON - 3 * DAY),
            ..started(NOON)
        };
        assert_eq!(daily().next_due(&history, NOON), Some(NOON + 5_000));
        let nightly = Schedule {
            when: When::At(TimesOfDay::parse(&["03:00"]).unwrap()),
            jitter: Duration::ZERO,
        };
        assert_eq!(nightly.next_due(&history, NOON), Some(NOON + 5_000));
    }

    #[test]
    fn without_any_backup_the_first_comes_soon() {
        assert_eq!(daily().next_due(&started(NOON), NOON), Some(NOON + 5_000));
        let off = Schedule {
            when: When::Off,
            ..daily()
        };
        assert_eq!(off.next_due(&started(NOON), NOON), None);
    }

    #[test]
    fn none_is_due_before_anything_was_recorded() {
        let mut history = History {
            nothing_recorded: true,
            last_failure: Some(NOON - HOUR),
            failures: 1,
            ..started(NOON - DAY)
        };
        assert_eq!(daily().next_due(&history, NOON), None);
        history.nothing_recorded = false;
        assert!(daily().next_due(&history, NOON).is_some());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_put_it_off() {
        let history = History {
            last_good: Some(NOON + 365 * DAY),
            ..started(NOON + 365 * DAY)
        };
        assert_eq!(daily().next_due(&history, NOON), Some(NOON));
    }

    #[test]
    fn pruning_comes_soon_after_the_start_then_with_each_utc_day_though_backups_are_off() {
        let off = Schedule {
            when: When::Off,
            ..daily()
        };
        for schedule in [off, daily()] {
            let mut history = started(NOON);
            assert_eq!(schedule.next_prune(&history, NOON), NOON + 10_000);
            history.last_prune = Some(NOON);
            let midnight = schedule.next_prune(&history, NOON + 1);
            assert_eq!(midnight % DAY, 0);
            assert!((NOON + 1..=NOON + DAY).contains(&midnight));
            history.last_prune = Some(midnight);
            assert_eq!(schedule.next_prune(&history, midnight), midnight + DAY);
            // The clock is set back by a year.
            let then = NOON - 365 * DAY;
            assert_eq!(schedule.next_prune(&history, then), then);
        }
    }

    #[test]
    fn a_prune_that_found_somebody_at_work_comes_again_soon() {
        let history = History {
            last_prune: Some(NOON),
            prune_found_busy: Some(NOON),
            ..started(NOON - DAY)
        };
        assert_eq!(daily().next_prune(&history, NOON), NOON + 30_000);
    }

    #[test]
    fn pruning_has_the_jitter_of_the_backups() {
        let schedule = Schedule {
            jitter: Duration::from_secs(600),
            ..daily()
        };
        let late = |seed| {
            let history = History {
                last_prune: Some(NOON),
                seed,
                ..started(NOON)
            };
            schedule.next_prune(&history, NOON) % DAY
        };
        assert!((0..50).all(|seed| (0..=600_000).contains(&late(seed))));
        assert!((0..50).any(|seed| late(seed) != late(50)));
    }

    #[test]
    fn failures_are_tried_again_later_and_later() {
        let mut history = History {
            last_failure: Some(NOON),
            failures: 1,
            ..started(NOON)
        };
        assert_eq!(daily().next_due(&history, NOON), Some(NOON + 30_000));
        history.failures = 3;
        assert_eq!(daily().next_due(&history, NOON), Some(NOON + 120_000));
        history.failures = 60;
        assert_eq!(daily().next_due(&history, NOON), Some(NOON + HOUR));
        assert_eq!(every(1).next_due(&history, NOON), Some(NOON + 1_000));
    }

    #[test]
    fn jitter_stays_below_its_limit_and_does_not_change_from_look_to_look() {
        let schedule = Schedule {
            jitter: Duration::from_secs(600),
            ..daily()
        };
        let due = |seed| {
            let history = History {
                last_good: Some(NOON),
                seed,
                ..started(NOON)
            };
            let due = schedule.next_due(&history, NOON + 1);
            assert_eq!(schedule.next_due(&history, NOON + HOUR), due);
            due.unwrap() - NOON - DAY
        };
        let jitters: Vec<i64> = (0..50).map(due).collect();
        assert!(jitters.iter().all(|late| (0..=600_000).contains(late)));
        assert!(jitters.iter().any(|late| *late != jitters[0]));
        let short = Schedule {
            jitter: Duration::from_secs(600),
            ..every(60)
        };
        let history = History {
            last_good: Some(NOON),
            ..started(NOON - DAY)
        };
        assert!(short.next_due(&history, NOON).unwrap() <= NOON + 66_000);
    }

    #[test]
    fn overdue_is_said_half_an_interval_late() {
        assert!(!daily().overdue(NOON, NOON + DAY + 11 * HOUR));
        assert!(daily().overdue(NOON, NOON + DAY + 13 * HOUR));
        let off = Schedule {
            when: When::Off,
            ..daily()
        };
        assert!(!off.overdue(NOON, NOON + 365 * DAY));
    }

    #[test]
    fn it_is_shown_in_words() {
        assert_eq!(daily().when.to_string(), "every 24h");
        let times = TimesOfDay::parse(&["12:30", "03:00"]).unwrap();
        assert_eq!(When::At(times).to_string(), "at 03:00, 12:30");
    }
}
