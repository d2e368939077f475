//! Recording through a real socket: what `qsys-agent run` costs from the Core's pushes to committed rows, beside
//! the same rows put into the store, and into the original's table, without a network.
//!
//! `cargo bench -p agent --bench record -- [EVENTS] [--house N] [--faders N] [--seconds N]` prints the tables of
//! BENCHMARKS.md: EVENTS (a million) of a house in use, whose controls ask for N changes a second (20,000; a control is
//! told at most ten times a second); as many of N faders (20,000), all of them ten times a second, as fast as a Core
//! pushes; then 20,000 changes a second for a while (30 s). N = 0 leaves a part out. The simulated Core is a process
//! of its own; of the agent's process the kernel's account is read. `BENCH_DIR` says on which disk.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "../../../backup/benches/store/account.rs"]
mod account;
mod agent;
mod far_end;
#[expect(dead_code, reason = "the simulated Core finds the positions by itself")]
#[path = "../../../backup/benches/store/generator.rs"]
mod generator;
#[path = "../../../backup/benches/store/original.rs"]
mod original;

use std::path::Path;
use std::time::{Duration, Instant};

use account::{cpu, load, median};
use agent::{Agent, cpu_of};
use backup::{Change, Event, Query, Recorder, RecorderOptions, SeriesId, Store, Value};
use far_end::{FarEnd, Hands};

/// Changes in a frame without a network, as in a push of a busy change group.
const FRAME: usize = 500;
const RUNS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "far-end") {
        return far_end::run(&arguments[1..]);
    }
    // `cargo bench` passes `--bench`; `cargo test --benches` passes nothing.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return println!("run me by `cargo bench -p agent --bench record`");
    }
    let (mut events, mut house, mut faders, mut seconds) = (1_000_000, 20_000, 20_000, 30);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|number| number.parse().ok());
        match argument.as_str() {
            "--seconds" => seconds = number().expect("--seconds takes a number"),
            "--house" => house = number().expect("--house takes a number"),
            "--faders" => faders = number().expect("--faders takes a number"),
            other => events = other.parse().unwrap_or(events),
        }
    }
    println!("Load at the beginning: {}\n", load());
    if house > 0 {
        beside_the_original(events, Hands::House { per_second: house });
    }
    if faders > 0 {
        let (count, per_second) = (faders, faders * 10);
        beside_the_original(events, Hands::Faders { count, per_second });
    }
    if seconds > 0 {
        steady(seconds);
    }
}

/// What some events took, in seconds.
struct Taken {
    cpu: f64,
    wall: f64,
}

/// Through the socket, and the same rows without a network.
fn beside_the_original(events: u64, hands: Hands) {
    let far_end = FarEnd::start(hands);
    let far_process = format!("/proc/{}", far_end.id());
    let mut agent = Agent::start(far_end.port);
    let (begun, far_begun) = (agent.used(), cpu_of(Path::new(&far_process)));
    agent.wait_for(begun.events + events);
    let (ended, far_cpu) = (agent.used(), cpu_of(Path::new(&far_process)) - far_begun);
    let peak = agent.peak_rss();
    let recorded = (ended.events - begun.events) as f64;
    let wall = (ended.at - begun.at).as_secs_f64();
    let shipping = ended.shipping - begun.shipping;
    agent.stop();
    drop(far_end);

    let rows = rows(&agent.store(), events as usize);
    let scratch = agent.folder();
    // In turn, so that both meet the same machine.
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        ours.push(in_bulk(&scratch.join(format!("bulk-{run}")), &rows));
        theirs.push(in_original(
            &scratch.join(format!("original-{run}.db")),
            &rows,
        ));
    }
    let middle = |taken: &[Taken]| Taken {
        cpu: median(taken.iter().map(|taken| taken.cpu).collect()),
        wall: median(taken.iter().map(|taken| taken.wall).collect()),
    };
    // Scaled to as many events as the others took, so that all figures are per event.
    let share = rows.len() as f64 / recorded;
    let agent = |cpu: f64| Taken {
        cpu: cpu * share,
        wall: wall * share,
    };
    let whole = ended.cpu - begun.cpu;
    let table = [
        (
            "agent, from the socket to committed rows",
            agent(whole - shipping),
        ),
        ("the same with shipping to the archive", agent(whole)),
        ("the same rows into our store, no network", middle(&ours)),
        (
            "the same rows into the original's table, no network",
            middle(&theirs),
        ),
    ];
    println!(
        "| {} events, {hands:?} | CPU us/event | events/s |\n| --- | --- | --- |",
        rows.len()
    );
    for (what, taken) in table {
        let number = rows.len() as f64;
        let (each, rate) = (taken.cpu / number * 1e6, number / taken.wall);
        println!("| {what} | {each:.2} | {rate:.0} |");
    }
    println!(
        "\nThe Core at the far end used {:.2} us of CPU an event; the agent held {peak:.1} MiB at its peak.\n",
        far_cpu / recorded * 1e6
    );
}

/// Twenty thousand changes a second, each control five times.
fn steady(seconds: u64) {
    let (count, per_second) = (4_000, 20_000);
    let far_end = FarEnd::start(Hands::Faders { count, per_second });
    let mut agent = Agent::start(far_end.port);
    let begun = agent.used();
    std::thread::sleep(Duration::from_secs(seconds));
    let (ended, peak) = (agent.used(), agent.peak_rss());
    agent.stop();
    let wall = (ended.at - begun.at).as_secs_f64();
    println!(
        "| 20,000 changes/s for {seconds} s | recorded/s | of a core | peak MiB |\n| --- | --- | --- | --- |"
    );
    println!(
        "| agent, with shipping | {:.0} | {:.1} % | {peak:.1} |",
        (ended.events - begun.events) as f64 / wall,
        (ended.cpu - begun.cpu) / wall * 100.0,
    );
}

/// The first events of a store.
fn rows(store: &Path, count: usize) -> Vec<Event> {
    let query = Query {
        limit: count,
        ..Query::default()
    };
    let page = Store::open(store).unwrap().events(&query).unwrap();
    assert_eq!(page.events.len(), count);
    page.events
}

fn in_bulk(dir: &Path, rows: &[Event]) -> Taken {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (recorder, thread) = Recorder::start(dir, RecorderOptions::default()).unwrap();
        let series = |event: &Event| recorder.series((*event.series).clone());
        let ids: Vec<SeriesId> = rows.iter().map(series).collect();
        let (begun, started) = (cpu(), Instant::now());
        for (frame, ids) in rows.chunks(FRAME).zip(ids.chunks(FRAME)) {
            let change = |(event, series): (&Event, &SeriesId)| Change {
                series: *series,
                value: event.value.clone(),
                string: event.string.clone(),
                position: event.position,
            };
            let changes = frame.iter().zip(ids).map(change).collect();
            recorder.changes(frame[0].at_ms, changes).await;
        }
        recorder.flush().await.unwrap();
        let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu() - begun);
        assert_eq!(recorder.stats().committed, rows.len() as u64);
        recorder.stop().await.unwrap();
        thread.join();
        Taken { cpu, wall }
    })
}

fn in_original(path: &Path, rows: &[Event]) -> Taken {
    let conn = original::create(path);
    let (begun, started) = (cpu(), Instant::now());
    original::fill(
        &conn,
        rows.iter().map(|event| original::Row {
            at_ms: event.at_ms,
            series: &event.series,
            value: match event.value {
                Some(Value::Number(number)) => Some(number),
                _ => None,
            },
            string: event.string.as_ref().map(ToString::to_string),
        }),
    );
    let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu() - begun);
    original::checkpoint(&conn);
    Taken { cpu, wall }
}
