//! Marks of a day's dictionary as it was archived, so that a later part brings only the rows that are new or changed.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::store::dictionary;

/// Rows under one mark: few marks in the manifest, and a new control brings at most this many rows along.
const TOGETHER: i64 = 64;

/// The mark of the dictionary's rows with ids from `first` on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) first: i64,
    /// First 16 digits of the SHA-256 over the rows as SQL literals.
    pub(crate) sha256: String,
}

/// The marks of the `series` table of an attached database.
pub(crate) fn of(conn: &Connection, schema: &str) -> rusqlite::Result<Vec<Mark>> {
    let sql = format!(
        "SELECT id, concat_ws(',', id, {}) FROM {schema}.series",
        dictionary::listed(|column| format!("quote({column})"))
    );
    let mut digests: BTreeMap<i64, Digest> = BTreeMap::new();
    let mut query = conn.prepare(&sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let digest = digests.entry(id - id.rem_euclid(TOGETHER)).or_default();
        digest.add(row.get_ref(1)?.as_bytes()?);
        digest.add(b"\n");
    }
    Ok(digests
        .into_iter()
        .map(|(first, digest)| Mark {
            first,
            sha256: digest.finish()[..16].to_owned(),
        })
        .collect())
}

/// Copies the rows of `live.series` whose marks are not in `before` into `main.series`; gives the marks of all.
pub(crate) fn copy_unmarked(conn: &Connection, before: &[Mark]) -> rusqlite::Result<Vec<Mark>> {
    let now = of(conn, "live")?;
    let mut copy = conn
        .prepare("INSERT INTO main.series SELECT * FROM live.series WHERE id BETWEEN ?1 AND ?2")?;
    for mark in now.iter().filter(|mark| !before.contains(mark)) {
        copy.execute([mark.first, mark.first.saturating_add(TOGETHER - 1)])?;
    }
    Ok(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(conn: &Connection, sql: &str) -> Vec<i64> {
        let mut query = conn.prepare(sql).unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    fn day(rows: i64) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../store/schema/1.sql"))
            .unwrap();
        conn.execute_batch(
            "ATTACH ':memory:' AS live; CREATE TABLE live.series AS SELECT * FROM main.series",
        )
        .unwrap();
        for id in 1..=rows {
            add(&conn, id);
        }
        conn
    }

    fn add(conn: &Connection, id: i64) {
        conn.execute(
            "INSERT INTO live.series (id, change_group, path, component, control, source)
             VALUES (?1, 'g', 'p' || ?1, 'c', 'k', 'qrc')",
            [id],
        )
        .unwrap();
    }

    #[test]
    fn only_rows_that_are_new_or_changed_come_along() {
        let conn = day(200);
        let before = of(&conn, "live").unwrap();
        assert_eq!(before.len(), 4);
        assert_eq!(copy_unmarked(&conn, &before).unwrap(), before);
        assert_eq!(numbers(&conn, "SELECT count(*) FROM main.series"), [0]);
        // A rule learned in the first group, a control new in the last.
        conn.execute_batch("UPDATE live.series SET rule = 'same' WHERE id = 5")
            .unwrap();
        add(&conn, 201);
        let now = copy_unmarked(&conn, &before).unwrap();
        let brought = numbers(&conn, "SELECT id FROM main.series ORDER BY id");
        assert_eq!(brought, (1..64).chain(192..=201).collect::<Vec<_>>());
        assert_eq!(now, of(&conn, "live").unwrap());
    }

    #[test]
    fn an_archive_without_marks_gets_the_whole_dictionary() {
        let conn = day(100);
        copy_unmarked(&conn, &[]).unwrap();
        assert_eq!(numbers(&conn, "SELECT count(*) FROM main.series"), [100]);
    }
}
