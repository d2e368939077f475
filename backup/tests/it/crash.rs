//! Killed at any moment, again and again: what was committed is there exactly once.
#![allow(clippy::print_stdout)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use backup::{Recorder, RecorderOptions, Store};

use crate::stage::{number, numbers, series};

const FOLDER: &str = "STORE_TO_BE_KILLED_IN";

/// Not a test of its own: what the other one starts and kills. Without its folder it does nothing.
#[test]
fn the_recorder_that_is_killed() {
    let Some(dir) = std::env::var_os(FOLDER) else {
        return;
    };
    let dir = Path::new(&dir);
    let next = if dir.exists() {
        Store::open(dir).unwrap().summary().unwrap().events
    } else {
        0
    };
    let options = RecorderOptions {
        flush_interval: Duration::from_millis(1),
        ..RecorderOptions::default()
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let (recorder, _thread) = Recorder::start(dir, options).unwrap();
            let id = recorder.series(series("Room.level"));
            for n in next.. {
                let now = backup::Clock::now_ms(&backup::SystemClock);
                recorder.changes(now, vec![number(id, n as f64)]).await;
                if n % 7 == 0 {
                    recorder.flush().await.unwrap();
                    println!("committed {n}");
                }
            }
        });
}

#[test]
fn after_two_hundred_kills_every_committed_event_is_there_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut random = fastrand::Rng::with_seed(9);
    for kill in 0..200 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::the_recorder_that_is_killed",
                "--nocapture",
            ])
            .env(FOLDER, &store)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut committed = None;
        let mut wanted = random.u32(1..8);
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, number)) = line.split_once("committed ") {
                committed = number.trim().parse::<usize>().ok();
                wanted -= 1;
                if wanted == 0 {
                    break;
                }
            }
        }
        // Anywhere in the next few commits.
        std::thread::sleep(Duration::from_micros(random.u64(0..8000)));
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            let told = line
                .split_once("committed ")
                .and_then(|(_, number)| number.trim().parse().ok());
            committed = told.or(committed);
        }
        child.wait().unwrap();
        let committed = committed.expect("the recorder must have come up");
        let summary = Store::open(&store).unwrap().summary().unwrap();
        assert!(
            summary.events as usize > committed,
            "kill {kill}: {committed} was told, {} are there",
            summary.events
        );
        let found = numbers(&store);
        assert_eq!(
            found,
            (0..found.len()).map(|n| n as f64).collect::<Vec<_>>(),
            "kill {kill}"
        );
        let opened = Store::open(&store).unwrap();
        for day in opened.days().unwrap() {
            let check: String = opened
                .day_reader(day)
                .unwrap()
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .unwrap();
            assert_eq!(check, "ok", "kill {kill}");
        }
    }
    let gaps = Store::open(&store).unwrap().gaps(0, i64::MAX).unwrap();
    assert_eq!(
        gaps.len(),
        199,
        "each start after a kill says what may be missing"
    );
    assert!(
        gaps.iter()
            .all(|gap| gap.why == "the agent ended without stopping")
    );
}
