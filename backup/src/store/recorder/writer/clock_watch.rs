//! Notices that the wall clock was set: compares it with the machine's own counter, which nobody sets.

use std::time::Instant;

use crate::store::event::ClockStep;
use crate::store::stretches::STEP_MS;

/// What the clock showed at the last look.
pub(super) enum ClockWatch {
    /// Nobody looked yet, and nothing is known of the time before.
    New,
    /// It was at least this late when recording ended.
    Ended(i64),
    /// It showed this then.
    Seen(Instant, i64),
}

impl ClockWatch {
    /// Looks at the clock; gives its step since the last look, if it made one.
    pub(super) fn look(&mut self, now: Instant, wall_ms: i64) -> Option<ClockStep> {
        let step = match self {
            ClockWatch::New => None,
            // How long recording was off, only the clock knows; but it cannot have been less than nothing.
            ClockWatch::Ended(end_ms) => (wall_ms < *end_ms - STEP_MS).then(|| ClockStep {
                from_ms: *end_ms,
                to_ms: wall_ms,
                how: "the clock is before the end of the record".into(),
            }),
            ClockWatch::Seen(at, shown_ms) => {
                let passed = now.saturating_duration_since(*at).as_millis();
                let passed_ms = i64::try_from(passed).unwrap_or(i64::MAX);
                let expected_ms = shown_ms.saturating_add(passed_ms);
                (wall_ms.abs_diff(expected_ms) > STEP_MS.unsigned_abs()).then(|| ClockStep {
                    from_ms: expected_ms,
                    to_ms: wall_ms,
                    how: "seen while recording".into(),
                })
            }
        };
        *self = ClockWatch::Seen(now, wall_ms);
        step
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_step_is_what_differs_from_the_counter_by_more_than_a_second() {
        let (begin, wall_ms) = (Instant::now(), 1_800_000_000_000);
        let second = |n| begin + Duration::from_secs(n);
        let mut watch = ClockWatch::New;
        assert_eq!(watch.look(begin, wall_ms), None);
        assert_eq!(watch.look(second(10), wall_ms + 10_900), None);
        let back = watch
            .look(second(11), wall_ms + 11_900 - 3_600_000)
            .unwrap();
        assert_eq!(
            (back.from_ms, back.to_ms),
            (wall_ms + 11_900, wall_ms + 11_900 - 3_600_000)
        );
        assert_eq!(watch.look(second(12), back.to_ms + 1_000), None);
        let forth = watch.look(second(13), back.to_ms + 9_000).unwrap();
        assert_eq!(
            (forth.from_ms, forth.to_ms),
            (back.to_ms + 2_000, back.to_ms + 9_000)
        );
    }

    #[test]
    fn a_start_tells_only_of_a_clock_before_the_end_of_the_record() {
        for (wall_ms, step) in [(5_000_000, false), (1_000_000, false), (998_000, true)] {
            let mut watch = ClockWatch::Ended(1_000_000);
            let found = watch.look(Instant::now(), wall_ms);
            assert_eq!(found.is_some(), step, "{wall_ms}");
        }
    }
}
