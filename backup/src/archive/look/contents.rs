//! What a day file holds, counted.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use crate::archive::format::manifest::GapPart;
use crate::error::{Error, Result};
use crate::store::folder::count_changes;
use crate::store::schema::check_schema;
use crate::store::state_digest::StateDigest;
use crate::store::stretches::{self, Stretch};

/// What a day's copy holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contents {
    pub(crate) events: u64,
    pub(crate) from_id: Option<i64>,
    pub(crate) to_id: Option<i64>,
    /// The earliest and the latest wall time, to a second.
    pub(crate) from_ms: Option<i64>,
    pub(crate) to_ms: Option<i64>,
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) gaps: Vec<GapPart>,
    pub(crate) state: Option<StateDigest>,
    pub(crate) edits: Option<i64>,
}

/// How often rows of a day file were changed by hand; its schema counts.
pub(crate) fn edits(conn: &Connection, schema: &str) -> rusqlite::Result<Option<i64>> {
    conn.query_row(
        &format!(
            "SELECT value FROM {schema}.meta WHERE key = 'edits' AND typeof(value) = 'integer'"
        ),
        [],
        |row| row.get(0),
    )
    .optional()
}

/// Counts a day file of ours.
pub(crate) fn of(conn: &Connection, path: &Path) -> Result<Contents> {
    check_schema(conn, path)?;
    let counted = || -> rusqlite::Result<Contents> {
        let bound = |order: &str| -> rusqlite::Result<Option<(i64, i64)>> {
            let sql = format!(
                "SELECT id, coalesce(at, id >> 12) FROM changes ORDER BY id {order} LIMIT 1"
            );
            conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        };
        let (first, last) = (bound("ASC")?, bound("DESC")?);
        let stretches = stretches::of(conn)?;
        // Where the clock was set back, the last event need not be the latest.
        let ends = || first.iter().chain(&last).map(|(_, at_ms)| *at_ms);
        let lows = stretches.iter().map(|stretch| stretch.low_ms);
        let highs = stretches.iter().map(|stretch| stretch.high_ms);
        let (from_ms, to_ms) = (ends().chain(lows).min(), ends().chain(highs).max());
        let gaps = conn
            .prepare("SELECT from_ms, to_ms, why FROM gaps ORDER BY id LIMIT 10000")?
            .query_map([], |row| {
                Ok(GapPart {
                    from_ms: row.get(0)?,
                    to_ms: row.get(1)?,
                    why: row.get(2)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Contents {
            events: count_changes(conn)?,
            from_id: first.map(|(id, _)| id),
            to_id: last.map(|(id, _)| id),
            from_ms,
            to_ms,
            stretches,
            gaps,
            state: StateDigest::read(conn)?,
            edits: edits(conn, "main")?,
        })
    };
    counted().map_err(Error::sqlite(path, "count the events"))
}
