//! The choice of the backups that stay: by count, age and period, and never the newest proved one.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::store::day::Day;
use crate::trusted_now::TrustedNow;

/// What to keep. Rules add up: a backup stays if any of them wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How many of the newest verified backups stay; at least one always does. Backups of the same clock hour (UTC)
    /// count as one, and the older of them go first. Where the store lost something within that hour, the last backup
    /// before the loss stays, too.
    pub keep: usize,
    /// Everything younger than this, in milliseconds; 0: no such rule.
    pub within_ms: i64,
    /// For how many of the last days with backups (UTC) the newest verified one stays.
    pub daily: usize,
    /// The same for weeks (from Monday).
    pub weekly: usize,
    /// The same for months.
    pub monthly: usize,
    /// The same for years.
    pub yearly: usize,
    /// Backups that stay in any case, by id: a restore is about to read them.
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
    /// Equal numbers: the newer backup contains the older one.
    pub(super) history: u64,
}

/// The number of the day, week, ... that a time lies in.
type Period = fn(i64) -> i64;

/// The ids that go, each with the reason in words.
pub(super) fn choose(
    candidates: &[Candidate],
    policy: &Policy,
    now: TrustedNow,
) -> HashMap<String, String> {
    let now_ms = now.ms();
    let mut verified: Vec<&Candidate> = candidates.iter().filter(|c| c.verified).collect();
    verified.sort_by_key(|c| std::cmp::Reverse(c.sequence));
    // Backups without an event may not push out those that have some.
    let full: Vec<&Candidate> = verified.iter().copied().filter(|c| !c.empty).collect();
    let counted = policy.keep.max(1);
    let mut keep: HashSet<&str> = places(&full).take(counted).flat_map(of_place).collect();
    let mut extra = full.iter().map(|c| c.id.as_str());
    while keep.len() < counted
        && let Some(newest) = extra.next()
    {
        keep.insert(newest);
    }
    keep.extend(verified.first().map(|newest| newest.id.as_str()));
    // A time in the future does not make a backup young; its sequence decides.
    let young = |c: &&&Candidate| (0..policy.within_ms).contains(&(now_ms - c.created_at_ms));
    keep.extend(verified.iter().filter(young).map(|c| c.id.as_str()));
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
                keep.insert(&candidate.id);
            }
        }
    }
    // An unproved backup stays until enough newer ones are proved.
    let oldest = candidates
        .iter()
        .filter(|c| keep.contains(c.id.as_str()))
        .map(|c| c.sequence)
        .min();
    let unproved = candidates
        .iter()
        .filter(|c| !c.verified && oldest.is_none_or(|oldest| c.sequence > oldest));
    keep.extend(unproved.map(|c| c.id.as_str()));
    keep.extend(policy.needed.iter().map(String::as_str));

    let in_place_of: HashMap<&str, &str> = places(&full)
        .take(counted)
        .flat_map(|place| place.iter().map(|c| (c.id.as_str(), place[0].id.as_str())))
        .collect();
    let why = |c: &Candidate| match in_place_of.get(c.id.as_str()) {
        Some(newest) => format!("made in the same hour as {newest}, which counts for it"),
        None if !c.verified => "not proved, and older than all that stay".into(),
        None if c.empty => "there is no event in it".into(),
        None => format!("older than the newest {counted}, one an hour"),
    };
    candidates
        .iter()
        .filter(|c| !keep.contains(c.id.as_str()))
        .map(|c| (c.id.clone(), why(c)))
        .collect()
}

/// Backups of one hour share a place, so that a burst of them pushes out hardly any others. Clock hours do not move
/// when backups go; spans counted from a backup would. Given newest first.
fn places<'c, 'a>(full: &'a [&'c Candidate]) -> impl Iterator<Item = &'a [&'c Candidate]> {
    let hour = |c: &Candidate| c.created_at_ms.div_euclid(3_600_000);
    full.chunk_by(move |newer, older| hour(newer) == hour(older))
}

/// Of a place the newest backup stays, and with it the last one before the store lost something (through a restore, or
/// a day that left). Never more than these two, however often that happens within the hour.
fn of_place<'c>(place: &[&'c Candidate]) -> impl Iterator<Item = &'c str> {
    let first = place.last().map(|oldest| oldest.history);
    let before = place.iter().find(|c| Some(c.history) == first);
    let newest = place.first().into_iter();
    newest.chain(before).map(|c| c.id.as_str())
}

fn month(ms: i64) -> (i64, i64) {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => {
            let date = at.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
            (i64::from(date.year()), i64::from(date.month()))
        }
        Err(_) => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;

    struct At(i64);

    impl Clock for At {
        fn now_ms(&self) -> i64 {
            self.0
        }
    }

    fn choose(backups: &[Candidate], policy: &Policy, now_ms: i64) -> HashMap<String, String> {
        super::choose(backups, policy, TrustedNow::confirmed(&At(now_ms)))
    }

    fn candidate(sequence: u64, created_at_ms: i64, verified: bool, empty: bool) -> Candidate {
        Candidate {
            id: format!("b{sequence}"),
            sequence,
            created_at_ms,
            verified,
            empty,
            history: 0,
        }
    }

    fn keep(backups: &[Candidate], policy: &Policy, now_ms: i64) -> Vec<String> {
        let goes = choose(backups, policy, now_ms);
        let stays = backups.iter().filter(|c| !goes.contains_key(&c.id));
        stays.map(|c| c.id.clone()).collect()
    }

    #[test]
    fn empty_and_damaged_backups_never_push_good_ones_out() {
        let backups = vec![
            candidate(1, HOUR, true, false),
            candidate(2, 2 * HOUR, true, false),
            candidate(3, 3 * HOUR, true, true),
            candidate(4, 4 * HOUR, false, false),
            candidate(5, 5 * HOUR, true, true),
        ];
        let policy = Policy::count(2);
        assert_eq!(keep(&backups, &policy, 9 * HOUR), ["b1", "b2", "b4", "b5"]);
        assert_eq!(
            choose(&backups, &policy, 9 * HOUR)["b3"],
            "there is no event in it"
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
        let keep = keep(&backups, &policy, 400 * day);
        // 7 days, of the weeks and months those not among them already, and 1970's last.
        assert!((18..=26).contains(&keep.len()), "{}", keep.len());
        let kept = |id: &str| keep.iter().any(|kept| kept == id);
        assert!(kept("b400") && kept("b365"));
        assert!(kept("b17") && !kept("gone"));
    }

    #[test]
    fn those_of_an_hour_go_first_save_the_newest_and_the_last_before_something_was_taken_away() {
        let mut backups: Vec<Candidate> = (1..=7)
            .map(|n| candidate(n, 5 * HOUR + n as i64, true, false))
            .collect();
        backups[0].created_at_ms = 0;
        // Restores: before the fourth, and before the sixth.
        for (backup, history) in backups.iter_mut().zip([0, 0, 0, 1, 1, 2, 2]) {
            backup.history = history;
        }
        assert_eq!(
            keep(&backups, &Policy::count(2), 9 * HOUR),
            ["b1", "b3", "b7"]
        );
        // While there are few enough, all stay.
        assert_eq!(
            keep(&backups, &Policy::count(5), 9 * HOUR),
            ["b1", "b3", "b5", "b6", "b7"]
        );
        let goes = choose(&backups, &Policy::count(1), 9 * HOUR);
        assert_eq!(goes["b1"], "older than the newest 1, one an hour");
        assert_eq!(
            goes["b5"],
            "made in the same hour as b7, which counts for it"
        );
    }

    /// An archive that is pruned after each backup, and all that was ever in it.
    struct Archive {
        policy: Policy,
        made: Vec<Candidate>,
        left: Vec<Candidate>,
    }

    impl Archive {
        fn new(policy: Policy) -> Archive {
            Archive {
                policy,
                made: Vec::new(),
                left: Vec::new(),
            }
        }

        fn backup(&mut self, at_ms: i64, taken_away: bool) {
            let history = self.made.last().map_or(0, |before| before.history);
            let made = Candidate {
                history: history + u64::from(taken_away),
                ..candidate(self.made.len() as u64 + 1, at_ms, true, false)
            };
            self.made.push(made.clone());
            self.left.push(made);
            let goes = choose(&self.left, &self.policy, at_ms);
            self.left.retain(|c| !goes.contains_key(&c.id));
        }

        fn left(&self) -> Vec<&str> {
            self.left.iter().map(|c| c.id.as_str()).collect()
        }
    }

    /// Times between backups, and whether something was taken away: mostly quick ones, some nights, a clock set back.
    fn history() -> impl Strategy<Value = Vec<(i64, bool)>> {
        let pause = prop_oneof![
            6 => 0..HOUR / 4,
            3 => HOUR / 2..30 * HOUR,
            1 => -50 * HOUR..0,
        ];
        proptest::collection::vec((pause, proptest::bool::weighted(0.2)), 1..60)
    }

    fn after(policy: Policy, history: &[(i64, bool)]) -> (Archive, i64) {
        let mut archive = Archive::new(policy);
        let mut now = 1_000 * HOUR;
        for (pause, taken_away) in history {
            now += pause;
            archive.backup(now, *taken_away);
        }
        (archive, now)
    }

    proptest! {
        #[test]
        fn a_prune_after_each_backup_leaves_what_one_prune_at_the_end_would(
            history in history(), number in 1usize..8,
        ) {
            let (archive, now) = after(Policy::count(number), &history);
            let at_once = keep(&archive.made, &archive.policy, now);
            prop_assert_eq!(archive.left(), at_once);
            prop_assert!(archive.left.len() >= number.min(archive.made.len()));
            prop_assert!(archive.left.len() <= 2 * number);
        }

        #[test]
        fn a_burst_of_backups_costs_two_places_at_most(
            history in history(), number in 3usize..8, begin in 0..HOUR,
            burst in proptest::collection::vec((0..HOUR / 100, any::<bool>()), 100),
        ) {
            let (mut archive, now) = after(Policy::count(number), &history);
            let full: Vec<&Candidate> = archive.left.iter().rev().collect();
            let newest_of_each = places(&full).map(|place| place[0].id.clone());
            // The newest may share its hour with the burst: what that one holds, the burst's newest holds.
            let safe: Vec<String> = newest_of_each.take(number - 2).skip(1).collect();
            let mut now = now + begin;
            for (pause, taken_away) in burst {
                archive.backup(now, taken_away);
                now += pause;
            }
            for id in safe {
                prop_assert!(archive.left().contains(&id.as_str()), "{} of {:?}", id, archive.left());
            }
        }

        #[test]
        fn the_newest_verified_backup_always_stays(
            flags in proptest::collection::vec((any::<bool>(), any::<bool>(), -9 * HOUR..9 * HOUR), 1..30),
            number in 0usize..5, within_ms in 0..5 * HOUR, daily in 0usize..3, needed in 0u64..30,
        ) {
            let backups: Vec<Candidate> = flags.iter().enumerate()
                .map(|(n, (verified, empty, at))| candidate(n as u64, *at, *verified, *empty)).collect();
            let needed = vec![format!("b{needed}")];
            let policy = Policy { keep: number, within_ms, daily, weekly: 1, monthly: 0, yearly: 0, needed: needed.clone() };
            let kept = keep(&backups, &policy, 5 * HOUR);
            let there = backups.iter().find(|c| c.id == needed[0]);
            for wanted in [
                there,
                backups.iter().rfind(|c| c.verified),
                backups.iter().rfind(|c| c.verified && !c.empty),
            ].into_iter().flatten() {
                prop_assert!(kept.contains(&wanted.id));
            }
            let full: Vec<&Candidate> = backups.iter().rev().filter(|c| c.verified && !c.empty).collect();
            for place in places(&full).take(number.max(1)) {
                prop_assert!(kept.contains(&place[0].id));
            }
        }
    }
}
