//! When the next backup is due. Plain values: the clock is the caller's.

use std::time::Duration;

/// How long after a first failure the next try comes; each further one waits twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(30);
/// The longest wait between tries.
const LONGEST_RETRY: Duration = Duration::from_secs(3_600);
/// A backup that was missed while the agent was down runs this long after the start,
/// so that the first moments belong to the recording.
const CATCH_UP: Duration = Duration::from_secs(5);

/// What is known about the backups made so far; Unix milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct History {
    pub(crate) agent_started: i64,
    pub(crate) last_good: Option<i64>,
    /// The last try, if it failed.
    pub(crate) last_failure: Option<i64>,
    /// Failures since the last good one.
    pub(crate) failures: u32,
}

/// The moment of the next backup by the clock, in Unix milliseconds. It counts from the
/// last good backup and not from the start of the agent, so that a restart skips none
/// and a daily restart does not put it off for ever.
pub(crate) fn next_due(history: &History, every: Option<Duration>) -> Option<i64> {
    let every = millis(every?);
    let catch_up = history.agent_started.saturating_add(millis(CATCH_UP));
    let regular = match history.last_good {
        Some(last) => last.saturating_add(every).max(catch_up),
        None => catch_up,
    };
    match history.last_failure {
        Some(failed) if history.failures > 0 => {
            Some(failed.saturating_add(retry(history.failures, every)))
        }
        _ => Some(regular),
    }
}

/// The wait after the n-th failure in a row: doubling, and never longer than the interval.
fn retry(failures: u32, every: i64) -> i64 {
    let doubled = FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16));
    millis(doubled.min(LONGEST_RETRY)).min(every.max(1))
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const NOON: i64 = 1_795_000_000_000;

    #[test]
    fn it_counts_from_the_last_good_backup_not_from_the_start() {
        let history = History {
            agent_started: NOON - 1_000,
            last_good: Some(NOON - 3_600_000),
            ..History::default()
        };
        assert_eq!(
            next_due(&history, Some(DAY)),
            Some(NOON - 3_600_000 + 86_400_000)
        );
    }

    #[test]
    fn one_missed_while_the_agent_was_down_is_caught_up() {
        let history = History {
            agent_started: NOON,
            last_good: Some(NOON - 3 * 86_400_000),
            ..History::default()
        };
        assert_eq!(next_due(&history, Some(DAY)), Some(NOON + 5_000));
    }

    #[test]
    fn without_any_backup_the_first_comes_soon() {
        let history = History {
            agent_started: NOON,
            ..History::default()
        };
        assert_eq!(next_due(&history, Some(DAY)), Some(NOON + 5_000));
        assert_eq!(next_due(&history, None), None);
    }

    #[test]
    fn failures_are_tried_again_later_and_later() {
        let mut history = History {
            agent_started: NOON,
            last_failure: Some(NOON),
            failures: 1,
            ..History::default()
        };
        assert_eq!(next_due(&history, Some(DAY)), Some(NOON + 30_000));
        history.failures = 3;
        assert_eq!(next_due(&history, Some(DAY)), Some(NOON + 120_000));
        history.failures = 60;
        assert_eq!(next_due(&history, Some(DAY)), Some(NOON + 3_600_000));
        assert_eq!(
            next_due(&history, Some(Duration::from_secs(1))),
            Some(NOON + 1_000)
        );
    }
}
