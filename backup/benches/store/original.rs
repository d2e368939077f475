//! The original's table, filled as the original fills it: text per event, seven indexes, batches of 1000.

use std::path::Path;

use backup::Series;
use rusqlite::{Connection, params};

/// An event as its columns want it.
pub(crate) struct Row<'a> {
    pub(crate) at_ms: i64,
    pub(crate) series: &'a Series,
    pub(crate) value: Option<f64>,
    pub(crate) string: Option<String>,
}

pub(crate) fn create(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL,
            change_group_id TEXT NOT NULL, control_path TEXT NOT NULL, component_name TEXT NOT NULL,
            control_name TEXT NOT NULL, value REAL, string_value TEXT, source TEXT,
            created_at DATETIME DEFAULT CURRENT_TIMESTAMP);
         CREATE INDEX i1 ON events (timestamp); CREATE INDEX i2 ON events (change_group_id);
         CREATE INDEX i3 ON events (control_path); CREATE INDEX i4 ON events (component_name);
         CREATE INDEX i5 ON events (control_name); CREATE INDEX i6 ON events (component_name, timestamp);
         CREATE INDEX i7 ON events (change_group_id, timestamp);",
    )
    .unwrap();
    conn
}

pub(crate) fn fill<'a>(conn: &Connection, rows: impl Iterator<Item = Row<'a>>) {
    let mut insert = conn
        .prepare(
            "INSERT INTO events (timestamp, change_group_id, control_path, component_name, control_name, value,
             string_value, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .unwrap();
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        conn.execute_batch("BEGIN").unwrap();
        for row in rows.by_ref().take(1000) {
            let values = params![
                row.at_ms,
                row.series.change_group.as_str(),
                row.series.path.as_str(),
                row.series.component.as_str(),
                row.series.control.as_str(),
                row.value,
                row.string,
                row.series.source.as_str()
            ];
            insert.execute(values).unwrap();
        }
        conn.execute_batch("COMMIT").unwrap();
    }
}

/// Folds the log into the file.
pub(crate) fn checkpoint(conn: &Connection) {
    let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
    conn.query_row(fold, [], |_| Ok(())).unwrap();
}
