//! Clocks that are wrong: by them nothing leaves the archive or the store that a right one would have kept.

use std::collections::BTreeSet;
use std::time::Duration;

use backup::{Clock as _, Day, Error, Policy, Retention, RetentionPlan, SystemClock, TrustedNow};
use proptest::prelude::*;

use crate::archive_forge::reseal;
use crate::archive_stage::{Stage, day_ms};
use crate::stage::TestClock;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 2020-01-01T00:00:05Z: the battery is empty.
const DEAD_BATTERY: i64 = 1_577_836_805_000;
/// 2040-01-01T00:00:00Z.
const YEAR_2040: i64 = 2_208_988_800_000;

fn month() -> Policy {
    Policy {
        within_ms: 30 * DAY,
        ..Policy::count(6)
    }
}

impl Stage {
    /// A backup as a clock at `at_ms` makes it.
    fn backup_at(&self, at_ms: i64) {
        let made = self.archive.backup(&self.store, &[], &()).unwrap();
        assert!(made.verified);
        reseal(&self.backups_dir(), |manifest| {
            manifest["created_at_ms"] = at_ms.into();
        });
    }

    fn judged(&self, clock_ms: i64, hours_even: u64) -> backup::Result<TrustedNow> {
        let even = Duration::from_secs(hours_even * 3_600);
        self.archive.trusted_now(&TestClock::at(clock_ms), even)
    }

    /// What a prune at a moment would remove, if somebody said that the clock is right.
    fn pruned_at(&self, ms: i64) -> BTreeSet<String> {
        let now = TrustedNow::confirmed(&TestClock::at(ms));
        let report = self.archive.prune(month(), now, true).unwrap();
        report.removed.into_iter().map(|gone| gone.id).collect()
    }
}

/// Twenty backups, one a day, the last of them now.
fn twenty_days() -> (Stage, i64) {
    let stage = Stage::with(2, 20);
    let now = SystemClock.now_ms();
    for n in (0..20).rev() {
        stage.backup_at(now - n * DAY);
    }
    (stage, now)
}

#[test]
fn an_empty_battery_prunes_nothing_however_many_backups_it_makes() {
    let (stage, now) = twenty_days();
    assert_eq!(
        stage.pruned_at(DEAD_BATTERY).len(),
        14,
        "what would be lost"
    );
    for n in 0..9 {
        let doubt = stage.judged(DEAD_BATTERY + n * DAY, 1_000).unwrap_err();
        assert!(matches!(doubt, Error::ClockInDoubt(_)), "{doubt}");
        assert!(
            doubt.to_string().starts_with("the clock says 2020-01-"),
            "{doubt}"
        );
        stage.backup_at(DEAD_BATTERY + n * DAY);
    }
    // The clock is set right.
    let right = stage.judged(now + DAY, 0).unwrap();
    stage.archive.prune(month(), right, false).unwrap();
    let left = stage.archive.list().unwrap();
    let old = left
        .iter()
        .filter(|made| made.created_at_ms > DEAD_BATTERY + 9 * DAY);
    assert_eq!(old.count(), 20);
}

#[test]
fn seconds_in_2040_remove_no_day_and_what_was_made_in_them_is_no_proof() {
    let (stage, now) = twenty_days();
    let retention = Retention {
        days: Some(30),
        bytes: None,
    };
    let in_2040 = TrustedNow::confirmed(&TestClock::at(YEAR_2040));
    let lost: RetentionPlan = stage
        .store
        .plan_retention(&retention, in_2040, &|_| true)
        .unwrap();
    assert_eq!(
        lost.remove[0].day,
        Day::of_ms(day_ms(0)),
        "what would be lost"
    );
    // The first backup of this archive since the time is noted at all.
    let note = stage.backups_dir().join("clock.json");
    std::fs::remove_file(&note).unwrap();
    for ahead in [YEAR_2040, now + 40 * DAY] {
        stage.backup_at(ahead);
        assert!(matches!(
            stage.judged(ahead, 0),
            Err(Error::ClockInDoubt(_))
        ));
        stage.backup_at(ahead + 8_000);
        assert!(matches!(
            stage.judged(ahead + 8_000, 11),
            Err(Error::ClockInDoubt(_))
        ));
    }
    // Back in the present it is as before, and a month without power is believed after half a day.
    let right = stage.judged(now + 1_000, 0).unwrap();
    stage.archive.prune(month(), right, false).unwrap();
    assert!(stage.judged(now + 31 * DAY, 0).is_err());
    let after_a_month = stage.judged(now + 31 * DAY, 12).unwrap();
    assert_eq!(after_a_month.ms(), now + 31 * DAY);
}

#[test]
fn who_says_that_the_clock_is_right_is_believed_from_then_on() {
    let (stage, now) = twenty_days();
    let years = now + 900 * DAY;
    assert!(stage.judged(years, 1_000).is_err());
    let confirmed = TrustedNow::confirmed(&TestClock::at(years));
    // A look changes nothing.
    stage.archive.prune(month(), confirmed, true).unwrap();
    assert!(stage.judged(years, 1_000).is_err());
    let pruned = stage.archive.prune(month(), confirmed, false).unwrap();
    assert_eq!(pruned.removed.len(), 14);
    assert!(stage.judged(years + DAY, 0).is_ok());
    assert!(stage.judged(now, 0).is_err());
}

/// What happens to a machine and its clock.
#[derive(Debug, Clone)]
enum Step {
    /// A day passes, with a backup and a prune.
    Day,
    /// Switched off for so many days.
    Off(i64),
    /// The clock is wrong by this for some hours, with backups and prunes.
    Wrong { by: i64, backups: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let by = prop_oneof![-3_000 * DAY..-6 * DAY, 6 * DAY..6_000 * DAY, -DAY..DAY];
    let step = prop_oneof![
        6 => Just(Step::Day),
        1 => (1i64..16).prop_map(Step::Off),
        2 => (by, 0i64..4).prop_map(|(by, backups)| Step::Wrong { by, backups }),
    ];
    proptest::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_a_clock_does_nothing_goes_that_a_right_one_would_have_kept(steps in steps()) {
        let stage = Stage::with(1, 5);
        let mut true_ms = SystemClock.now_ms();
        let mut even = 0;
        let prune = |true_ms: i64, clock_ms: i64, even: u64| {
            stage.backup_at(clock_ms);
            let Ok(now) = stage.judged(clock_ms, even) else { return Ok(false) };
            let slack = [-2 * DAY, 0, 2 * DAY];
            let right: BTreeSet<String> = slack.iter().flat_map(|off| stage.pruned_at(true_ms + off)).collect();
            let report = stage.archive.prune(month(), now, false).unwrap();
            for gone in report.removed {
                prop_assert!(right.contains(&gone.id), "{} went at {clock_ms}, truly {true_ms}", gone.id);
            }
            Ok(true)
        };
        let mut made = false;
        for step in steps {
            match step {
                Step::Day => {
                    true_ms += DAY;
                    even += 24;
                    let pruned = prune(true_ms, true_ms, even)?;
                    prop_assert!(pruned || made, "a right clock is believed");
                    made = true;
                }
                Step::Off(days) => (true_ms, even) = (true_ms + days * DAY, 0),
                Step::Wrong { by, backups } => {
                    for n in 0..backups {
                        true_ms += HOUR;
                        // The first backup is made by a clock that nobody can doubt.
                        prune(true_ms, true_ms + if made { by } else { 0 }, n.unsigned_abs())?;
                        made = true;
                    }
                    even = 0;
                }
            }
        }
        // Once the clock has been right for a day, it is believed again.
        true_ms += DAY;
        prop_assert!(prune(true_ms, true_ms, 24)?);
    }
}
