//! Two hundred random faults: each change is reported exactly once, or is inside a reported gap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use qrc::{Client, ControlId, Options, Selection, Value, Watch, WatchEvent};
use qrc_sim::{Component, Control, Core, CoreOptions, Design, Fault, FaultKind};

use crate::stage::Stage;

const FAULTS: usize = 200;
const CONTROLS: usize = 16;
/// The Core merges changes of a control between two polls, so each control rests longer than that.
const RATE: Duration = Duration::from_millis(30);
const REST: Duration = Duration::from_millis(160);
const PATIENCE: Duration = Duration::from_secs(30);

fn design() -> Design {
    let counters = (0..CONTROLS).fold(Component::new("Counters", "custom_controls"), |all, at| {
        all.with(Control::integer(&format!("count.{at}"), 0, 1_000_000))
    });
    Design::new("Soak", "zT4mQ9wXb2Lk").with(counters)
}

fn random_fault(random: &mut fastrand::Rng) -> Fault {
    let ms = |from: u64, to: u64, random: &mut fastrand::Rng| {
        Duration::from_millis(random.u64(from..to))
    };
    let kind = match random.u8(0..9) {
        0 => FaultKind::Drop(ms(1, 60, random)),
        1 => FaultKind::Restart(ms(1, 60, random)),
        2 => FaultKind::Stall(ms(5, 60, random)),
        3 => FaultKind::Garble,
        4 => FaultKind::Swallow(None),
        5 => FaultKind::Split(random.usize(0..40)),
        6 => FaultKind::Coalesce(ms(5, 40, random)),
        7 => FaultKind::Delay(ms(0, 5, random), ms(5, 40, random)),
        _ => FaultKind::Reorder(ms(5, 40, random)),
    };
    let mut fault = Fault::from(kind);
    match fault.kind {
        FaultKind::Garble | FaultKind::Swallow(_) => fault.times = Some(1),
        _ => fault.lasting = Some(ms(20, 80, random)),
    }
    fault
}

/// Counts every control up, one after the other, until stopped. Returns the count reached.
async fn count_up(core: Core, stop: Arc<AtomicBool>) -> u32 {
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        for at in 0..CONTROLS {
            core.with_controls(|controls| {
                let key = controls
                    .lookup("Counters", &format!("count.{at}"))
                    .expect("a counter");
                assert!(controls.set_value(key, f64::from(round)));
            });
            tokio::time::sleep(REST / CONTROLS as u32).await;
        }
    }
    round
}

/// What a consumer has received.
#[derive(Default)]
struct Ledger {
    told: Vec<Option<u32>>,
    changes: u64,
    gaps: u64,
    /// Changes that were made inside gaps and not reported one by one.
    in_gaps: u64,
    in_gap: bool,
    violations: Vec<String>,
}

impl Ledger {
    fn take(&mut self, event: WatchEvent) {
        match event {
            WatchEvent::Inventory(inventory) => self.told.resize(inventory.controls.len(), None),
            // The gap that follows says what was missed.
            WatchEvent::Lost { .. } => {}
            WatchEvent::Gap { from, to, why } => {
                self.gaps += 1;
                self.in_gap = true;
                if from > to || why.is_empty() {
                    self.violations
                        .push(format!("a gap {from:?} to {to:?}: {why:?}"));
                }
            }
            WatchEvent::State { readings, .. } => {
                if readings.len() != CONTROLS {
                    self.violations
                        .push(format!("a state of {} controls", readings.len()));
                }
                for (control, reading) in readings {
                    self.state(control, number(reading.value));
                }
                self.in_gap = false;
            }
            WatchEvent::Changes { changes, .. } => {
                for change in changes {
                    self.change(change.control, number(change.reading.value));
                }
            }
        }
    }

    fn state(&mut self, control: ControlId, value: u32) {
        let told = &mut self.told[control.0 as usize];
        if let Some(last) = *told {
            let missed = u64::from(value.saturating_sub(last));
            if value < last || (missed > 0 && !self.in_gap) {
                self.violations
                    .push(format!("{control:?}: {last}, then {value} in a state"));
            }
            self.in_gaps += missed;
        }
        *told = Some(value);
    }

    fn change(&mut self, control: ControlId, value: u32) {
        let told = &mut self.told[control.0 as usize];
        if *told != value.checked_sub(1) {
            self.violations
                .push(format!("{control:?}: {told:?}, then {value}"));
        }
        *told = Some(value);
        self.changes += 1;
    }
}

fn number(value: Option<Value>) -> u32 {
    match value {
        Some(Value::Number(number)) => number as u32,
        other => panic!("{other:?}"),
    }
}

async fn follow(mut watch: Watch, mut goal: tokio::sync::watch::Receiver<Option<u32>>) -> Ledger {
    let mut ledger = Ledger::default();
    loop {
        let reached = *goal.borrow_and_update();
        if reached.is_some() && ledger.told.iter().all(|told| *told == reached) {
            return ledger;
        }
        let event = async {
            tokio::select! {
                event = watch.next() => Some(event.expect("a live watch")),
                Ok(()) = goal.changed() => None,
            }
        };
        match tokio::time::timeout(PATIENCE, event).await {
            Ok(Some(event)) => ledger.take(event),
            Ok(None) => {}
            Err(_) => panic!("no event; {reached:?} reached, {:?} told", ledger.told),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_faults_lose_and_repeat_nothing_unreported() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let stage = Stage::open(design(), CoreOptions::default()).await;
    let mut options = Options::new(stage.address.ip().to_string(), stage.address.port());
    options.retry_first = Duration::from_millis(5);
    options.retry_cap = Duration::from_millis(50);
    options.reply_timeout = Duration::from_millis(500);
    let client = Client::start(options);
    let selection = Selection {
        rate: RATE,
        ..Selection::default()
    };
    let watch = client.watch(selection).await.unwrap();
    let (reached, goal) = tokio::sync::watch::channel(None);
    let following = tokio::spawn(follow(watch, goal));
    let stop = Arc::new(AtomicBool::new(false));
    let counting = tokio::spawn(count_up(stage.core.clone(), stop.clone()));

    let begun = Instant::now();
    for _ in 0..FAULTS {
        stage.core.faults().add(random_fault(&mut random));
        let pause = Duration::from_millis(random.u64(20..140));
        tokio::time::sleep(pause).await;
        if random.u8(0..4) == 0 {
            stage.core.faults().clear();
        }
    }
    stage.core.faults().clear();
    stop.store(true, Ordering::Relaxed);
    let last = counting.await.unwrap();
    reached.send_replace(Some(last));

    let ledger = following.await.unwrap();
    println!(
        "seed {seed}: {FAULTS} faults in {:.1?}, {} changes made: {} told, {} in {} gaps",
        begun.elapsed(),
        u64::from(last) * CONTROLS as u64,
        ledger.changes,
        ledger.in_gaps,
        ledger.gaps
    );
    assert_eq!(ledger.violations, Vec::<String>::new(), "seed {seed}");
    assert!(ledger.gaps > 0, "seed {seed}: no fault was felt");
}
