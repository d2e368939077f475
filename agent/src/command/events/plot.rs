//! `events --plot`: how busy the room was, over time: a row for each component or control, a column for each span.

use std::collections::BTreeMap;
use std::process::ExitCode;

use backup::{ControlCounts, Gap, Store};
use serde::Serialize;

use crate::advice;
use crate::command::cli;
use crate::command::output::Output;
use crate::command::terminal;
use crate::documents;
use crate::failure::Outcome;
use crate::moment::{self, Moment};
use crate::words::{count, many};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;
/// Spans of a column that people think in, in minutes.
const SPANS: [i64; 11] = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1_440];
/// More rows than this cannot be taken in at a glance.
const MOST_ROWS: usize = 16;
const NAME_WIDTH: usize = 18;
const TOTAL_WIDTH: usize = 9;
/// The picture's width in a pipe.
const PIPE_COLUMNS: usize = 80;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 9] = [' ', '.', ':', '-', '=', '+', '*', '%', '#'];

/// The picture's numbers, as `--json` gives them.
#[derive(Debug, Serialize)]
struct Plot {
    from: Moment,
    to: Moment,
    column_seconds: i64,
    /// When each column begins.
    columns: Vec<Moment>,
    /// The busiest first.
    rows: Vec<Row>,
    gaps: Vec<documents::Gap>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    events: u64,
    counts: Vec<u64>,
}

pub(super) fn plot(typed: &cli::Events, store: &Store, output: Output) -> Outcome<ExitCode> {
    let (from, to) = span(typed, store)?;
    let width = terminal::columns().unwrap_or(PIPE_COLUMNS);
    let grid = Grid::new(from, to, width.saturating_sub(NAME_WIDTH + TOTAL_WIDTH + 3));
    let counts = store.counts_per_minute(&typed.control, from, to)?;
    let gaps = store.gaps(from, to)?;
    let rows = rows(&counts, &grid, typed.control.is_empty());
    let plot = Plot {
        from: Moment::at(from),
        to: Moment::at(to),
        column_seconds: grid.column_ms / 1000,
        columns: (0..grid.columns)
            .map(|at| Moment::at(grid.start(at)))
            .collect(),
        rows,
        gaps: gaps.iter().map(documents::Gap::from).collect(),
    };
    if typed.csv {
        output.csv(&cells(&plot))?;
        return Ok(ExitCode::SUCCESS);
    }
    output.result(&plot, || {
        picture(&plot.rows, &gaps, &grid, (from, to), unicode())
    });
    Ok(ExitCode::SUCCESS)
}

/// The span asked for; else the last 24 hours, counted back from the record's end if that is long ago.
fn span(typed: &cli::Events, store: &Store) -> Outcome<(i64, i64)> {
    let now = moment::now();
    let to = match (typed.until, typed.since) {
        (Some(until), _) => until,
        (None, Some(_)) => now,
        (None, None) => {
            let ended = store.summary()?.to_ms;
            ended.filter(|ended| *ended < now - DAY_MS).unwrap_or(now)
        }
    };
    let from = typed.since.unwrap_or(to - DAY_MS).min(to);
    Ok((from, to))
}

/// Columns of equal span, beginning at full local times.
struct Grid {
    first_ms: i64,
    column_ms: i64,
    columns: usize,
}

impl Grid {
    fn new(from: i64, to: i64, most: usize) -> Self {
        let most = i64::try_from(most.max(10)).unwrap_or(i64::MAX);
        let offset = moment::utc_offset_ms(from);
        let columns = |column_ms: i64| {
            let first_ms = (from + offset).div_euclid(column_ms) * column_ms - offset;
            (first_ms, (to - first_ms).div_euclid(column_ms) + 1)
        };
        let days = (1..).map(|n| n * 1_440);
        let column_ms = (SPANS.into_iter().chain(days))
            .map(|minutes| minutes * MINUTE_MS)
            .find(|column_ms| columns(*column_ms).1 <= most)
            .unwrap_or(DAY_MS);
        let (first_ms, columns) = columns(column_ms);
        Self {
            first_ms,
            column_ms,
            columns: usize::try_from(columns).unwrap_or(1),
        }
    }

    fn start(&self, column: usize) -> i64 {
        self.first_ms + i64::try_from(column).unwrap_or(0) * self.column_ms
    }

    fn column(&self, ms: i64) -> Option<usize> {
        let column = usize::try_from((ms - self.first_ms).div_euclid(self.column_ms)).ok()?;
        (column < self.columns).then_some(column)
    }
}

/// A row for each component, or for each control where only some were asked for and few match.
fn rows(counts: &[ControlCounts], grid: &Grid, everything: bool) -> Vec<Row> {
    let by_control = !everything && counts.len() <= MOST_ROWS;
    let mut rows: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for control in counts {
        let name = match control.path.split_once('.') {
            Some((component, _)) if !by_control => component,
            _ => control.path.as_str(),
        };
        let row = rows.entry(name).or_insert_with(|| vec![0; grid.columns]);
        for (minute, count) in &control.minutes {
            if let Some(column) = grid.column(*minute) {
                row[column] += count;
            }
        }
    }
    let mut rows: Vec<Row> = rows
        .into_iter()
        .map(|(name, counts)| Row {
            name: name.to_owned(),
            events: counts.iter().sum(),
            counts,
        })
        .collect();
    rows.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// A cell of the plot as a line of a table.
#[derive(Default, Serialize)]
struct Cell<'a> {
    name: &'a str,
    time: Moment,
    events: u64,
}

fn cells(plot: &Plot) -> Vec<Cell<'_>> {
    let mut cells = Vec::with_capacity(plot.rows.len() * plot.columns.len());
    for row in &plot.rows {
        for (events, time) in row.counts.iter().zip(&plot.columns) {
            cells.push(Cell {
                name: &row.name,
                time: *time,
                events: *events,
            });
        }
    }
    cells
}

fn picture(
    rows: &[Row],
    gaps: &[Gap],
    grid: &Grid,
    (from, to): (i64, i64),
    unicode: bool,
) -> String {
    let mut lines = vec![format!(
        "Changes from {} to {}, one column {}",
        Moment::at(from).local_minute(),
        Moment::at(to).local_minute(),
        moment::span(grid.column_ms)
    )];
    if rows.is_empty() {
        lines.push("No events match.".to_owned());
    }
    let in_gaps = in_gaps(gaps, grid);
    let (shown_rows, others) = rows.split_at(rows.len().min(MOST_ROWS));
    for row in shown_rows {
        lines.push(line(&row.name, &row.counts, row.events, &in_gaps, unicode));
    }
    if !others.is_empty() {
        let sum = |column| others.iter().map(|row| row.counts[column]).sum();
        let counts: Vec<u64> = (0..grid.columns).map(sum).collect();
        let total = counts.iter().sum();
        lines.push(line(
            &format!("{} others", others.len()),
            &counts,
            total,
            &in_gaps,
            unicode,
        ));
    }
    lines.push(axis(grid));
    if !rows.is_empty() {
        let most = if unicode { '█' } else { '#' };
        lines.push(format!("Each row by itself: {most} its busiest column."));
    }
    if in_gaps.contains(&true) {
        let mark = hole_mark(unicode);
        let here = |gap: &Gap| gap.to_ms.min(to) - gap.from_ms.max(from);
        let missed: i64 = gaps.iter().map(here).sum();
        lines.push(format!(
            "{mark} not recorded: {}, {} in all; `{}` tells when and why",
            many(gaps.len() as u64, "gap"),
            moment::span(missed),
            advice::command("events")
        ));
    }
    lines.join("\n")
}

fn line(name: &str, counts: &[u64], total: u64, in_gaps: &[bool], unicode: bool) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let steps = if unicode { BLOCKS } else { ASCII };
    let bar: String = counts
        .iter()
        .zip(in_gaps)
        .map(|(count, in_gap)| match (count, in_gap) {
            (0, true) => hole_mark(unicode),
            // Even one event is seen: at least one step.
            _ => steps[usize::try_from((count * 8).div_ceil(most)).unwrap_or(8)],
        })
        .collect();
    let name = terminal::fit(name, NAME_WIDTH);
    format!("{name} {bar} {:>TOTAL_WIDTH$}", self::count(total))
}

fn hole_mark(unicode: bool) -> char {
    if unicode { '░' } else { '?' }
}

/// The columns that a gap touches.
fn in_gaps(gaps: &[Gap], grid: &Grid) -> Vec<bool> {
    let mut in_gaps = vec![false; grid.columns];
    for (column, in_gap) in in_gaps.iter_mut().enumerate() {
        let (start, end) = (grid.start(column), grid.start(column + 1));
        *in_gap = gaps
            .iter()
            .any(|gap| gap.from_ms < end && gap.to_ms > start);
    }
    in_gaps
}

/// Local times under the columns they belong to.
fn axis(grid: &Grid) -> String {
    const TICK: usize = 12;
    let mut text = " ".repeat(NAME_WIDTH + 1);
    for column in (0..grid.columns).step_by(TICK) {
        let tick = match grid.column_ms < DAY_MS {
            true => Moment::at(grid.start(column)).local_clock(),
            false => Moment::at(grid.start(column)).local_date(),
        };
        text.push_str(&format!("{:<TICK$}", format!("|{tick}")));
    }
    text.trim_end().to_owned()
}

/// Whether the locale takes more than ASCII.
fn unicode() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty())
        .is_none_or(|locale| {
            let locale = locale.to_string_lossy().to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_435_200_000;

    #[test]
    fn columns_have_spans_that_people_think_in_and_cover_everything() {
        for (hours, minutes) in [(1, 2), (8, 10), (24, 30), (24 * 7, 360)] {
            let (from, to) = (NOON - hours * 60 * MINUTE_MS, NOON);
            let grid = Grid::new(from, to, 50);
            assert_eq!(grid.column_ms, minutes * MINUTE_MS, "{hours} h");
            assert!(grid.columns <= 50);
            assert_eq!(grid.column(from), Some(0));
            assert_eq!(grid.column(to), Some(grid.columns - 1));
        }
        assert!(Grid::new(0, NOON, 50).columns <= 50);
    }

    #[test]
    fn rows_are_components_unless_a_few_controls_were_asked_for() {
        let grid = Grid::new(NOON, NOON + 10 * MINUTE_MS, 50);
        let counts =
            [("Main.gain", 2), ("Main.mute", 1), ("Lobby", 9)].map(|(path, count)| ControlCounts {
                path: path.into(),
                minutes: vec![(NOON, count), (NOON + MINUTE_MS, count)],
            });
        let names = |rows: Vec<Row>| -> Vec<(String, u64)> {
            rows.into_iter().map(|row| (row.name, row.events)).collect()
        };
        assert_eq!(
            names(rows(&counts, &grid, true)),
            [("Lobby".to_owned(), 18), ("Main".to_owned(), 6)]
        );
        assert_eq!(names(rows(&counts, &grid, false)).len(), 3);
    }

    #[test]
    fn only_what_was_missed_within_the_picture_is_counted() {
        let (from, to) = (NOON, NOON + 20 * MINUTE_MS);
        let gap = Gap {
            from_ms: from - 60 * MINUTE_MS,
            to_ms: from + 5 * MINUTE_MS,
            why: String::new(),
        };
        let grid = Grid::new(from, to, 50);
        let picture = picture(&[], &[gap], &grid, (from, to), true);
        assert!(picture.contains(": 1 gap, 5 min in all"), "{picture}");
    }

    #[test]
    fn one_change_is_seen_and_a_hole_is_told_from_quiet() {
        let bar = line(
            "Main",
            &[0, 1, 1000, 0],
            1001,
            &[false, false, true, true],
            true,
        );
        assert_eq!(bar, "Main                ▁█░     1 001");
        let plain = line(
            "Main",
            &[0, 1, 1000, 0],
            1001,
            &[false, false, true, true],
            false,
        );
        assert!(plain.is_ascii() && plain.contains(" .#?"), "{plain}");
    }
}
