//! The choice of the backups that stay: the newest proved one never goes, and none goes for a doubt.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::archive::retention::policy::Policy;
use crate::store::day::Day;
use crate::trusted_now::TrustedNow;

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

/// What the rules say of some backups.
pub(super) struct Choice {
    /// The ids that go, each with the reason in words.
    pub(super) goes: HashMap<String, String>,
    /// The ids that would stay if all were proved.
    pub(super) stays_if_all_proved: HashSet<String>,
}

/// Doubt removes nothing: what the rules would keep if all backups were proved stays, and a backup that is not proved
/// goes only when the proved ones alone fill the rules, so that it would go if it were proved, too.
pub(super) fn choose(candidates: &[Candidate], policy: &Policy, now: TrustedNow) -> Choice {
    let now_ms = now.ms();
    let mut newest_first: Vec<&Candidate> = candidates.iter().collect();
    newest_first.sort_by_key(|c| std::cmp::Reverse(c.sequence));
    let proved: Vec<&Candidate> = (newest_first.iter().copied())
        .filter(|c| c.verified)
        .collect();
    let mut keep = by_rules(&proved, policy, now_ms);
    let oldest = (proved.iter().filter(|c| keep.contains(c.id.as_str())))
        .map(|c| c.sequence)
        .min();
    let mut stays_if_all_proved = by_rules(&newest_first, policy, now_ms);
    stays_if_all_proved.extend(policy.needed.iter().map(String::as_str));
    keep.extend(&stays_if_all_proved);
    for doubtful in newest_first.iter().filter(|c| !c.verified) {
        let beside_proved = || -> Vec<&Candidate> {
            let considered = |c: &&Candidate| c.verified || c.sequence == doubtful.sequence;
            newest_first.iter().copied().filter(considered).collect()
        };
        if oldest.is_none_or(|oldest| doubtful.sequence > oldest)
            || by_rules(&beside_proved(), policy, now_ms).contains(doubtful.id.as_str())
        {
            keep.insert(&doubtful.id);
        }
    }

    let counted = policy.keep.max(1);
    let full = full(&proved);
    let in_place_of: HashMap<&str, &str> = places(&full)
        .take(counted)
        .flat_map(|place| place.iter().map(|c| (c.id.as_str(), place[0].id.as_str())))
        .collect();
    let why = |c: &Candidate| match in_place_of.get(c.id.as_str()) {
        Some(newest) => format!("made in the same hour as {newest}, which counts for it"),
        None if !c.verified => "not proved, and proved ones are all that the rules ask for".into(),
        None if c.empty => "there is no event in it".into(),
        None => format!("older than the newest {counted}, one an hour"),
    };
    let goes = candidates
        .iter()
        .filter(|c| !keep.contains(c.id.as_str()))
        .map(|c| (c.id.clone(), why(c)))
        .collect();
    Choice {
        goes,
        stays_if_all_proved: stays_if_all_proved.into_iter().map(str::to_owned).collect(),
    }
}

/// What the rules keep of some backups, newest first, as if all of them were proved.
fn by_rules<'c>(all: &[&'c Candidate], policy: &Policy, now_ms: i64) -> HashSet<&'c str> {
    let full = full(all);
    let counted = policy.keep.max(1);
    let mut keep: HashSet<&str> = places(&full).take(counted).flat_map(of_place).collect();
    let mut extra = full.iter().map(|c| c.id.as_str());
    while keep.len() < counted
        && let Some(newest) = extra.next()
    {
        keep.insert(newest);
    }
    keep.extend(all.first().map(|newest| newest.id.as_str()));
    // A time in the future does not make a backup young; its sequence decides.
    let young = |c: &&&Candidate| (0..policy.within_ms).contains(&(now_ms - c.created_at_ms));
    keep.extend(all.iter().filter(young).map(|c| c.id.as_str()));
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
    keep
}

/// Backups without an event may not push out those that have some.
fn full<'c>(all: &[&'c Candidate]) -> Vec<&'c Candidate> {
    all.iter().copied().filter(|c| !c.empty).collect()
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
        super::choose(backups, policy, TrustedNow::confirmed(&At(now_ms))).goes
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
        fn doubt_about_some_backups_removes_none(
            flags in proptest::collection::vec(
                (any::<bool>(), any::<bool>(), -90 * HOUR..9 * HOUR, proptest::bool::weighted(0.2)), 1..30,
            ),
            number in 0usize..5, within_ms in 0..5 * HOUR, daily in 0usize..3, weekly in 0usize..2,
        ) {
            let mut history = 0;
            let backups: Vec<Candidate> = flags.iter().enumerate().map(|(n, (verified, empty, at, taken_away))| {
                history += u64::from(*taken_away);
                Candidate { history, ..candidate(n as u64, *at, *verified, *empty) }
            }).collect();
            let policy = Policy { keep: number, within_ms, daily, weekly, monthly: 0, yearly: 0, needed: Vec::new() };
            let kept = keep(&backups, &policy, 5 * HOUR);
            let proved = |wanted: &dyn Fn(&Candidate) -> bool| -> Vec<Candidate> {
                let wanted = backups.iter().filter(|c| wanted(c)).cloned();
                wanted.map(|c| Candidate { verified: true, ..c }).collect()
            };
            for id in keep(&proved(&|_| true), &policy, 5 * HOUR) {
                prop_assert!(kept.contains(&id), "{} would stay if all were proved", id);
            }
            for doubtful in backups.iter().filter(|c| !c.verified && !kept.contains(&c.id)) {
                let beside_proved = proved(&|c| c.verified || c.id == doubtful.id);
                prop_assert!(!keep(&beside_proved, &policy, 5 * HOUR).contains(&doubtful.id));
                let newer = backups.iter().filter(|c| c.verified && !c.empty && c.sequence > doubtful.sequence);
                prop_assert!(doubtful.empty || newer.count() >= number.max(1), "fewer proved ones than asked for");
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
