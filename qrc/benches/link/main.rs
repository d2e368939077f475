//! What the client costs, through a real socket: pushes against the floor, round trips, memory.
//!
//! `cargo bench -p qrc` prints a table. The Core at the far end is a process of its own that
//! answers from prepared bytes, so that its work is not measured. Only the round trips use the
//! simulated Core.

#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program that measures and prints

mod far_end;
mod memory;
mod pushes;
mod round_trips;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("far-end") => far_end::run(&arguments[2..]),
        Some("memory") => memory::measure(),
        // `cargo bench` passes `--bench`; `cargo test --benches` passes nothing.
        Some("--bench") => {
            println!("{}", machine());
            pushes::report();
            round_trips::report();
            memory::report();
        }
        _ => println!("run me by `cargo bench -p qrc`"),
    }
}

/// The machine of this measurement.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores\n")
}
