//! How long to wait before the next attempt to connect. The only module that uses the crate
//! `backoff`.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// Waits whose limit doubles from attempt to attempt. Each wait is random between zero and its
/// limit ("full jitter"), so that the clients of one Core do not reconnect at the same moment.
#[derive(Debug)]
pub(crate) struct Retry {
    waits: ExponentialBackoff,
    cap: Duration,
    attempt: u32,
}

impl Retry {
    /// The first wait is less than `first`; no wait is longer than `cap`.
    pub(crate) fn new(first: Duration, cap: Duration) -> Retry {
        let mut waits = ExponentialBackoff {
            // The crate draws from (1 ± factor) × interval. With half the limit and a factor of one
            // that is zero to the limit.
            initial_interval: first / 2,
            max_interval: cap / 2,
            randomization_factor: 1.0,
            multiplier: 2.0,
            // A service never gives up.
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        waits.reset();
        Retry {
            waits,
            cap,
            attempt: 0,
        }
    }

    /// The wait before the next attempt.
    pub(crate) fn next_wait(&mut self) -> Duration {
        self.attempt = self.attempt.saturating_add(1);
        self.waits.next_backoff().unwrap_or(self.cap).min(self.cap)
    }

    /// How many attempts were waited for since the link was last good.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Call this after a good answer of the Core. An accepted connection alone proves nothing.
    pub(crate) fn proved(&mut self) {
        self.attempt = 0;
        self.waits.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(200);
    const CAP: Duration = Duration::from_secs(5);

    #[test]
    fn waits_stay_below_a_ceiling_that_doubles_up_to_the_cap() {
        let mut ceiling = FIRST;
        let mut retry = Retry::new(FIRST, CAP);
        for attempt in 1..=50 {
            let wait = retry.next_wait();
            assert!(
                wait <= ceiling + Duration::from_millis(1),
                "{attempt}: {wait:?}"
            );
            assert_eq!(retry.attempt(), attempt);
            ceiling = (ceiling * 2).min(CAP);
        }
    }

    #[test]
    fn a_good_answer_starts_the_waits_again() {
        let mut retry = Retry::new(FIRST, CAP);
        for _ in 0..20 {
            retry.next_wait();
        }
        retry.proved();
        assert!(retry.next_wait() <= FIRST + Duration::from_millis(1));
        assert_eq!(retry.attempt(), 1);
    }
}
