//! How values, strings and positions lie in SQLite's columns.

use compact_str::CompactString;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::store::id::EventId;
use crate::store::value::Value;

const NONE: ValueRef<'static> = ValueRef::Blob(&[]);
const FALSE: ValueRef<'static> = ValueRef::Blob(&[0]);
const TRUE: ValueRef<'static> = ValueRef::Blob(&[1]);

/// A number as SQLite stores it shortest: whole numbers as INTEGER, all others (and `-0.0`) as REAL.
fn number(number: f64) -> ValueRef<'static> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = number as i64;
    if number.abs() < EXACT && (whole as f64).to_bits() == number.to_bits() {
        ValueRef::Integer(whole)
    } else {
        ValueRef::Real(number)
    }
}

pub(crate) fn value_in(value: Option<&Value>) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(value_cell(value))
}

/// A value as its cell will lie there.
pub(crate) fn value_cell(value: Option<&Value>) -> ValueRef<'_> {
    match value {
        None => ValueRef::Null,
        Some(Value::Number(n)) => number(*n),
        Some(Value::Bool(false)) => FALSE,
        Some(Value::Bool(true)) => TRUE,
        Some(Value::Text(text)) => ValueRef::Text(text.as_bytes()),
    }
}

pub(crate) fn value_out(cell: ValueRef<'_>) -> Option<Value> {
    match cell {
        ValueRef::Null => None,
        ValueRef::Integer(whole) => Some(Value::Number(whole as f64)),
        ValueRef::Real(number) => Some(Value::Number(number)),
        ValueRef::Text(text) => Some(Value::Text(CompactString::from_utf8_lossy(text))),
        ValueRef::Blob(bytes) => Some(Value::Bool(bytes == [1])),
    }
}

/// The same of a cell that was copied out of a row.
pub(crate) fn value_from(cell: &rusqlite::types::Value) -> Option<Value> {
    value_out(cell.into())
}

/// What a string or position column says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<T> {
    /// It follows from the value.
    Derived,
    /// The Core gave none.
    Absent,
    /// As it came.
    Stored(T),
}

/// The same of a string.
pub(crate) fn string_cell<'t>(string: Cell<&'t str>) -> ValueRef<'t> {
    match string {
        Cell::Derived => ValueRef::Null,
        Cell::Absent => NONE,
        Cell::Stored(text) => ValueRef::Text(text.as_bytes()),
    }
}

pub(crate) fn string_in(string: &Cell<&str>) -> ToSqlOutput<'static> {
    // Only the cases without text; a text is bound by reference.
    ToSqlOutput::Borrowed(match string {
        Cell::Derived => ValueRef::Null,
        _ => NONE,
    })
}

pub(crate) fn text_in(text: &str) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
}

pub(crate) fn string_out(cell: ValueRef<'_>) -> Cell<CompactString> {
    match cell {
        ValueRef::Null => Cell::Derived,
        ValueRef::Text(text) => Cell::Stored(CompactString::from_utf8_lossy(text)),
        _ => Cell::Absent,
    }
}

/// The same of a position.
pub(crate) fn position_cell(position: Cell<f64>) -> ValueRef<'static> {
    match position {
        Cell::Derived => ValueRef::Null,
        Cell::Absent => NONE,
        Cell::Stored(position) => number(position),
    }
}

pub(crate) fn position_in(position: Cell<f64>) -> ToSqlOutput<'static> {
    ToSqlOutput::Borrowed(position_cell(position))
}

pub(crate) fn position_out(cell: ValueRef<'_>) -> Cell<f64> {
    match cell {
        ValueRef::Null => Cell::Derived,
        ValueRef::Integer(whole) => Cell::Stored(whole as f64),
        ValueRef::Real(number) => Cell::Stored(number),
        _ => Cell::Absent,
    }
}

/// A change as its row lies in a day file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StoredChange<'a> {
    pub(crate) id: i64,
    pub(crate) series: i64,
    pub(crate) value: ValueRef<'a>,
    pub(crate) string: ValueRef<'a>,
    pub(crate) position: ValueRef<'a>,
    pub(crate) at: ValueRef<'a>,
}

impl StoredChange<'_> {
    /// Its wall time.
    pub(crate) fn at_ms(&self) -> i64 {
        match self.at {
            ValueRef::Integer(at_ms) => at_ms,
            _ => EventId(self.id).ms(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_finite_number_keeps_its_bits(bits in any::<u64>()) {
            let n = f64::from_bits(bits);
            prop_assume!(n.is_finite());
            let Some(Value::Number(back)) = value_out(number(n)) else { panic!() };
            prop_assert_eq!(back.to_bits(), bits);
        }
    }

    #[test]
    fn whole_numbers_are_small_and_negative_zero_is_no_zero() {
        assert_eq!(number(-100.0), ValueRef::Integer(-100));
        assert_eq!(number(-0.0), ValueRef::Real(-0.0));
    }
}
