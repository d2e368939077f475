//! The states of a keyframe on their way into the table: many with one statement.

use std::sync::LazyLock;

use rusqlite::Connection;

use crate::store::cell::{Cell, position_in, string_in, text_in, value_in};
use crate::store::change::Change;

/// States in one statement.
const TOGETHER: usize = 32;
const COLUMNS: usize = 5;

static INSERT_TOGETHER: LazyLock<String> = LazyLock::new(|| insert(TOGETHER));
static INSERT_ONE: LazyLock<String> = LazyLock::new(|| insert(1));

fn insert(states: usize) -> String {
    let places = vec!["(?, ?, ?, ?, ?)"; states].join(", ");
    format!(
        "INSERT OR REPLACE INTO keyframe_states (keyframe, series, value, string, position) VALUES {places}"
    )
}

/// Puts states into the table, each with the number of its series in the file.
pub(super) fn put(
    conn: &Connection,
    keyframe: i64,
    states: &[(i64, &Change)],
) -> rusqlite::Result<()> {
    let chunks = states.chunks_exact(TOGETHER);
    let rest = chunks.remainder();
    for chunk in chunks {
        put_by(conn, &INSERT_TOGETHER, keyframe, chunk)?;
    }
    for state in rest.chunks(1) {
        put_by(conn, &INSERT_ONE, keyframe, state)?;
    }
    Ok(())
}

/// By a statement that takes so many.
fn put_by(
    conn: &Connection,
    statement: &str,
    keyframe: i64,
    states: &[(i64, &Change)],
) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached(statement)?;
    for (place, (series, state)) in states.iter().enumerate() {
        let first = place * COLUMNS + 1;
        let string = match &state.string {
            Some(text) => text_in(text),
            None => string_in(&Cell::Absent),
        };
        let position = state.position.map_or(Cell::Absent, Cell::Stored);
        insert.raw_bind_parameter(first, keyframe)?;
        insert.raw_bind_parameter(first + 1, series)?;
        insert.raw_bind_parameter(first + 2, value_in(state.value.as_ref()))?;
        insert.raw_bind_parameter(first + 3, string)?;
        insert.raw_bind_parameter(first + 4, position_in(position))?;
    }
    insert.raw_execute().map(drop)
}
