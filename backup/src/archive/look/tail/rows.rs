//! Puts rows of segments into built days.

use std::path::Path;
use std::sync::LazyLock;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use crate::error::{Error, Result};
use crate::store::dictionary;

pub(super) fn commit(path: &Path, conn: Connection) -> Result<()> {
    conn.execute_batch("COMMIT")
        .map_err(Error::sqlite(path, "put segments on top"))?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(path, "close the built day")(error))
}

static PUT_SERIES: LazyLock<String> = LazyLock::new(|| {
    let columns = dictionary::listed(str::to_owned);
    let values = dictionary::listed(|_| "?".into());
    format!("INSERT OR REPLACE INTO series (id, {columns}) VALUES (?, {values})")
});

pub(super) fn insert(conn: &Connection, table: &str, columns: Vec<Sql>) -> rusqlite::Result<()> {
    let sql: &str = match (table, columns.len()) {
        // A record may reach back over what the backup holds already.
        ("c", 6) => {
            "INSERT OR IGNORE INTO changes (id, series, value, string, position, at) VALUES (?, ?, ?, ?, ?, ?)"
        }
        ("s", 13) => &PUT_SERIES,
        ("k", 3) => "INSERT OR REPLACE INTO keyframes (id, reason, count) VALUES (?, ?, ?)",
        ("f", 5) => {
            "INSERT OR REPLACE INTO keyframe_states (keyframe, series, value, string, position) VALUES (?, ?, ?, ?, ?)"
        }
        ("g", 4) => "INSERT OR REPLACE INTO gaps (id, from_ms, to_ms, why) VALUES (?, ?, ?, ?)",
        // A later program may ship more kinds of rows; none of them is needed to have the events.
        _ => return Ok(()),
    };
    conn.prepare_cached(sql)?
        .execute(rusqlite::params_from_iter(columns))
        .map(drop)
}
