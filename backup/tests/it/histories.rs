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

proptest! {
    #![proptest_config(ProptestConfig { cases: cases().div_ceil(60), failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_back_after_any_long_history_is_what_was_recorded(steps in steps(80..160)) {
        play(&steps);
    }
}
