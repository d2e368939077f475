//! Whatever happens: what comes back, what a reader of the format reads, and what was recorded are the same.
// What fails is told in one line that can be played again.
#![allow(clippy::print_stderr)]

use std::num::NonZero;
use std::ops::Range;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use backup::Depth;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::histories_room::Room;
use crate::histories_steps::{Job, Step, steps};

/// So many short histories, unless `HISTORIES` says another number.
const SHORT: u64 = 60;
/// The histories of a run follow from this, so that a run says the same of the same program; `HISTORIES_FROM` chooses
/// others.
const FROM: u64 = 1;

fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |asked| asked.parse().unwrap())
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
            // Of all its backups.
            room.compare(Depth::Deep);
            room.end().await;
        });
}

/// Plays histories of so many steps, several at a time. Of one that fails it tells the least that still fails.
fn play_all(histories: u64, length: &Range<usize>) {
    let from = asked("HISTORIES_FROM", FROM);
    let (next, failed) = (AtomicU64::new(from), AtomicU64::new(u64::MAX));
    // A history waits half of its time.
    let players = 2 * thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= from + histories || failed.load(Ordering::Relaxed) < u64::MAX {
                        return;
                    }
                    if panic::catch_unwind(|| play(&history(n, length))).is_err() {
                        failed.fetch_min(n, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let n = failed.into_inner();
    if n == u64::MAX {
        return;
    }
    eprintln!(
        "history {n} fails: HISTORIES=1 HISTORIES_FROM={n} plays it again. Looking for its least part"
    );
    let least = least(history(n, length));
    eprintln!("so does: {least:?}");
    play(&least);
    panic!("history {n} failed once, and its least part did not");
}

/// The n-th history of all.
fn history(n: u64, length: &Range<usize>) -> Vec<Step> {
    let seeded = Config {
        rng_seed: RngSeed::Fixed(n),
        ..Config::default()
    };
    let tree = steps(length.clone()).new_tree(&mut TestRunner::new(seeded));
    tree.unwrap().current()
}

/// The steps, and their changes, without those that failing does not need.
fn least(steps: Vec<Step>) -> Vec<Step> {
    let told = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let fails = |steps: &[Step]| panic::catch_unwind(|| play(steps)).is_err();
    let mut steps = without(steps, &fails);
    for at in 0..steps.len() {
        if let Step::Record(changes) = steps[at].clone() {
            let with = |changes: &[(u8, u16)]| {
                let mut steps = steps.clone();
                steps[at] = Step::Record(changes.to_vec());
                steps
            };
            let fewer = without(changes, &|changes| fails(&with(changes)));
            steps = with(&fewer);
        }
    }
    panic::set_hook(told);
    steps
}

/// The parts without those that failing does not need: halves first, single ones last.
fn without<T: Clone>(mut parts: Vec<T>, fails: &dyn Fn(&[T]) -> bool) -> Vec<T> {
    let mut size = parts.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < parts.len() {
            let mut fewer = parts.clone();
            fewer.drain(at..(at + size).min(parts.len()));
            if fails(&fewer) {
                parts = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    parts
}

#[test]
fn what_comes_back_after_any_short_history_is_what_was_recorded() {
    play_all(asked("HISTORIES", SHORT), &(0..10));
}

#[test]
fn what_comes_back_after_any_long_history_is_what_was_recorded() {
    play_all(asked("HISTORIES", SHORT).div_ceil(60), &(80..160));
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

#[test]
fn a_day_that_an_import_brought_back_leaves_with_a_restore_and_is_no_loss() {
    play(&[
        changes(2),
        Step::Export,
        Step::Import {
            hours: 13,
            events: 1,
        },
        Step::LoseDay(213),
        Step::Backup,
        Step::ImportExport,
        back_to(209),
        changes(7),
    ]);
}

// The gap of the second start has a greater id than the events that come back below it.
#[test]
fn what_was_vouched_for_before_a_part_holds_no_more_with_it() {
    play(&[
        Step::Import {
            hours: 46,
            events: 2,
        },
        Step::Backup,
        Step::Record(vec![
            (7, 1603),
            (4, 1039),
            (7, 1915),
            (4, 301),
            (7, 1849),
            (5, 1692),
            (1, 1167),
        ]),
        Step::Record(vec![
            (1, 1083),
            (8, 645),
            (0, 1300),
            (8, 1175),
            (8, 525),
            (3, 1280),
        ]),
        Step::Record(vec![(7, 1015), (5, 1902), (3, 799), (1, 1258)]),
        Step::Record(vec![(3, 1958), (4, 1411)]),
        Step::Clock(24 * 3_600_000),
        Step::LoseDay(82),
        Step::Record(Vec::new()),
        Step::Backup,
        Step::Backup,
        Step::Record(Vec::new()),
        Step::Backup,
        back_to(147),
        Step::Record(Vec::new()),
        Step::Backup,
        Step::Undo,
        Step::Restore {
            backup: Some(79),
            at: None,
            keep_newer: true,
        },
        Step::Backup,
        Step::Backup,
        Step::Backup,
        Step::Backup,
        Step::Restore {
            backup: Some(195),
            at: None,
            keep_newer: false,
        },
    ]);
}

#[test]
fn what_follows_a_backup_whose_last_day_has_only_a_gap_is_shipped() {
    play(&[
        changes(1),
        Step::LoseDay(0),
        Step::Import {
            hours: 32,
            events: 3,
        },
        Step::Backup,
        changes(1),
        Step::Ship,
    ]);
}

#[test]
fn a_prune_that_is_killed_after_another_one_leaves_no_hole_in_the_chain() {
    let before = [changes(1), Step::Backup, Step::Backup, Step::Backup];
    let since = [Step::Prune(2), Step::Backup, Step::Backup];
    for at in 1..16 {
        let killed = [Step::Killed(Job::Prune, at)];
        play(&[&before[..], &since[..], &killed[..]].concat());
    }
}

#[test]
fn what_is_recorded_between_a_backup_and_the_first_shipping_of_a_history_is_shipped() {
    play(&[
        Step::Record(vec![(1, 1854)]),
        Step::Import {
            hours: 25,
            events: 2,
        },
        Step::ShipOn,
        Step::LoseDay(160),
        Step::Backup,
        Step::Record(vec![(0, 50)]),
        Step::ShipOn,
    ]);
}

#[test]
fn a_gap_that_an_undo_shortened_comes_back_so_with_a_part() {
    play(&[
        Step::Record(vec![(4, 1238)]),
        Step::Backup,
        Step::Restore {
            backup: None,
            at: None,
            keep_newer: true,
        },
        Step::LoseDay(89),
        Step::Clock(21600000),
        Step::Clock(86400000),
        Step::Import {
            hours: 38,
            events: 5,
        },
        Step::Backup,
        Step::Undo,
    ]);
}
