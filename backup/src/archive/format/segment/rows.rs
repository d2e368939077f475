//! Rows as JSON lines: the table and its columns.

use rusqlite::types::{Value as Sql, ValueRef};
use serde::Serialize;
use serde_json::Value as Json;

use crate::digest::hex;

/// Appends a row as a JSON line: table, then the columns.
pub(crate) fn push_row(
    text: &mut Vec<u8>,
    table: &str,
    row: &rusqlite::Row<'_>,
    columns: usize,
) -> rusqlite::Result<()> {
    text.extend(b"[\"");
    text.extend(table.as_bytes());
    text.extend(b"\",");
    push_columns(text, row, 0..columns)?;
    text.extend(b"]\n");
    Ok(())
}

/// Appends some columns of a row, with commas between them.
pub(crate) fn push_columns(
    text: &mut Vec<u8>,
    row: &rusqlite::Row<'_>,
    columns: std::ops::Range<usize>,
) -> rusqlite::Result<()> {
    let first = columns.start;
    for column in columns {
        if column > first {
            text.push(b',');
        }
        push_value(text, row.get_ref(column)?);
    }
    Ok(())
}

/// Appends a cell.
pub(crate) fn push_value(text: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => text.extend(b"null"),
        ValueRef::Integer(number) => push_json(text, &number),
        ValueRef::Real(number) if number.is_finite() => push_json(text, &number),
        ValueRef::Real(number) => text.extend(format!("{{\"real\":\"{number}\"}}").bytes()),
        ValueRef::Text(bytes) => push_json(text, &*String::from_utf8_lossy(bytes)),
        ValueRef::Blob(bytes) => {
            text.extend(b"{\"blob\":\"");
            text.extend(hex(bytes).as_bytes());
            text.extend(b"\"}");
        }
    }
}

/// Appends a text or a finite number, so that it comes back to the bit.
pub(crate) fn push_json<T: Serialize + ?Sized>(text: &mut Vec<u8>, value: &T) {
    // Neither fails, and memory takes all.
    let _ = serde_json::to_writer(text, value);
}

/// Parses a line into its table and columns; `None` if it is no row.
pub(crate) fn parse_row(line: &str) -> Option<(String, Vec<Sql>)> {
    let Json::Array(items) = serde_json::from_str(line).ok()? else {
        return None;
    };
    let mut items = items.into_iter();
    let Json::String(table) = items.next()? else {
        return None;
    };
    let columns = items.map(value_of).collect::<Option<Vec<Sql>>>()?;
    Some((table, columns))
}

fn value_of(json: Json) -> Option<Sql> {
    Some(match json {
        Json::Null => Sql::Null,
        Json::String(text) => Sql::Text(text),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Sql::Integer(integer),
            None => Sql::Real(number.as_f64()?),
        },
        Json::Object(marked) => match (marked.get("blob"), marked.get("real")) {
            (Some(Json::String(hex)), None) => Sql::Blob(unhex(hex)?),
            (None, Some(Json::String(real))) => Sql::Real(real.parse().ok()?),
            _ => return None,
        },
        Json::Bool(_) | Json::Array(_) => return None,
    })
}

/// The bytes that hexadecimal digits say.
pub(super) fn unhex(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect()
}
