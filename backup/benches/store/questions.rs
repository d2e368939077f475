//! The questions, warm: each is asked five times, each time with opening the files anew; medians.

use std::path::Path;
use std::time::Instant;

use backup::{Query, Store};
use rusqlite::Connection;

use crate::account::median;
use crate::generator::House;

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
const METER: &str = "Room 10 Channel Strip.meter.1";
const GAIN: &str = "Room 10 Channel Strip.gain.1";

/// A question and how long its answer took.
pub(crate) struct Answer {
    pub(crate) question: &'static str,
    pub(crate) ms: f64,
    pub(crate) rows: usize,
}

const STATE: &str = "state of all controls at noon";
const GAIN_HOUR: &str = "one gain, one hour";
const METER_HOUR: &str = "one meter, one hour";
const FIRST_PAGE: &str = "first page of an hour, all controls";

/// About the day from `begin` on, put to our store.
pub(crate) fn ours(dir: &Path, begin: i64) -> Vec<Answer> {
    let store = Store::open(dir).unwrap();
    let noon = begin + DAY / 2;
    let span = |controls: &[&str], from, to, limit| Query {
        controls: controls.iter().map(|control| (*control).into()).collect(),
        since_ms: Some(from),
        until_ms: Some(to),
        limit,
        ..Query::default()
    };
    let rows = |query: &Query| store.events(query).unwrap().events.len();
    let hour = |controls: &[&str], limit| span(controls, noon, noon + HOUR, limit);
    let day = |newest_first| Query {
        newest_first,
        ..span(&[GAIN], begin, begin + DAY - 1, 100)
    };
    let counts = |controls: &[String]| {
        let counts = store.counts_per_minute(controls, begin, begin + DAY - 1);
        counts.unwrap().len()
    };
    // The worst moment: as many changes as there can be after a keyframe.
    let worst = worst_moment(&store, begin);
    vec![
        ask(STATE, || store.state_at(noon).unwrap().controls.len()),
        ask("the same, just before the next keyframe", || {
            store.state_at(worst).unwrap().controls.len()
        }),
        ask(GAIN_HOUR, || rows(&hour(&[GAIN], usize::MAX))),
        ask(METER_HOUR, || rows(&hour(&[METER], usize::MAX))),
        ask(FIRST_PAGE, || rows(&hour(&[], 100))),
        ask("oldest page of one gain, the day", || rows(&day(false))),
        ask("newest page of one gain, the day", || rows(&day(true))),
        ask("counts per minute of one meter, the day", || {
            counts(&[METER.into()])
        }),
        ask("counts per minute of all controls, the day", || counts(&[])),
        ask("diff between two moments an hour apart", || {
            store.diff(noon - HOUR, noon).unwrap().len()
        }),
    ]
}

/// Those of them that the original's table has an answer to.
pub(crate) fn original(path: &Path, begin: i64, size: u64) -> Vec<Answer> {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch("PRAGMA cache_size = -64000").unwrap();
    let noon = begin + DAY / 2;
    let count = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        let mut query = conn.prepare_cached(sql).unwrap();
        let mut rows = query.query(values).unwrap();
        let mut count = 0;
        while rows.next().unwrap().is_some() {
            count += 1;
        }
        count
    };
    let one_hour = |path: &str| {
        count(
            "SELECT * FROM events WHERE control_path = ?1 AND timestamp BETWEEN ?2 AND ?3 ORDER BY timestamp",
            &[&path, &noon, &(noon + HOUR)],
        )
    };
    let controls = House::new(begin, size).controls;
    vec![
        // The best query that was found for it; the original has none.
        ask(STATE, || {
            let newest = |series: &backup::Series| {
                count(
                    "SELECT value, string_value FROM events WHERE component_name = ?1 AND timestamp <= ?2
                     AND control_name = ?3 ORDER BY timestamp DESC LIMIT 1",
                    &[&series.component.as_str(), &noon, &series.control.as_str()],
                )
            };
            controls.iter().map(newest).sum()
        }),
        ask(GAIN_HOUR, || one_hour(GAIN)),
        ask(METER_HOUR, || one_hour(METER)),
        ask(FIRST_PAGE, || {
            count(
                "SELECT * FROM events WHERE timestamp BETWEEN ?1 AND ?2 ORDER BY timestamp LIMIT 100",
                &[&noon, &(noon + HOUR)],
            )
        }),
    ]
}

/// The last moment before a keyframe in the middle of the day.
fn worst_moment(store: &Store, begin: i64) -> i64 {
    let day = backup::EventId::first_of_ms(begin).day();
    let next = "SELECT min(id) FROM keyframes WHERE id > ?1";
    let id: Option<i64> = store
        .day_reader(day)
        .unwrap()
        .query_row(next, [(begin + DAY / 2) << 12], |row| row.get(0))
        .unwrap();
    id.map_or(begin + DAY - 1, |id| (id >> 12) - 1)
}

fn ask(question: &'static str, mut answer: impl FnMut() -> usize) -> Answer {
    let mut rows = answer();
    let times = (0..5).map(|_| {
        let begun = Instant::now();
        rows = answer();
        begun.elapsed().as_secs_f64() * 1e3
    });
    let ms = median(times.collect());
    Answer { question, ms, rows }
}
