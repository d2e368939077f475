//! Changes on their way into the table: many with one statement, one by one where SQLite refuses some.

use std::sync::LazyLock;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

use crate::store::cell::{Cell, StoredChange, position_cell, string_cell, value_cell};
use crate::store::change::Row;
use crate::store::day_file::refusal::{Refused, WriteError, judge};

/// Rows in one statement. Each execution descends the tree once, for its first row.
const TOGETHER: usize = 32;
const COLUMNS: usize = 6;

static INSERT_TOGETHER: LazyLock<String> = LazyLock::new(|| insert(TOGETHER));
static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insert(1));

/// FAIL keeps the rows before a refused one, so SQLite need not copy the pages before each statement.
fn insert(rows: usize) -> String {
    let places = vec!["(?, ?, ?, ?, ?, ?)"; rows].join(", ");
    format!("INSERT OR FAIL INTO changes (id, series, value, string, position, at) VALUES {places}")
}

/// A change as its row will lie in the file.
pub(super) struct Prepared<'r> {
    pub(super) row: &'r Row,
    pub(super) series: i64,
    pub(super) string: Cell<&'r str>,
    pub(super) position: Cell<f64>,
}

impl Prepared<'_> {
    /// The row as the file will hold it.
    pub(super) fn cells(&self) -> StoredChange<'_> {
        let row = self.row;
        StoredChange {
            id: row.id.0,
            series: self.series,
            value: value_cell(row.change.value.as_ref()),
            string: string_cell(self.string),
            position: position_cell(self.position),
            at: match row.at_ms == row.id.ms() {
                true => ValueRef::Null,
                false => ValueRef::Integer(row.at_ms),
            },
        }
    }

    fn bind(&self, insert: &mut Statement<'_>, place: usize) -> rusqlite::Result<()> {
        let (cells, first) = (self.cells(), place * COLUMNS + 1);
        insert.raw_bind_parameter(first, cells.id)?;
        insert.raw_bind_parameter(first + 1, cells.series)?;
        insert.raw_bind_parameter(first + 2, ToSqlOutput::Borrowed(cells.value))?;
        insert.raw_bind_parameter(first + 3, ToSqlOutput::Borrowed(cells.string))?;
        insert.raw_bind_parameter(first + 4, ToSqlOutput::Borrowed(cells.position))?;
        insert.raw_bind_parameter(first + 5, ToSqlOutput::Borrowed(cells.at))
    }
}

/// Puts rows into the table, in order. Those that SQLite refuses go to `refused` with its reason.
pub(super) fn put<'r>(
    conn: &Connection,
    rows: &[Prepared<'r>],
    mut refused: impl FnMut(&Prepared<'r>, String),
) -> Result<(), WriteError> {
    let chunks = rows.chunks_exact(TOGETHER);
    let rest = chunks.remainder();
    let mut insert = conn.prepare_cached(&INSERT_TOGETHER)?;
    for chunk in chunks {
        for (place, row) in chunk.iter().enumerate() {
            row.bind(&mut insert, place)?;
        }
        match insert.raw_execute() {
            Ok(_) => {}
            Err(error) => match judge(&error) {
                Refused::Taken => return Err(WriteError::Conflict),
                Refused::File => return Err(error.into()),
                Refused::Row => put_singly(conn, after_those_there(conn, chunk)?, &mut refused)?,
            },
        }
    }
    put_singly(conn, rest, &mut refused)
}

/// The rows that a failed statement did not insert. A taken id would have been another error.
fn after_those_there<'a, 'r>(
    conn: &Connection,
    chunk: &'a [Prepared<'r>],
) -> rusqlite::Result<&'a [Prepared<'r>]> {
    let mut find = conn.prepare_cached("SELECT 1 FROM changes WHERE id = ?1")?;
    for (place, row) in chunk.iter().enumerate() {
        if !find.exists([row.row.id.0])? {
            return Ok(&chunk[place..]);
        }
    }
    Ok(&[])
}

fn put_singly<'r>(
    conn: &Connection,
    rows: &[Prepared<'r>],
    refused: &mut impl FnMut(&Prepared<'r>, String),
) -> Result<(), WriteError> {
    let mut insert = conn.prepare_cached(&INSERT_ONE)?;
    for row in rows {
        row.bind(&mut insert, 0)?;
        match insert.raw_execute() {
            Ok(_) => {}
            Err(error) => match judge(&error) {
                Refused::Taken => return Err(WriteError::Conflict),
                Refused::File => return Err(error.into()),
                Refused::Row => refused(row, format!("SQLite refused it: {error}")),
            },
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::change::Change;
    use crate::store::id::EventId;
    use crate::store::names::SeriesId;
    use crate::store::value::Value;

    fn row(number: i64) -> Row {
        Row {
            id: EventId::first_of_ms(number),
            at_ms: number,
            change: Change {
                series: SeriesId(0),
                value: Some(Value::Number(number as f64)),
                string: None,
                position: None,
            },
        }
    }

    fn day() -> Connection {
        crate::store::schema::in_memory()
    }

    fn put_all(conn: &Connection, rows: &[Row]) -> Result<Vec<i64>, WriteError> {
        let prepared: Vec<Prepared<'_>> = rows
            .iter()
            .map(|row| Prepared {
                row,
                series: 1,
                string: Cell::Absent,
                position: Cell::Absent,
            })
            .collect();
        let mut out = Vec::new();
        put(conn, &prepared, |row, reason| {
            assert!(reason.contains("not this one"), "{reason}");
            out.push(row.row.at_ms);
        })?;
        Ok(out)
    }

    fn there(conn: &Connection) -> Vec<i64> {
        let mut query = conn.prepare("SELECT id >> 12 FROM changes").unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn refused_rows_leave_all_others_in_place_wherever_they_stand() {
        for how in ["FAIL", "ABORT"] {
            let conn = day();
            conn.execute_batch(&format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON changes WHEN new.value IN (1, 40, 41, 64, 75)
                 BEGIN SELECT RAISE({how}, 'not this one'); END"
            ))
            .unwrap();
            let rows: Vec<Row> = (1..=75).map(row).collect();
            let out = put_all(&conn, &rows).unwrap();
            assert_eq!(out, [1, 40, 41, 64, 75], "{how}");
            let expected: Vec<i64> = (1..=75).filter(|n| !out.contains(n)).collect();
            assert_eq!(there(&conn), expected, "{how}");
        }
    }

    #[test]
    fn a_taken_id_is_a_conflict_in_a_full_statement_and_in_the_rest() {
        for taken in [5, 40] {
            let conn = day();
            put_all(&conn, &[row(taken)]).unwrap();
            let rows: Vec<Row> = (1..=40).map(row).collect();
            let outcome = put_all(&conn, &rows);
            assert!(matches!(outcome, Err(WriteError::Conflict)), "{outcome:?}");
        }
    }
}
