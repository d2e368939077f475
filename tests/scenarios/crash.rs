//! The agent killed without warning two hundred times, while a Core counts what it changed.

#![allow(clippy::print_stderr)] // the seed, to have a failure again

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backup::{EventId, Query, Store, Value};
use qrc_sim::{Component, Control, ControlKey, Core, CoreOptions, Design};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::stage::{Site, until};

const KILLS: u32 = 200;
const COUNTERS: usize = 40;

/// The values that one control was given: the n-th change gives it the value n, so each event names itself.
type Changes = Vec<Change>;

/// When the Core made a change: at or after the first moment, at or before the second, in Unix milliseconds.
#[derive(Debug, Clone, Copy)]
struct Change {
    after_ms: i64,
    before_ms: i64,
}

/// An event of the store: its id, which counter, and what that had counted.
type Told = (EventId, usize, usize);

/// A Core with nothing but counters, and everything it ever counted.
struct Counters {
    core: Core,
    keys: Vec<ControlKey>,
    changes: Mutex<Vec<Changes>>,
}

impl Counters {
    fn design() -> Design {
        let counters = (0..COUNTERS).fold(Component::new("Count", "custom_controls"), |all, n| {
            all.with(Control::integer(&format!("n.{n}"), 0, 16_000_000))
        });
        Design::new("Counting", "cO4uNt7eR9sX").with(counters)
    }

    fn new(core: Core) -> Self {
        let key = |n: usize| {
            core.with_controls(|controls| controls.lookup("Count", &format!("n.{n}")).unwrap())
        };
        Self {
            keys: (0..COUNTERS).map(key).collect(),
            changes: Mutex::new(vec![Changes::new(); COUNTERS]),
            core,
        }
    }

    fn count(&self, counter: usize) {
        let mut changes = self.changes.lock().unwrap();
        let (after_ms, next) = (now_ms(), changes[counter].len() + 1);
        self.core
            .with_controls(|controls| controls.set_value(self.keys[counter], next as f64));
        let before_ms = now_ms();
        changes[counter].push(Change {
            after_ms,
            before_ms,
        });
    }

    fn counted(&self, counter: usize) -> usize {
        self.changes.lock().unwrap()[counter].len()
    }

    /// Counts on wherever the store knows the last value. A Core merges what changes twice between two polls; this
    /// way nothing is merged, and whatever is missing was lost.
    fn go_on(&self, store: &Path) {
        for (counter, known) in known(store).into_iter().enumerate() {
            if known == Some(self.counted(counter)) {
                self.count(counter);
            }
        }
    }

    fn all_known(&self, store: &Path) -> bool {
        let known = known(store).into_iter().enumerate();
        known
            .into_iter()
            .all(|(counter, known)| known == Some(self.counted(counter)))
    }
}

#[test]
fn after_two_hundred_kills_every_change_is_there_once_or_lies_in_a_gap() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stop = CancellationToken::new();
    let core = Core::new(Counters::design(), CoreOptions::default());
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let site = Site::new(listener.local_addr().unwrap().port());
    runtime.spawn({
        let (core, stop) = (core.clone(), stop.clone());
        async move { core.serve(listener, stop).await }
    });
    let counters = Arc::new(Counters::new(core));
    let over = Arc::new(AtomicBool::new(false));
    let counting = std::thread::spawn({
        let (counters, over, store) = (Arc::clone(&counters), Arc::clone(&over), site.store());
        move || {
            while !over.load(Ordering::Relaxed) {
                counters.go_on(&store);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });

    let mut told: Vec<Told> = Vec::new();
    let mut after = None;
    for kill in 1..=KILLS {
        let agent = site.agent();
        // One agent in four is killed before it sees the Core's answers.
        if random.u32(0..4) > 0 {
            until("an event", || {
                (!events(&site.store(), after).is_empty()).then_some(())
            });
        }
        std::thread::sleep(Duration::from_micros(random.u64(0..250_000)));
        let seen = events(&site.store(), after);
        agent.kill();
        // The Core counts on while nobody listens.
        (0..COUNTERS).for_each(|counter| counters.count(counter));

        check_integrity(&site.store(), kill);
        let there = events(&site.store(), after);
        assert!(
            there.starts_with(&seen),
            "seed {seed}, kill {kill}: committed {seen:?}, there {there:?}"
        );
        told.extend(there);
        after = told.last().map(|(id, ..)| *id);
    }
    let agent = site.agent();
    until("the last values", || {
        over.store(true, Ordering::Relaxed);
        counters.all_known(&site.store()).then_some(())
    });
    counting.join().unwrap();
    until("the very last values", || {
        counters.all_known(&site.store()).then_some(())
    });
    assert_eq!(agent.terminate(), 0);
    stop.cancel();

    told.extend(events(&site.store(), after));
    assert!(
        events(&site.store(), None) == told,
        "seed {seed}: an event was lost or changed later on"
    );
    check_ledger(&site.store(), &told, &counters, seed);
}

/// Every change was told once and in order, or it lies inside a gap.
fn check_ledger(store: &Path, told: &[Told], counters: &Counters, seed: u64) {
    assert!(told.is_sorted_by(|(a, ..), (b, ..)| a < b), "seed {seed}");
    let gaps = Store::open(store).unwrap().gaps(0, i64::MAX).unwrap();
    let (mut stored, mut lost) = (0, 0);
    // If the first agent was killed before it read the Core, the record begins with a later one.
    let begins = told[0].0.ms().min(gaps[0].from_ms);
    for (counter, changes) in counters.changes.lock().unwrap().iter().enumerate() {
        let of_it: Vec<usize> = told
            .iter()
            .filter(|(_, of, _)| *of == counter)
            .map(|(.., value)| *value)
            .collect();
        assert!(
            of_it.is_sorted_by(|a, b| a < b),
            "seed {seed}: counter {counter} told {of_it:?}"
        );
        for (value, change) in (1..).zip(changes) {
            if of_it.binary_search(&value).is_ok() {
                stored += 1;
                continue;
            }
            lost += 1;
            if change.before_ms < begins {
                continue;
            }
            let mut around = gaps.iter();
            assert!(
                around.any(|gap| gap.from_ms <= change.after_ms && change.before_ms <= gap.to_ms),
                "seed {seed}: counter {counter} was {value} at {change:?}, and neither an event nor a gap says so: \
                 {gaps:?}"
            );
        }
    }
    assert_eq!(stored, told.len(), "nothing is told that was never counted");
    let kills = KILLS as usize;
    assert!(gaps.len() > kills / 2, "{} gaps", gaps.len());
    assert!(
        stored > 10 * kills,
        "only {stored} changes were recorded, {lost} fell into gaps"
    );
    eprintln!("{stored} recorded, {lost} in {} gaps", gaps.len());
}

/// What was committed after an event, oldest first.
fn events(store: &Path, after: Option<EventId>) -> Vec<Told> {
    let Ok(store) = Store::open(store) else {
        return Vec::new();
    };
    let query = Query {
        after,
        limit: usize::MAX,
        ..Query::default()
    };
    let page = store.events(&query).unwrap();
    let told = page.events.into_iter().map(|event| {
        let counter = event.series.path.strip_prefix("Count.n.").unwrap();
        (event.id, counter.parse().unwrap(), whole(event.value))
    });
    told.collect()
}

/// What the store knows each counter's last value to be.
fn known(store: &Path) -> Vec<Option<usize>> {
    let mut known = vec![None; COUNTERS];
    let Ok(store) = Store::open(store) else {
        return known;
    };
    for state in store.state_at(EventId::MAX_MS).unwrap().controls {
        let counter = state.series.path.strip_prefix("Count.n.").unwrap();
        known[counter.parse::<usize>().unwrap()] = Some(whole(state.value));
    }
    known
}

fn whole(value: Option<Value>) -> usize {
    match value {
        Some(Value::Number(number)) => number as usize,
        other => panic!("no number: {other:?}"),
    }
}

fn check_integrity(store: &Path, kill: u32) {
    let Ok(store) = Store::open(store) else {
        return;
    };
    for day in store.days().unwrap() {
        let database = store.day_reader(day).unwrap();
        let found: String = database
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        let file: PathBuf = store.day_path(day);
        assert_eq!(found, "ok", "{} after kill {kill}", file.display());
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
