//! The choice of the backups that stay: by count, age and period, and never the newest proved one.

use std::collections::{BTreeSet, HashSet};

use crate::day::Day;

/// What to keep. Rules add up: a backup stays if any of them wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The newest so many verified backups; at least one always stays.
    pub keep: usize,
    /// Everything younger than this, in milliseconds; 0: no such rule.
    pub within_ms: i64,
    /// The newest verified one of each of the last so many days that have any (UTC).
    pub daily: usize,
    /// The same for weeks (from Monday).
    pub weekly: usize,
    /// The same for months.
    pub monthly: usize,
    /// The same for years.
    pub yearly: usize,
    /// These ids in any case: what is about to be restored from them.
    pub needed: Vec<String>,
}

impl Policy {
    /// By count alone.
    pub fn count(keep: usize) -> Policy {
        Policy {
            keep,
            within_ms: 0,
            daily: 0,
            weekly: 0,
            monthly: 0,
            yearly: 0,
            needed: Vec::new(),
        }
    }
}

impl Default for Policy {
    /// The newest seven.
    fn default() -> Policy {
        Policy::count(7)
    }
}

/// What the choice is made from.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) sequence: u64,
    pub(super) created_at_ms: i64,
    pub(super) verified: bool,
    pub(super) empty: bool,
}

/// The number of the day, week, ... that a time lies in.
type Period = fn(i64) -> i64;

/// The ids to keep.
pub(super) fn choose(candidates: &[Candidate], policy: &Policy, now_ms: i64) -> HashSet<String> {
    let mut verified: Vec<&Candidate> = candidates.iter().filter(|c| c.verified).collect();
    verified.sort_by_key(|c| std::cmp::Reverse(c.sequence));
    let mut keep: HashSet<String> = HashSet::new();
    let mut add = |candidate: &Candidate| {
        keep.insert(candidate.id.clone());
    };
    // Backups without an event may not push out those that have some.
    let full: Vec<&&Candidate> = verified.iter().filter(|c| !c.empty).collect();
    for candidate in full.iter().take(policy.keep.max(1)) {
        add(candidate);
    }
    if let Some(newest) = verified.first() {
        add(newest);
    }
    // A time stamp from the future is no youth: only the sequence speaks for it.
    for candidate in &verified {
        let age = now_ms - candidate.created_at_ms;
        if (0..policy.within_ms).contains(&age) {
            add(candidate);
        }
    }
    let periods: [(usize, Period); 4] = [
        (policy.daily, |ms| Day::of_ms(ms).start_ms()),
        // 1970-01-05 was the first Monday.
        (policy.weekly, |ms| {
            (ms - 4 * 86_400_000).div_euclid(7 * 86_400_000)
        }),
        (policy.monthly, |ms| month(ms).0 * 12 + month(ms).1),
        (policy.yearly, |ms| month(ms).0),
    ];
    for (count, period) in periods {
        let mut seen = BTreeSet::new();
        for candidate in full.iter().filter(|c| c.created_at_ms <= now_ms) {
            if seen.len() == count {
                break;
            }
            if seen.insert(period(candidate.created_at_ms)) {
                add(candidate);
            }
        }
    }
    // What is not proved stays until enough that is proved came after it.
    let proved = candidates
        .iter()
        .filter(|c| keep.contains(&c.id))
        .map(|c| c.sequence)
        .min();
    for candidate in candidates.iter().filter(|c| !c.verified) {
        if proved.is_none_or(|oldest| candidate.sequence > oldest) {
            keep.insert(candidate.id.clone());
        }
    }
    let needed = candidates.iter().filter(|c| policy.needed.contains(&c.id));
    keep.extend(needed.map(|c| c.id.clone()));
    keep
}

fn month(ms: i64) -> (i64, i64) {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => {
            let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
            (i64::from(date.year()), i64::from(date.month()))
        }
        Err(_) => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(sequence: u64, created_at_ms: i64, verified: bool, empty: bool) -> Candidate {
        Candidate {
            id: format!("b{sequence}"),
            sequence,
            created_at_ms,
            verified,
            empty,
        }
    }

    #[test]
    fn empty_and_damaged_backups_never_push_good_ones_out() {
        let backups = vec![
            candidate(1, 1, true, false),
            candidate(2, 2, true, false),
            candidate(3, 3, true, true),
            candidate(4, 4, false, false),
            candidate(5, 5, true, true),
        ];
        let keep = choose(&backups, &Policy::count(2), 10);
        assert!(
            keep.contains("b1")
                && keep.contains("b2")
                && keep.contains("b5")
                && keep.contains("b4")
        );
    }

    #[test]
    fn grandfathers_are_kept_by_period() {
        let day = 86_400_000;
        let backups: Vec<Candidate> = (0..400)
            .map(|n| candidate(n + 1, n as i64 * day + 1000, true, false))
            .collect();
        let policy = Policy {
            keep: 1,
            within_ms: 0,
            daily: 7,
            weekly: 4,
            monthly: 12,
            yearly: 2,
            needed: vec!["b17".into(), "gone".into()],
        };
        let keep = choose(&backups, &policy, 400 * day);
        // 7 days, of the weeks and months those not among them already, and 1970's last.
        assert!((18..=26).contains(&keep.len()), "{}", keep.len());
        assert!(keep.contains("b400") && keep.contains("b365"));
        assert!(keep.contains("b17") && !keep.contains("gone"));
    }

    proptest! {
        #[test]
        fn the_newest_verified_backup_always_stays(
            flags in proptest::collection::vec((any::<bool>(), any::<bool>(), -1000i64..1000), 1..30),
            keep in 0usize..5, within_ms in 0i64..500, daily in 0usize..3,
        ) {
            let backups: Vec<Candidate> = flags.iter().enumerate()
                .map(|(n, (verified, empty, at))| candidate(n as u64, *at, *verified, *empty)).collect();
            let policy = Policy { keep, within_ms, daily, weekly: 1, monthly: 0, yearly: 0, needed: Vec::new() };
            let kept = choose(&backups, &policy, 500);
            for wanted in [
                backups.iter().rfind(|c| c.verified),
                backups.iter().rfind(|c| c.verified && !c.empty),
            ].into_iter().flatten() {
                prop_assert!(kept.contains(&wanted.id));
            }
            let full = backups.iter().filter(|c| c.verified && !c.empty).count();
            let kept_full = backups.iter().filter(|c| c.verified && !c.empty && kept.contains(&c.id)).count();
            prop_assert!(kept_full >= full.min(keep.max(1)));
        }
    }
}
