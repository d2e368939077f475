//! A running digest over the meaning of a day's changes: equal digests mean the same rows, whatever file holds them.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::store::dictionary::{self, FileSeries};
use crate::store::meaning::{self, SeriesKey};
use crate::store::query::reader::{COLUMNS, content};
use crate::store::value::Value;

/// Changes between two digests that a day file keeps.
const EVERY: u64 = 8192;
/// Before the first change.
const NOTHING: [u8; 32] = [0; 32];

/// The digest over all changes of a day up to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowDigest {
    /// The last change that it holds.
    pub(crate) id: i64,
    /// How many it holds.
    pub(crate) count: u64,
    pub(crate) sha256: String,
}

/// What the recorder leaves of it in a day file's `meta`.
const ID: &str = "rows_id";
const COUNT: &str = "rows_count";
const SHA256: &str = "rows_sha256";

impl RowDigest {
    /// Leaves it in the file as its writer's word, inside the open transaction.
    pub(crate) fn vouch(&self, conn: &Connection) -> rusqlite::Result<()> {
        let mut put =
            conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
        put.execute((ID, self.id))?;
        put.execute((COUNT, self.count))?;
        put.execute((SHA256, &self.sha256))?;
        Ok(())
    }

    /// The writer's word in a day file; nothing where there is none.
    pub(crate) fn vouched(conn: &Connection) -> rusqlite::Result<Option<RowDigest>> {
        conn.query_row(
            "SELECT i.value, c.value, h.value FROM meta i JOIN meta c ON c.key = ?2 JOIN meta h ON h.key = ?3
             WHERE i.key = ?1 AND typeof(i.value) = 'integer' AND typeof(c.value) = 'integer' AND typeof(h.value) = 'text'",
            [ID, COUNT, SHA256],
            |row| {
                Ok(RowDigest {
                    id: row.get(0)?,
                    count: row.get(1)?,
                    sha256: row.get(2)?,
                })
            },
        )
        .optional()
    }
}

/// A change as it is hashed.
pub(crate) struct Meant<'a> {
    pub(crate) id: i64,
    pub(crate) at_ms: i64,
    pub(crate) key: &'a SeriesKey,
    pub(crate) value: Option<&'a Value>,
    pub(crate) string: Option<&'a str>,
    pub(crate) position: Option<f64>,
}

/// Goes on with a day's changes in their order.
#[derive(Clone)]
pub(crate) struct Running {
    /// The digest after the last whole run of [`EVERY`] changes.
    before: [u8; 32],
    run: Sha256,
    bytes: Vec<u8>,
    pub(crate) count: u64,
    pub(crate) last: i64,
}

/// To be kept in the file: after so many changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    count: u64,
    id: i64,
    sha256: [u8; 32],
}

impl Running {
    /// Before the day's first change.
    pub(crate) fn begin() -> Running {
        Running::from(0, -1, NOTHING)
    }

    fn from(count: u64, last: i64, before: [u8; 32]) -> Running {
        Running {
            before,
            run: Sha256::new_with_prefix(before),
            bytes: Vec::with_capacity(128),
            count,
            last,
        }
    }

    /// Adds the next change; gives what the file is to keep, if it is due.
    pub(crate) fn add(&mut self, change: &Meant<'_>) -> Option<Kept> {
        self.bytes.clear();
        self.bytes.extend(change.id.to_le_bytes());
        self.bytes.extend(change.at_ms.to_le_bytes());
        self.bytes.extend(change.key.0);
        meaning::content(
            &mut self.bytes,
            change.value,
            change.string,
            change.position,
        );
        self.run.update(&self.bytes);
        self.count += 1;
        self.last = change.id;
        if !self.count.is_multiple_of(EVERY) {
            return None;
        }
        self.before = self.run.finalize_reset().into();
        self.run.update(self.before);
        Some(Kept {
            count: self.count,
            id: self.last,
            sha256: self.before,
        })
    }

    /// The digest of all changes so far.
    pub(crate) fn now(&self) -> RowDigest {
        let digest = if self.count.is_multiple_of(EVERY) {
            self.before
        } else {
            self.run.clone().finalize().into()
        };
        RowDigest {
            id: self.last,
            count: self.count,
            sha256: hex(&digest),
        }
    }
}

impl Kept {
    /// Keeps it in the file, inside the open transaction.
    pub(crate) fn write(&self, conn: &Connection) -> rusqlite::Result<()> {
        conn.prepare_cached(
            "INSERT OR REPLACE INTO digests (count, id, sha256) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![self.count, self.id, self.sha256])
        .map(drop)
    }
}

/// How far the digests that a file keeps are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// What its writer kept holds: only what came after it is read.
    Kept,
    /// Every change is read.
    None,
}

/// The running digest of a day of an attached file up to `until` (inclusive). `keep` is given what the file lacks.
pub(crate) fn until(
    conn: &Connection,
    schema: &str,
    until: i64,
    trust: Trust,
    keep: &mut dyn FnMut(Kept) -> rusqlite::Result<()>,
) -> rusqlite::Result<Running> {
    let kept = match trust {
        Trust::None => None,
        Trust::Kept => kept(conn, schema, until)?,
    };
    let mut running = kept.unwrap_or_else(Running::begin);
    let series: HashMap<i64, (FileSeries, SeriesKey)> = dictionary::load_from(conn, schema)?
        .into_iter()
        .map(|entry| {
            let key = SeriesKey::of(&entry.series);
            (entry.id, (entry, key))
        })
        .collect();
    let mut query = conn.prepare(&format!(
        "SELECT {COLUMNS} FROM {schema}.changes AS changes WHERE id > ?1 AND id <= ?2 ORDER BY id"
    ))?;
    let mut rows = query.query([running.last, until])?;
    while let Some(row) = rows.next()? {
        let (id, number): (i64, i64) = (row.get(0)?, row.get(1)?);
        let Some((entry, key)) = series.get(&number) else {
            let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            let what = format!("change {id} is of series {number}, which the file does not know");
            return Err(rusqlite::Error::SqliteFailure(damaged, Some(what)));
        };
        let (value, string, position) = content(entry, row, 2)?;
        let due = running.add(&Meant {
            id,
            at_ms: row.get::<_, Option<i64>>(5)?.unwrap_or(id >> 12),
            key,
            value: value.as_ref(),
            string: string.as_deref(),
            position,
        });
        if let Some(due) = due {
            keep(due)?;
        }
    }
    Ok(running)
}

/// Whether the file has a place for digests. One of version 1 has none.
pub(crate) fn keeps(conn: &Connection, schema: &str) -> rusqlite::Result<bool> {
    conn.query_row(
        &format!("SELECT EXISTS (SELECT 1 FROM {schema}.sqlite_schema WHERE name = 'digests')"),
        [],
        |row| row.get(0),
    )
}

/// The last digest that the file keeps up to a change.
fn kept(conn: &Connection, schema: &str, until: i64) -> rusqlite::Result<Option<Running>> {
    if !keeps(conn, schema)? {
        return Ok(None);
    }
    conn.query_row(
        &format!(
            "SELECT count, id, sha256 FROM {schema}.digests
             WHERE id <= ?1 AND length(sha256) = 32 AND count % {EVERY} = 0 ORDER BY count DESC LIMIT 1"
        ),
        [until],
        |row| Ok(Running::from(row.get(0)?, row.get(1)?, row.get(2)?)),
    )
    .optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::in_memory;

    fn day(numbers: [i64; 2], rows: i64) -> Connection {
        let conn = in_memory();
        for (number, name) in numbers.into_iter().zip(["a", "b"]) {
            conn.execute(
                "INSERT INTO series (id, change_group, path, component, control, source, rule, digits, unit)
                 VALUES (?1, 'g', ?2, '', ?2, 'qrc', 'fixed', 0, 'dB')",
                params![number, name],
            )
            .unwrap();
        }
        conn.execute_batch("BEGIN").unwrap();
        for id in 1..=rows {
            conn.prepare_cached(
                "INSERT INTO changes (id, series, value, position) VALUES (?1, ?2, ?3, x'')",
            )
            .unwrap()
            .execute([id, numbers[(id % 2) as usize], id % 50])
            .unwrap();
        }
        conn.execute_batch("COMMIT").unwrap();
        conn
    }

    fn digest(conn: &Connection, id: i64, trust: Trust) -> RowDigest {
        until(conn, "main", id, trust, &mut |kept| kept.write(conn))
            .unwrap()
            .now()
    }

    #[test]
    fn numbers_of_series_and_written_out_texts_do_not_matter_and_everything_else_does() {
        let (one, other) = (day([1, 2], 20), day([7, 3], 20));
        other
            .execute_batch("UPDATE changes SET string = value || 'dB' WHERE id = 5")
            .unwrap();
        let same = digest(&one, 20, Trust::None);
        assert_eq!(same, digest(&other, 20, Trust::None));
        assert_eq!((same.id, same.count), (20, 20));
        for change in [
            "UPDATE changes SET value = 51 WHERE id = 5",
            "UPDATE changes SET series = 1 WHERE id = 5",
            "UPDATE changes SET string = '' WHERE id = 5",
            "UPDATE changes SET position = 0.5 WHERE id = 5",
            "UPDATE changes SET at = 5 WHERE id = 5",
            "UPDATE series SET unit = 'db' WHERE id = 2",
            "UPDATE series SET source = 'found' WHERE id = 2",
            "DELETE FROM changes WHERE id = 5",
        ] {
            let altered = day([1, 2], 20);
            assert_eq!(altered.execute(change, []).unwrap(), 1, "{change}");
            assert_ne!(digest(&altered, 20, Trust::None), same, "{change}");
        }
    }

    #[test]
    fn kept_digests_give_the_same_and_are_void_once_a_row_is_altered() {
        let conn = day([1, 2], 20_000);
        let whole = digest(&conn, 20_000, Trust::None);
        let kept = |conn: &Connection| -> Vec<i64> {
            let mut query = conn.prepare("SELECT count FROM digests").unwrap();
            let rows = query.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<rusqlite::Result<_>>().unwrap()
        };
        assert_eq!(kept(&conn), [8192, 16_384]);
        assert_eq!(digest(&conn, 20_000, Trust::Kept), whole);
        let at = digest(&conn, 16_384, Trust::Kept);
        assert_eq!(at, digest(&day([2, 1], 16_384), 16_384, Trust::None));
        conn.execute("UPDATE changes SET value = 99 WHERE id = 9000", [])
            .unwrap();
        assert_eq!(kept(&conn), [8192]);
        assert_ne!(digest(&conn, 20_000, Trust::Kept), whole);
    }
}
