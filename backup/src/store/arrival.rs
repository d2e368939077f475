//! When the content of a day file came into the store, where it was not recorded into it.

use rusqlite::{Connection, OptionalExtension as _};

/// Notes the moment, Unix milliseconds.
pub(crate) fn note(conn: &Connection, came_ms: i64) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT INTO meta (key, value) VALUES ('came_ms', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [came_ms],
    )
    .map(drop)
}

/// The moment, if one is noted.
pub(super) fn read(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    conn.query_row(
        "SELECT value FROM meta WHERE key = 'came_ms' AND typeof(value) = 'integer'",
        [],
        |row| row.get(0),
    )
    .optional()
}
