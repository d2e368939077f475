//! Pushes per second through the client, beside a program that only reads the bytes and splits them
//! at NUL.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use qrc::{Client, Options, Selection, WatchEvent};

use crate::far_end::FarEnd;

const CONTROLS: usize = 500;
const ROUNDS: usize = 5;

pub(crate) fn report() {
    println!("pushes through a real socket, best of {ROUNDS}");
    println!("changes/push   pushes/s    changes/s    MB/s   floor MB/s   times the floor");
    for (changes, pushes) in [(1, 128 << 10), (50, 16 << 10), (500, 2 << 10)] {
        let watch = (0..ROUNDS).map(|_| watched(changes, pushes)).min().unwrap();
        let (floor, bytes) = (0..ROUNDS).map(|_| split(changes, pushes)).min().unwrap();
        let mb = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
        println!(
            "{changes:>12} {:>10.0} {:>12.0} {:>7.0} {:>12.0} {:>17.2}",
            pushes as f64 / watch.as_secs_f64(),
            (pushes * changes) as f64 / watch.as_secs_f64(),
            mb(watch),
            mb(floor),
            watch.as_secs_f64() / floor.as_secs_f64()
        );
    }
    println!();
}

/// How long a watch takes from its state to the last change.
fn watched(changes: usize, pushes: usize) -> Duration {
    let far_end = FarEnd::start(CONTROLS, changes, pushes);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let address = far_end.address;
        let client = Client::start(Options::new(address.ip().to_string(), address.port()));
        let mut watch = client.watch(Selection::default()).await.unwrap();
        let mut begun = Instant::now();
        let mut missing = pushes * changes;
        while missing > 0 {
            match watch.next().await.unwrap() {
                WatchEvent::State { .. } => begun = Instant::now(),
                WatchEvent::Changes { changes, .. } => {
                    missing = missing.saturating_sub(changes.len());
                }
                WatchEvent::Lost { why, .. } | WatchEvent::Gap { why, .. } => panic!("{why}"),
                WatchEvent::Inventory(_) => {}
            }
        }
        begun.elapsed()
    })
}

/// How long it takes to read the same pushes and to find their ends.
fn split(changes: usize, pushes: usize) -> (Duration, usize) {
    let far_end = FarEnd::start(CONTROLS, changes, pushes);
    let mut stream = TcpStream::connect(far_end.address).unwrap();
    stream
        .write_all(
            b"{\"id\":1,\"method\":\"ChangeGroup.AutoPoll\",\"params\":{\"Id\":\"qrc-0-0\"}}\0",
        )
        .unwrap();
    let mut buffer = vec![0; 64 << 10];
    // The first frame is the reply.
    let (mut frames, mut bytes, mut begun) = (0, 0, None);
    while frames < pushes + 1 {
        let count = stream.read(&mut buffer).unwrap();
        begun.get_or_insert_with(Instant::now);
        bytes += count;
        frames += memchr::memchr_iter(0, &buffer[..count]).count();
    }
    (begun.unwrap().elapsed(), bytes)
}
