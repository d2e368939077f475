//! How long a commit takes while a backup runs and while none does, in turn: changes arrive at a given rate, each
//! round asks for a commit and waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backup::{
    Archive, Change, Clock as _, Recorder, RecorderOptions, SeriesId, Store, SystemClock,
};

use crate::generator::House;

/// Rounds with and without a backup.
const ROUNDS: usize = 6;
/// A round without a backup takes this long; one with a backup lasts as long as backups take, at least this.
const SPAN: Duration = Duration::from_secs(5);

/// Events in the open day before the first round: what a backup has to copy.
const THERE: u64 = 1_000_000;

/// Records into a store of its own, and prints what commits took.
pub(crate) fn table(dir: &Path, rate: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (without, with, backups) = runtime.block_on(run(dir, rate));
    println!(
        "| {rate} changes/s | commits | p50 ms | p99 ms | slowest ms |\n| --- | --- | --- | --- | --- |"
    );
    row("no backup", without);
    row(&format!("during {backups} backups"), with);
}

fn row(what: &str, mut waits: Vec<Duration>) {
    waits.sort_unstable();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "| {what} | {} | {:.1} | {:.1} | {:.1} |",
        waits.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

async fn run(dir: &Path, rate: u64) -> (Vec<Duration>, Vec<Duration>, usize) {
    let (recorder, thread) =
        Recorder::start(dir.join("commits"), RecorderOptions::default()).unwrap();
    let mut room = Room::new(&recorder);
    for _ in 0..THERE / 1000 {
        recorder.changes(now_ms(), room.frame(1000)).await;
    }
    recorder.flush().await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let feeder = tokio::spawn(feed(recorder.clone(), room, rate, Arc::clone(&over)));
    let (mut without, mut with, mut backups) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        without.extend(commits(&recorder, || false).await);
        // A new archive each time: the whole is copied, not only what is new.
        let archive = tempfile::tempdir_in(dir).unwrap();
        let (to, store) = (archive.path().to_path_buf(), dir.join("commits"));
        let backup = std::thread::spawn(move || {
            let store = Store::open(store).unwrap();
            Archive::open(to).unwrap().backup(&store, &[], &()).unwrap();
        });
        with.extend(commits(&recorder, || !backup.is_finished()).await);
        backup.join().unwrap();
        backups += 1;
    }
    over.store(true, Ordering::Relaxed);
    feeder.await.unwrap();
    recorder.stop().await.unwrap();
    thread.join();
    (without, with, backups)
}

/// Commits one after the other, each 20 ms after the one before, as long as `goes_on`, or for a span.
async fn commits(recorder: &Recorder, goes_on: impl Fn() -> bool) -> Vec<Duration> {
    let (begun, mut waits) = (Instant::now(), Vec::new());
    let with_backup = goes_on();
    while if with_backup {
        goes_on()
    } else {
        begun.elapsed() < SPAN
    } {
        let asked = Instant::now();
        recorder.flush().await.unwrap();
        waits.push(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    waits
}

/// Where changes come from.
struct Room {
    house: House,
    ids: Vec<SeriesId>,
}

impl Room {
    fn new(recorder: &Recorder) -> Room {
        let house = House::new(0, 86_400_000);
        let controls = house.controls.iter().cloned();
        let ids = controls.map(|series| recorder.series(series)).collect();
        Room { house, ids }
    }

    fn frame(&mut self, changes: u64) -> Vec<Change> {
        let change = |_| {
            let sample = self.house.sample();
            Change {
                series: self.ids[sample.control],
                value: sample.value,
                string: Some(sample.string.into()),
                position: sample.position,
            }
        };
        (0..changes).map(change).collect()
    }
}

fn now_ms() -> i64 {
    SystemClock.now_ms()
}

async fn feed(recorder: Recorder, mut room: Room, rate: u64, over: Arc<AtomicBool>) {
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    while !over.load(Ordering::Relaxed) {
        pace.tick().await;
        recorder.changes(now_ms(), room.frame(rate / 100)).await;
    }
}
