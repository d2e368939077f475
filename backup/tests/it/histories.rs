//! Whatever happens: what comes back, what a reader of the format reads, and what was recorded are the same.

use proptest::prelude::*;

use crate::histories_room::Room;
use crate::histories_steps::{Step, steps};

/// So many short histories, unless `HISTORIES` says another number.
const SHORT: u32 = 60;

fn cases() -> u32 {
    let asked = std::env::var("HISTORIES").ok();
    asked.map_or(SHORT, |asked| asked.parse().unwrap())
}

fn play(steps: &[Step]) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let mut room = Room::new();
            for step in steps {
                room.take(step).await;
            }
            room.take(&Step::Compare).await;
            room.take(&Step::Backup).await;
            room.take(&Step::Compare).await;
            room.end().await;
        });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_time: 60_000, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_back_after_any_short_history_is_what_was_recorded(steps in steps(0..10)) {
        play(&steps);
    }
}

/// Some changes of one control in one millisecond.
fn changes(n: usize) -> Step {
    Step::Record(vec![(0, 0); n])
}

fn back_to(event: u8) -> Step {
    Step::Restore {
        backup: None,
        at: Some(event),
        keep_newer: false,
    }
}

#[test]
fn what_was_shipped_of_a_history_that_a_backup_left_is_no_hole_after_it() {
    let later = Step::Record(vec![(0, 1)]);
    play(&[
        changes(9),
        Step::Backup,
        later.clone(),
        Step::Ship,
        back_to(0),
        Step::Backup,
        later,
        Step::Ship,
    ]);
}

#[test]
fn what_is_recorded_after_a_day_was_lost_is_not_joined_to_what_was_shipped_of_it() {
    let lost = [
        changes(1),
        Step::Backup,
        changes(1),
        Step::Ship,
        Step::LoseDay(0),
    ];
    for since in [1, 2, 3] {
        play(&[&lost[..], &[changes(since)]].concat());
        play(&[&lost[..], &[changes(since), Step::Ship]].concat());
    }
}

#[test]
fn a_backup_does_not_reach_into_a_day_that_was_lost_before_it() {
    let tomorrow = [Step::Clock(24 * 3_600_000), changes(1)];
    let lost = [Step::Ship, Step::LoseDay(1)];
    play(&[&[changes(1), Step::Backup], &tomorrow[..], &lost[..]].concat());
}

#[test]
fn what_is_recorded_after_an_import_comes_after_it_though_the_clock_is_set_back() {
    play(&[
        changes(1),
        Step::Clock(24 * 3_600_000),
        Step::Import {
            hours: 6,
            events: 3,
        },
        Step::Clock(-27 * 3_600_000),
        changes(2),
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases().div_ceil(60), failure_persistence: None, max_shrink_time: 240_000, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_back_after_any_long_history_is_what_was_recorded(steps in steps(80..160)) {
        play(&steps);
    }
}
