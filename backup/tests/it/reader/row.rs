//! An event as the view `events` of a stored day gives it, with its numbers to the bit.

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, Row as SqlRow};

/// A value with its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    Nothing,
    Bool(bool),
    /// The bits of a double.
    Number(u64),
    Text(String),
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) at_ms: i64,
    pub(crate) change_group: String,
    pub(crate) path: String,
    pub(crate) component: String,
    pub(crate) control: String,
    pub(crate) source: String,
    pub(crate) value: Content,
    pub(crate) string: Option<String>,
    /// The bits of a double.
    pub(crate) position: Option<u64>,
}

/// All events of a database, in the order of their ids.
pub(super) fn all(conn: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut query = conn.prepare_cached(
        "SELECT id, timestamp, change_group_id, control_path, component_name, control_name, source,
                kind, value, CAST(string_value AS TEXT), position FROM events ORDER BY id",
    )?;
    let rows = query.query_map([], one)?;
    rows.collect()
}

fn one(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let kind: Option<String> = row.get(7)?;
    let number = |cell: Cell| match cell {
        Cell::Real(number) => number,
        Cell::Integer(number) => number as f64,
        other => panic!("no number: {other:?}"),
    };
    let value = match kind.as_deref() {
        None => Content::Nothing,
        Some("bool") => Content::Bool(number(row.get(8)?) == 1.0),
        Some("number") => Content::Number(number(row.get(8)?).to_bits()),
        Some(_) => Content::Text(row.get(8)?),
    };
    Ok(Row {
        id: row.get(0)?,
        at_ms: row.get(1)?,
        change_group: row.get(2)?,
        path: row.get(3)?,
        component: row.get(4)?,
        control: row.get(5)?,
        source: row.get(6)?,
        value,
        string: row.get(9)?,
        position: row.get::<_, Option<f64>>(10)?.map(f64::to_bits),
    })
}
