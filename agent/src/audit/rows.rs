//! Reading the rows to show them.

use std::path::Path;

use rusqlite::params;
use serde::Serialize;

use super::table;
use crate::failure::{Failure, Outcome};
use crate::folder;
use crate::moment::{Moment, Seconds};

/// A row as `audit` shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) at: Moment,
    pub(crate) asker: String,
    pub(crate) place: String,
    pub(crate) request: Option<String>,
    pub(crate) what: String,
    pub(crate) about: String,
    pub(crate) outcome: String,
    pub(crate) said: String,
    pub(crate) seconds: Option<Seconds>,
    /// The design that ran in the Core, where a Core was connected.
    pub(crate) design: Option<String>,
    pub(crate) design_code: Option<String>,
    /// The request's own time, by the Core's clock.
    pub(crate) asked_at: Option<Moment>,
}

/// The newest rows at or after a moment, oldest first. None where nothing was ever asked.
pub(crate) fn rows(store: &Path, since_ms: Option<i64>, limit: u64) -> Outcome<Vec<Row>> {
    let path = table::path(store);
    // A folder that may not be read is not a folder without an audit.
    if !folder::is_there(&path)? {
        return Ok(Vec::new());
    }
    read(&path, since_ms, limit).map_err(|error| {
        Failure::failed(format!("{}: {error}", path.display()))
            .hint("if the file is damaged, move it away; a new one is begun with the next request")
    })
}

fn read(path: &Path, since_ms: Option<i64>, limit: u64) -> rusqlite::Result<Vec<Row>> {
    let (conn, layout) = table::open_to_read(path)?;
    let later = match layout {
        0 => return Ok(Vec::new()),
        1 => "NULL, NULL, NULL",
        _ => "design, design_code, asked_ms",
    };
    let mut query = conn.prepare(&format!(
        "SELECT * FROM (
            SELECT id, at_ms, asker, place, request, what, about, outcome, said, ended_ms, {later} FROM audit
            WHERE at_ms >= ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id",
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query.query_map(params![since_ms.unwrap_or(i64::MIN), limit], |row| {
        let (at_ms, ended_ms): (i64, Option<i64>) = (row.get(1)?, row.get(9)?);
        Ok(Row {
            id: row.get(0)?,
            at: Moment::at(at_ms),
            asker: row.get(2)?,
            place: row.get(3)?,
            request: row.get(4)?,
            what: row.get(5)?,
            about: row.get(6)?,
            outcome: row.get(7)?,
            said: row.get(8)?,
            seconds: ended_ms.map(|ended| Seconds::between(at_ms, ended)),
            design: row.get(10)?,
            design_code: row.get(11)?,
            asked_at: row.get::<_, Option<i64>>(12)?.map(Moment::at),
        })
    })?;
    rows.collect()
}
