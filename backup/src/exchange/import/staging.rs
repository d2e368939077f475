//! Where incoming events wait while they are compared with the store: a temporary database that sorts on disk.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, params};

use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::exchange::import::report::ImportReport;
use crate::store::cell::{
    Cell, position_in, position_out, string_in, string_out, text_in, value_in, value_out,
};
use crate::store::change::{Change, Row};
use crate::store::day::Day;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::names::{Names, SeriesId};
use crate::store::value::Value;

pub(super) struct Staging {
    pub(super) conn: Connection,
    pub(super) names: Arc<Names>,
    path: PathBuf,
    sorted: bool,
}

impl Staging {
    /// In a folder for scratch files.
    pub(super) fn new(scratch: &Path, names: Arc<Names>) -> Result<Staging> {
        let path = scratch.join("staging.db");
        let made = || Error::sqlite(&path, "make a temporary database");
        let conn = Connection::open(&path).map_err(made())?;
        scratch::unprotected(&conn).map_err(made())?;
        conn.execute_batch(
            "PRAGMA temp_store = FILE;
             CREATE TABLE staged (n INTEGER PRIMARY KEY, day INTEGER NOT NULL, wanted INTEGER NOT NULL, at INTEGER NOT NULL,
                                  series INTEGER NOT NULL, value, string, position, content BLOB NOT NULL);
             CREATE TABLE present (content BLOB NOT NULL);
             CREATE TABLE missing (n INTEGER PRIMARY KEY);
             CREATE TABLE gaps (day INTEGER NOT NULL, id INTEGER NOT NULL, from_ms INTEGER, to_ms INTEGER, why TEXT);
             CREATE TABLE keyframes (id INTEGER PRIMARY KEY, day INTEGER NOT NULL, reason TEXT NOT NULL);
             CREATE TABLE states (keyframe INTEGER NOT NULL, series INTEGER NOT NULL, value, string, position,
                                  PRIMARY KEY (keyframe, series)) WITHOUT ROWID;
             BEGIN;",
        )
        .map_err(made())?;
        Ok(Staging {
            conn,
            names,
            path,
            sorted: false,
        })
    }

    pub(super) fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        Error::sqlite(&self.path, "sort the incoming events")
    }

    pub(super) fn add(&mut self, row: &Row) -> Result<()> {
        let change = &row.change;
        let string = match change.string.as_deref() {
            Some(text) => text_in(text),
            None => string_in(&Cell::Absent),
        };
        self.conn
            .prepare_cached(
                "INSERT INTO staged (day, wanted, at, series, value, string, position, content)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    row.id.day().start_ms(),
                    row.id.0,
                    row.at_ms,
                    change.series.0,
                    value_in(change.value.as_ref()),
                    string,
                    position_in(change.position.map_or(Cell::Absent, Cell::Stored)),
                    content(row.at_ms, change),
                ])
            })
            .map_err(self.failed())?;
        Ok(())
    }

    /// Forgets the events that came for a day.
    pub(super) fn forget(&mut self, day: Day) -> Result<()> {
        self.conn
            .execute("DELETE FROM staged WHERE day = ?1", [day.start_ms()])
            .map_err(self.failed())?;
        Ok(())
    }

    /// The days that anything came for.
    pub(super) fn days(&mut self) -> Result<BTreeSet<Day>> {
        if !self.sorted {
            self.conn
                .execute_batch("CREATE INDEX by_day ON staged (day, content)")
                .map_err(self.failed())?;
            self.sorted = true;
        }
        let mut query = self
            .conn
            .prepare(
                "SELECT day FROM staged UNION SELECT day FROM gaps UNION SELECT day FROM keyframes",
            )
            .map_err(self.failed())?;
        let days = query
            .query_map([], |row| row.get(0).map(Day::of_ms))
            .map_err(self.failed())?;
        days.collect::<rusqlite::Result<_>>().map_err(self.failed())
    }

    /// Finds out which of a day's events are not in the store yet.
    pub(super) fn compare(
        &mut self,
        store: &Store,
        day: Day,
        report: &mut ImportReport,
    ) -> Result<()> {
        self.conn
            .execute_batch("DELETE FROM present; DELETE FROM missing")
            .map_err(self.failed())?;
        if store.day_path(day).exists() {
            let mut insert = self
                .conn
                .prepare("INSERT INTO present (content) VALUES (?1)")
                .map_err(self.failed())?;
            let mut problem = None;
            let names = &self.names;
            store.each_of_day(day, &mut |event| {
                let change = Change {
                    series: (names.number(&event.series))
                        .unwrap_or_else(|| names.intern((*event.series).clone())),
                    value: event.value,
                    string: event.string,
                    position: event.position,
                };
                problem = insert.execute([content(event.at_ms, &change)]).err();
                problem.is_none()
            })?;
            if let Some(problem) = problem {
                return Err(self.failed()(problem));
            }
        }
        // The n-th of equal ones is there when at least n are.
        self.conn
            .execute(
                "INSERT INTO missing (n)
                 SELECT n FROM (SELECT n, content, row_number() OVER (PARTITION BY content ORDER BY n) AS nth
                                FROM staged WHERE day = ?1)
                 LEFT JOIN (SELECT content, count(*) AS there FROM present GROUP BY content) USING (content)
                 WHERE nth > coalesce(there, 0)",
                [day.start_ms()],
            )
            .map_err(self.failed())?;
        let skipped: i64 = self
            .conn
            .query_row(
                "SELECT (SELECT count(*) FROM staged WHERE day = ?1) - (SELECT count(*) FROM missing)",
                [day.start_ms()],
                |row| row.get(0),
            )
            .map_err(self.failed())?;
        report.skipped += skipped.unsigned_abs();
        Ok(())
    }

    /// Takes all of a day's events for missing.
    pub(super) fn take_all(&mut self, day: Day) -> Result<()> {
        self.conn
            .execute("DELETE FROM missing", [])
            .and_then(|_| {
                let all = "INSERT INTO missing (n) SELECT n FROM staged WHERE day = ?1";
                self.conn.execute(all, [day.start_ms()])
            })
            .map_err(self.failed())?;
        Ok(())
    }

    /// Some of the missing events of the day looked at last, in the order of the file, and where to go on.
    pub(super) fn missing(
        &self,
        after: Option<i64>,
        limit: usize,
    ) -> Result<(Vec<Row>, Option<i64>)> {
        let mut query = self
            .conn
            .prepare_cached(
                "SELECT staged.n, wanted, at, series, value, string, position FROM missing JOIN staged USING (n)
                 WHERE staged.n > ?1 ORDER BY staged.n LIMIT ?2",
            )
            .map_err(self.failed())?;
        let mut next = None;
        let rows = query
            .query_map(params![after.unwrap_or(-1), limit], |row| {
                next = Some(row.get(0)?);
                Ok(Row {
                    id: EventId(row.get(1)?),
                    at_ms: row.get(2)?,
                    change: Change {
                        series: SeriesId(row.get(3)?),
                        value: value_out(row.get_ref(4)?),
                        string: match string_out(row.get_ref(5)?) {
                            Cell::Stored(text) => Some(text),
                            _ => None,
                        },
                        position: match position_out(row.get_ref(6)?) {
                            Cell::Stored(position) => Some(position),
                            _ => None,
                        },
                    },
                })
            })
            .map_err(self.failed())?
            .collect::<rusqlite::Result<Vec<Row>>>()
            .map_err(self.failed())?;
        Ok((rows, next))
    }
}

/// What makes two events equal, in 16 bytes. Only ever compared within one import, where a series has one number.
fn content(at_ms: i64, change: &Change) -> [u8; 16] {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write_i64(at_ms);
        hasher.write_u32(change.series.0);
        match &change.value {
            None => hasher.write_u8(0),
            Some(Value::Number(number)) => {
                hasher.write_u8(1);
                hasher.write_u64(number.to_bits());
            }
            Some(Value::Bool(truth)) => hasher.write_u8(2 + u8::from(*truth)),
            Some(Value::Text(text)) => {
                hasher.write_u8(4);
                hasher.write_usize(text.len());
                hasher.write(text.as_bytes());
            }
        }
        // First whether there is one: any text may be one.
        hasher.write_u8(u8::from(change.string.is_some()));
        if let Some(text) = &change.string {
            hasher.write_usize(text.len());
            hasher.write(text.as_bytes());
        }
        hasher.write_u64(change.position.map_or(u64::MAX, f64::to_bits));
        hasher.finish().to_le_bytes()
    };
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&half(0));
    digest[8..].copy_from_slice(&half(1));
    digest
}
