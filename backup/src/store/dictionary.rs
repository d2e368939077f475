//! The `series` table of a day file: which series it knows and by which rules their strings and positions follow.

use std::sync::Arc;

use compact_str::CompactString;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params};

use crate::store::event::Series;
use crate::store::rule::{Range, TextRule};

/// What tells one series from another, all texts.
pub(crate) const NAMED: [&str; 5] = ["change_group", "path", "component", "control", "source"];
/// The rules that a series' strings and positions follow.
pub(crate) const RULES: [&str; 7] = ["rule", "digits", "unit", "off", "\"on\"", "low", "high"];

/// How many series a file has, and how many of them have learned a rule and a range.
pub(crate) const COUNTS: &str = "SELECT count(*), count(rule), count(low) FROM series";

/// All columns beside `id`, in the order in which segments hold them.
pub(crate) fn columns() -> impl Iterator<Item = &'static str> {
    NAMED.into_iter().chain(RULES)
}

/// The same as SQL lists them, each as `each` writes it.
pub(crate) fn listed(each: impl Fn(&str) -> String) -> String {
    columns().map(each).collect::<Vec<_>>().join(", ")
}

/// A series as a day file knows it.
#[derive(Debug, Clone)]
pub(crate) struct FileSeries {
    pub(crate) id: i64,
    pub(crate) series: Arc<Series>,
    pub(crate) text: Option<TextRule>,
    pub(crate) range: Option<Range>,
}

/// All series of a file.
pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Vec<FileSeries>> {
    load_from(conn, "main")
}

/// The same of an attached file.
pub(crate) fn load_from(conn: &Connection, schema: &str) -> rusqlite::Result<Vec<FileSeries>> {
    let columns = listed(str::to_owned);
    let sql = format!("SELECT id, {columns} FROM {schema}.series ORDER BY id");
    let mut query = conn.prepare(&sql)?;
    query
        .query_map([], |row| {
            let text = |column: usize| row.get::<_, String>(column).map(CompactString::from);
            Ok(FileSeries {
                id: row.get(0)?,
                series: Arc::new(Series {
                    change_group: text(1)?,
                    path: text(2)?,
                    component: text(3)?,
                    control: text(4)?,
                    source: text(5)?,
                }),
                text: text_rule(row)?,
                range: match (row.get(11)?, row.get(12)?) {
                    (Some(low), Some(high)) => Some(Range { low, high }),
                    _ => None,
                },
            })
        })?
        .collect()
}

/// The rules that the columns of [`RULES`] say.
pub(crate) fn rules_of(columns: &[Sql]) -> (Option<TextRule>, Option<Range>) {
    let text = |column: usize| match columns.get(column) {
        Some(Sql::Text(text)) => CompactString::from(text.as_str()),
        _ => CompactString::default(),
    };
    let real = |column: usize| match columns.get(column) {
        Some(Sql::Real(number)) => Some(*number),
        Some(Sql::Integer(number)) => Some(*number as f64),
        _ => None,
    };
    let digits = match columns.get(1) {
        Some(Sql::Integer(digits)) => u8::try_from(*digits).ok(),
        _ => None,
    };
    let rule = match (text(0).as_str(), digits) {
        ("same", _) => Some(TextRule::Same),
        ("two", _) => Some(TextRule::Two {
            off: text(3),
            on: text(4),
        }),
        ("fixed", Some(digits)) => Some(TextRule::Fixed {
            digits,
            unit: text(2),
        }),
        ("three", _) => Some(TextRule::Three { unit: text(2) }),
        _ => None,
    };
    let range = real(5).zip(real(6)).map(|(low, high)| Range { low, high });
    (rule, range)
}

fn text_rule(row: &Row<'_>) -> rusqlite::Result<Option<TextRule>> {
    let text = |column: usize| -> rusqlite::Result<CompactString> {
        Ok(row
            .get::<_, Option<String>>(column)?
            .unwrap_or_default()
            .into())
    };
    Ok(match row.get::<_, Option<String>>(6)?.as_deref() {
        Some("same") => Some(TextRule::Same),
        Some("two") => Some(TextRule::Two {
            off: text(9)?,
            on: text(10)?,
        }),
        Some("fixed") => Some(TextRule::Fixed {
            digits: row.get(7)?,
            unit: text(8)?,
        }),
        Some("three") => Some(TextRule::Three { unit: text(8)? }),
        _ => None,
    })
}

/// The first number of a new file. From here on numbers take two bytes, so that nearly all rows are equally long, and so
/// are the distances that each page lists: gzip then finds these lists again in the page before.
const FIRST: i64 = 128;

/// Adds a series; gives its number in this file.
pub(crate) fn insert(conn: &Connection, series: &Series) -> rusqlite::Result<i64> {
    conn.prepare_cached(
        "INSERT INTO series (id, change_group, path, component, control, source)
         VALUES (coalesce((SELECT max(id) FROM series) + 1, ?6), ?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        series.change_group.as_str(),
        series.path.as_str(),
        series.component.as_str(),
        series.control.as_str(),
        series.source.as_str(),
        FIRST
    ])?;
    Ok(conn.last_insert_rowid())
}

/// Fixes how a series' strings follow. Once set it never changes: stored rows depend on it.
pub(crate) fn set_text_rule(conn: &Connection, id: i64, rule: &TextRule) -> rusqlite::Result<()> {
    let (name, digits, unit, off, on) = match rule {
        TextRule::Same => ("same", None, None, None, None),
        TextRule::Two { off, on } => ("two", None, None, Some(off), Some(on)),
        TextRule::Fixed { digits, unit } => ("fixed", Some(*digits), Some(unit), None, None),
        TextRule::Three { unit } => ("three", None, Some(unit), None, None),
    };
    conn.prepare_cached(
        "UPDATE series SET rule = ?2, digits = ?3, unit = ?4, off = ?5, \"on\" = ?6 WHERE id = ?1 AND rule IS NULL",
    )?
    .execute(params![
        id,
        name,
        digits,
        unit.map(CompactString::as_str),
        off.map(CompactString::as_str),
        on.map(CompactString::as_str)
    ])?;
    Ok(())
}

/// Fixes the range of a series' positions. Once set it never changes.
pub(crate) fn set_range(conn: &Connection, id: i64, range: Range) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE series SET low = ?2, high = ?3 WHERE id = ?1 AND low IS NULL")?
        .execute(params![id, range.low, range.high])?;
    Ok(())
}
