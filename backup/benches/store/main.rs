//! The store against the original's table, on the same events in the same run; prints the tables of BENCHMARKS.md.
//!
//! `cargo bench -p backup --bench store -- 100000 1000000 10000000` (sizes of a day; the first two by default).
//! `--no-wide` leaves the original's table out, `--runs N` sets how often each size is recorded (3).
//! `--days 1,7,30` fills a store with that many days of a million events instead, and asks about its last one.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

mod account;
mod generator;
mod original;
mod questions;
mod record;

use std::path::Path;

use account::{load, median};
use questions::Answer;
use record::Recorded;

const BEGIN: i64 = 1_772_323_200_000; // 2026-03-01T00:00:00Z
const DAY: i64 = 86_400_000;
/// Events in each of many days.
const MILLION: u64 = 1_000_000;

/// What was measured at one size.
struct Column {
    name: String,
    runs: usize,
    cpu: f64,
    original_cpu: Option<f64>,
    bytes: f64,
    original_bytes: Option<f64>,
    per_second: f64,
    rss: f64,
    answers: Vec<Answer>,
    original_answers: Vec<Answer>,
}

fn main() {
    let (mut sizes, mut days): (Vec<u64>, Vec<usize>) = (Vec::new(), Vec::new());
    let (mut wide, mut runs) = (true, 3);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--no-wide" => wide = false,
            "--runs" => {
                let number = arguments.next().and_then(|number| number.parse().ok());
                runs = number.expect("--runs takes a number");
            }
            "--days" => {
                let list = arguments.next().unwrap_or_default();
                days.extend(list.split(',').flat_map(str::parse::<usize>));
            }
            other => sizes.extend(other.parse::<u64>()),
        }
    }
    let root = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let columns = if days.is_empty() {
        if sizes.is_empty() {
            sizes = vec![100_000, MILLION];
        }
        let column = |size| one_day(&root, size, runs, wide);
        sizes.into_iter().map(column).collect()
    } else {
        days.sort_unstable();
        many_days(&root, &days)
    };
    print_recording(&columns);
    print_questions(&columns);
}

fn one_day(root: &Path, size: u64, runs: usize, wide: bool) -> Column {
    let floor = median((0..runs).map(|_| record::generate(BEGIN, size)).collect());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut answers, mut original_answers) = (Vec::new(), Vec::new());
    for run in 0..runs {
        eprintln!("{size} events, run {} of {runs}", run + 1);
        let dir = tempfile::tempdir_in(root).unwrap();
        let (store, original) = (dir.path().join("store"), dir.path().join("wide.db"));
        ours.push(record::ours(&store, BEGIN, size));
        if wide {
            theirs.push(record::original(&original, BEGIN, size));
        }
        if run + 1 == runs {
            answers = questions::ours(&store, BEGIN);
            if wide {
                original_answers = questions::original(&original, BEGIN, size);
            }
        }
    }
    let events = size as f64;
    let of = |recorded: &[Recorded], what: fn(&Recorded) -> f64| {
        (!recorded.is_empty()).then(|| median(recorded.iter().map(what).collect()))
    };
    let per_event = |seconds: f64| (seconds - floor) / events * 1e6;
    Column {
        name: named(size),
        runs,
        cpu: of(&ours, |r| r.cpu).map_or(0.0, per_event),
        original_cpu: of(&theirs, |r| r.cpu).map(per_event),
        bytes: of(&ours, |r| r.bytes as f64).map_or(0.0, |bytes| bytes / events),
        original_bytes: of(&theirs, |r| r.bytes as f64).map(|bytes| bytes / events),
        per_second: of(&ours, |r| r.wall).map_or(0.0, |wall| events / wall),
        // Of the first run: the peak of a later one holds those before it.
        rss: ours.first().map_or(0.0, |r| r.rss),
        answers,
        original_answers,
    }
}

/// Fills one store day by day; measures the last day whenever there are as many as asked for.
fn many_days(root: &Path, asked: &[usize]) -> Vec<Column> {
    let dir = tempfile::tempdir_in(root).unwrap();
    let floor = record::generate(BEGIN, MILLION);
    let (mut columns, mut bytes) = (Vec::new(), 0);
    for day in 1..=asked.last().copied().unwrap_or(0) {
        eprintln!("day {day}");
        let begin = BEGIN + (day as i64 - 1) * DAY;
        let recorded = record::ours(dir.path(), begin, MILLION);
        if asked.contains(&day) {
            columns.push(Column {
                name: format!("{day} × 1 M"),
                runs: 1,
                cpu: (recorded.cpu - floor) / MILLION as f64 * 1e6,
                original_cpu: None,
                bytes: (recorded.bytes - bytes) as f64 / MILLION as f64,
                original_bytes: None,
                per_second: MILLION as f64 / recorded.wall,
                rss: recorded.rss,
                answers: questions::ours(dir.path(), begin),
                original_answers: Vec::new(),
            });
        }
        bytes = recorded.bytes;
    }
    columns
}

fn named(size: u64) -> String {
    match size {
        MILLION.. => format!("{} M", size / MILLION),
        _ => format!("{} k", size / 1000),
    }
}

fn print_recording(columns: &[Column]) {
    let shown = |number: Option<f64>, digits: usize| {
        number.map_or_else(
            || "not measured".to_owned(),
            |number| format!("{number:.digits$}"),
        )
    };
    println!("Load at the end: {}\n", load());
    println!(
        "| events | runs | ours: CPU us/event | original: CPU us/event | ours: B/event | original: B/event | ours: events/s | peak RSS |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for column in columns {
        println!(
            "| {} | {} | {:.2} | {} | {:.1} | {} | {:.0} | {:.0} MiB |",
            column.name,
            column.runs,
            column.cpu,
            shown(column.original_cpu, 1),
            column.bytes,
            shown(column.original_bytes, 1),
            column.per_second,
            column.rss,
        );
    }
}

fn print_questions(columns: &[Column]) {
    let mut head = "\n| question, ms (rows) |".to_owned();
    let mut line = "| --- |".to_owned();
    for column in columns {
        head += &format!(" {} ours |", column.name);
        line += " --- |";
        if !column.original_answers.is_empty() {
            head += &format!(" {} original |", column.name);
            line += " --- |";
        }
    }
    println!("{head}\n{line}");
    let Some(first) = columns.first() else { return };
    for (at, answer) in first.answers.iter().enumerate() {
        let mut row = format!("| {} |", answer.question);
        for column in columns {
            let ours = &column.answers[at];
            row += &format!(" {:.2} ({}) |", ours.ms, ours.rows);
            if !column.original_answers.is_empty() {
                let same = |other: &&Answer| other.question == answer.question;
                row += &column
                    .original_answers
                    .iter()
                    .find(same)
                    .map_or(" |".to_owned(), |other| format!(" {:.2} |", other.ms));
            }
        }
        println!("{row}");
    }
}
