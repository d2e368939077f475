//! The time that something may be taken away by: the clock's, where it agrees with what is known to have happened.

use std::fmt;
use std::time::Duration;

use crate::clock::Clock;

const DAY_MS: i64 = 86_400_000;
/// The clock may differ from what is known by this much in both directions. Limits by age count in days.
const SLACK_MS: i64 = 2 * DAY_MS;
/// A clock that is further ahead, as after a month without power, must have run evenly for so long.
const EVEN: Duration = Duration::from_secs(12 * 3_600);
/// One that is ahead by more than this is never believed by itself.
const LONGEST_OFF_MS: i64 = 400 * DAY_MS;

/// The time, believed. Whatever takes backups or days away by their age judges by it, and by no bare clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedNow(i64);

/// The last moment that is known to have been, Unix milliseconds, and what it is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastKnown {
    /// The moment.
    pub at_ms: i64,
    /// What happened then, as in "the newest backup was made".
    pub what: &'static str,
}

/// Why the clock is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockDoubt {
    now_ms: i64,
    known: LastKnown,
}

impl TrustedNow {
    /// The clock's time, where it is near what is known last. A clock far ahead is believed once it has run evenly for
    /// twelve hours, as one does after a time without power, but never across more than 400 days.
    ///
    /// # Errors
    /// The doubt, in words.
    pub fn by(
        clock: &dyn Clock,
        known: Option<LastKnown>,
        ran_evenly: Duration,
    ) -> Result<TrustedNow, ClockDoubt> {
        let now_ms = clock.now_ms();
        let Some(known) = known else {
            return Ok(TrustedNow(now_ms));
        };
        let ahead_ms = now_ms.saturating_sub(known.at_ms);
        let waited_for = ahead_ms <= LONGEST_OFF_MS && ran_evenly >= EVEN;
        if ahead_ms >= -SLACK_MS && (ahead_ms <= SLACK_MS || waited_for) {
            Ok(TrustedNow(now_ms))
        } else {
            Err(ClockDoubt { now_ms, known })
        }
    }

    /// The clock's time, because a person says that it is right.
    pub fn confirmed(clock: &dyn Clock) -> TrustedNow {
        TrustedNow(clock.now_ms())
    }

    /// Unix milliseconds.
    pub fn ms(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ClockDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (now, known) = (utc(self.now_ms), utc(self.known.at_ms));
        let what = self.known.what;
        write!(
            f,
            "the clock says {now}, but {what} at {known}; nothing is removed by a clock that may be wrong, "
        )?;
        let ahead_ms = self.now_ms.saturating_sub(self.known.at_ms);
        if ahead_ms < 0 {
            f.write_str("until it is set right or somebody confirms it")
        } else if ahead_ms > LONGEST_OFF_MS {
            f.write_str("until somebody confirms it")
        } else {
            let hours = EVEN.as_secs() / 3_600;
            write!(
                f,
                "until it has run evenly for {hours} hours or somebody confirms it"
            )
        }
    }
}

fn utc(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => format!("{at:.0}"),
        Err(_) => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_000_000_000;

    struct At(i64);

    impl Clock for At {
        fn now_ms(&self) -> i64 {
            self.0
        }
    }

    fn by(now_ms: i64, hours: u64) -> Result<TrustedNow, ClockDoubt> {
        let known = LastKnown {
            at_ms: NOW,
            what: "the newest backup was made",
        };
        let even = Duration::from_secs(hours * 3_600);
        TrustedNow::by(&At(now_ms), Some(known), even)
    }

    #[test]
    fn a_dead_battery_is_never_believed_and_a_month_without_power_after_half_a_day() {
        assert!(by(NOW - DAY_MS, 0).is_ok());
        assert!(by(NOW + DAY_MS, 0).is_ok());
        let dead = by(1_577_836_805_000, 10_000).unwrap_err().to_string();
        assert_eq!(
            dead,
            "the clock says 2020-01-01T00:00:05Z, but the newest backup was made at 2026-11-18T11:06:40Z; nothing is \
             removed by a clock that may be wrong, until it is set right or somebody confirms it"
        );
        let month = NOW + 31 * DAY_MS;
        let said = by(month, 11).unwrap_err().to_string();
        assert!(
            said.ends_with("until it has run evenly for 12 hours or somebody confirms it"),
            "{said}"
        );
        assert_eq!(by(month, 12).unwrap().ms(), month);
        let years = by(NOW + 4_000 * DAY_MS, 10_000).unwrap_err().to_string();
        assert!(years.ends_with("until somebody confirms it"), "{years}");
        assert_eq!(TrustedNow::confirmed(&At(5)).ms(), 5);
    }

    proptest! {
        #[test]
        fn any_clock_is_answered(now: i64, known: i64) {
            let known = LastKnown { at_ms: known, what: "something was" };
            let judged = TrustedNow::by(&At(now), Some(known.clone()), Duration::ZERO);
            let near = now.abs_diff(known.at_ms) <= SLACK_MS.unsigned_abs();
            prop_assert_eq!(judged.is_ok(), near);
            if let Err(doubt) = judged {
                prop_assert!(!doubt.to_string().is_empty());
            }
        }
    }
}
