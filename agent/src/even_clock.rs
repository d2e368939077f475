//! Watches whether the wall clock runs as evenly as the machine's own, which nobody sets.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::moment;

/// The two may differ by this much from one look to the next.
const STEP_MS: i64 = 60_000;

/// Since when the wall clock was not set, as far as this process knows.
#[derive(Debug)]
pub(crate) struct EvenClock(Mutex<Looks>);

#[derive(Debug)]
struct Looks {
    even_since: Instant,
    last: Instant,
    wall_ms: i64,
}

impl EvenClock {
    pub(crate) fn new() -> Self {
        let (now, wall_ms) = (Instant::now(), moment::now());
        Self(Mutex::new(Looks {
            even_since: now,
            last: now,
            wall_ms,
        }))
    }

    /// Compares both clocks; to be called every few seconds.
    pub(crate) fn look(&self) {
        self.look_at(Instant::now(), moment::now());
    }

    fn look_at(&self, now: Instant, wall_ms: i64) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(looks.last).as_millis();
        let shown = wall_ms.saturating_sub(looks.wall_ms);
        let differ = i128::from(shown) - i128::try_from(passed).unwrap_or(i128::MAX);
        if differ.unsigned_abs() > u128::from(STEP_MS.unsigned_abs()) {
            tracing::warn!(seconds = differ / 1000, "the wall clock was set");
            looks.even_since = now;
        }
        (looks.last, looks.wall_ms) = (now, wall_ms);
    }

    /// For how long it has run evenly.
    pub(crate) fn ran_for(&self) -> Duration {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.last.saturating_duration_since(looks.even_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_begins_anew_and_one_that_is_slewed_does_not() {
        let clock = EvenClock::new();
        let (begin, wall_ms) = (Instant::now(), moment::now());
        let second = |n: u64| begin + Duration::from_secs(n);
        for n in 1..=100 {
            clock.look_at(second(n), wall_ms + n as i64 * 1001);
        }
        assert!(clock.ran_for() >= Duration::from_secs(99));
        for set_ms in [3_600_000, -3_600_000] {
            clock.look_at(second(101), wall_ms + 101_000 + set_ms);
            assert_eq!(clock.ran_for(), Duration::ZERO);
            clock.look_at(second(102), wall_ms + 102_000 + set_ms);
            assert_eq!(clock.ran_for(), Duration::from_secs(1));
            clock.look_at(second(101), wall_ms + 101_000);
        }
    }
}
