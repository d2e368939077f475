//! Events as rows that can be compared, and what differs between two stores.

use std::collections::BTreeMap;
use std::path::Path;

use backup::{Change, Day, Event, EventId, SeriesId, Value};

use crate::reader::{Content, Row};
use crate::stage::all;

pub(crate) type Rows = BTreeMap<i64, Row>;

pub(crate) fn row(event: &Event) -> Row {
    Row {
        id: event.id.0,
        at_ms: event.at_ms,
        change_group: event.series.change_group.to_string(),
        path: event.series.path.to_string(),
        component: event.series.component.to_string(),
        control: event.series.control.to_string(),
        source: event.series.source.to_string(),
        value: match &event.value {
            None => Content::Nothing,
            Some(Value::Bool(truth)) => Content::Bool(*truth),
            Some(Value::Number(number)) => Content::Number(number.to_bits()),
            Some(Value::Text(text)) => Content::Text(text.to_string()),
        },
        string: event.string.as_ref().map(ToString::to_string),
        position: event.position.map(f64::to_bits),
    }
}

pub(crate) fn rows_in(dir: &Path) -> Rows {
    all(dir)
        .iter()
        .map(|event| (event.id.0, row(event)))
        .collect()
}

/// All that a row says but its place in the order.
pub(crate) fn meaning(row: &Row) -> Row {
    Row {
        id: 0,
        ..row.clone()
    }
}

/// Names the rows in which two differ, not all that are the same.
pub(crate) fn same(found: &Rows, expected: &Rows, what: &str) {
    let only = |one: &Rows, other: &Rows| -> Vec<Row> {
        let rows = one.iter().filter(|(id, row)| other.get(id) != Some(row));
        rows.map(|(_, row)| row.clone()).collect()
    };
    let (more, missing) = (only(found, expected), only(expected, found));
    assert!(
        more.is_empty() && missing.is_empty(),
        "{what}: not expected {more:#?}, missing {missing:#?}"
    );
}

/// How many events come and go where one store follows another.
pub(crate) fn come_and_go(before: &Rows, after: &Rows) -> (u64, u64) {
    let only = |one: &Rows, other: &Rows| {
        let rows = one.iter().filter(|(id, row)| other.get(id) != Some(row));
        rows.count() as u64
    };
    (only(after, before), only(before, after))
}

/// The same, but for an event its id says nothing.
pub(crate) fn come_and_go_by_meaning(before: &Rows, after: &Rows) -> (u64, u64) {
    let mut more: BTreeMap<Row, i64> = BTreeMap::new();
    for (rows, one) in [(before, -1), (after, 1)] {
        for row in rows.values() {
            *more.entry(meaning(row)).or_default() += one;
        }
    }
    let sum = |of: &dyn Fn(i64) -> i64| more.values().map(|n| of(*n).max(0) as u64).sum();
    (sum(&|n| n), sum(&|n| -n))
}

/// The days in which two stores differ.
pub(crate) fn difference<'a>(one: &'a Rows, other: &'a Rows) -> impl Iterator<Item = Day> + 'a {
    let alone = |one: &'a Rows, other: &'a Rows| {
        let rows = one.iter();
        rows.filter(|(id, row)| other.get(id) != Some(row))
    };
    alone(one, other)
        .chain(alone(other, one))
        .map(|(id, _)| EventId(*id).day())
}

pub(crate) fn control(which: u8) -> String {
    match which {
        0 => "Main.gain".into(),
        1 => "MuteAll".into(),
        2 => "Source \"1\".select".into(),
        n => format!("Zone {n}.level"),
    }
}

/// The n-th change; each control has texts of another kind, so that it learns a rule of its own, or none.
pub(crate) fn nth_change(which: u8, series: SeriesId, n: i64) -> Change {
    let number = (n * 37 % 240) as f64 / 2.0 - 100.0;
    let (value, string, position): (Option<Value>, Option<String>, Option<f64>) = match which {
        0 => (
            Some(number.into()),
            Some(format!("{number:.1}dB")),
            Some((number + 100.0) / 120.0),
        ),
        1 => {
            let on = n % 2 == 0;
            let text = if on { "muted" } else { "open" };
            (
                Some(on.into()),
                Some(text.into()),
                Some(f64::from(u8::from(on))),
            )
        }
        2 => {
            let text = format!("input\n{n}");
            (Some(text.as_str().into()), Some(text), None)
        }
        3 => (Some(number.into()), None, None),
        4 => (Some(number.into()), Some(format!("step {n}")), Some(0.25)),
        5 => (None, Some(n.to_string()), None),
        6 => (
            Some((number * 1e-300).into()),
            Some(String::new()),
            Some(-0.0),
        ),
        7 => (
            Some(number.into()),
            Some(format!("{number:.0} units")),
            None,
        ),
        _ => match n % 4 {
            0 => (Some((-0.0).into()), Some("0".into()), Some(1.0)),
            1 => (Some(true.into()), None, None),
            2 => (Some("1".into()), Some("1".into()), Some(0.5)),
            _ => (None, None, None),
        },
    };
    Change {
        series,
        value,
        string: string.map(Into::into),
        position,
    }
}
