//! Where incoming events wait while they are compared with the store: a temporary database that sorts on disk.

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::exchange::import::columns::Incoming;
use crate::exchange::import::report::ImportReport;
use crate::store::cell::{
    Cell, position_in, position_out, string_in, string_out, text_in, value_in, value_out,
};
use crate::store::change::{Change, Row};
use crate::store::day::Day;
use crate::store::event::Series;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::names::{Names, SeriesId};
use crate::store::value::Value;

/// More different series than any installation has controls; beyond it a file is not what it claims to be.
const SERIES_LIMIT: u32 = 200_000;

pub(super) struct Staging {
    pub(super) conn: Connection,
    pub(super) names: Arc<Names>,
    folder: TempDir,
    sorted: bool,
}

impl Staging {
    pub(super) fn new(beside: &Path, names: Arc<Names>) -> Result<Staging> {
        let folder = scratch::folder(beside)?;
        let path = folder.path().join("staging.db");
        let made = || Error::sqlite(&path, "make a temporary database");
        let conn = Connection::open(&path).map_err(made())?;
        scratch::unprotected(&conn).map_err(made())?;
        conn.execute_batch(
            "PRAGMA temp_store = FILE;
             CREATE TABLE staged (n INTEGER PRIMARY KEY, day INTEGER NOT NULL, wanted INTEGER, at INTEGER NOT NULL,
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
            folder,
            sorted: false,
        })
    }

    pub(super) fn failed(&self) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        Error::sqlite(
            &self.folder.path().join("staging.db"),
            "sort the incoming events",
        )
    }

    pub(super) fn add(&mut self, incoming: Incoming) -> Result<()> {
        let content = digest(
            incoming.at_ms,
            &incoming.series,
            &incoming.value,
            incoming.string.as_deref(),
            incoming.position,
        );
        let series = self.names.intern(incoming.series);
        let id = incoming
            .wanted
            .unwrap_or(EventId::first_of_ms(incoming.at_ms));
        let change = Change {
            series,
            value: incoming.value,
            string: incoming.string,
            position: incoming.position,
        };
        let row = Row {
            id,
            at_ms: incoming.at_ms,
            change,
        };
        if series.0 >= SERIES_LIMIT {
            return Err(Error::Input {
                what: "imported events".into(),
                found: format!("more than {SERIES_LIMIT} different controls"),
                expected: "the events of one installation".into(),
            });
        }
        let string = match row.change.string.as_deref() {
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
                    id.day().start_ms(),
                    incoming.wanted.map(|id| id.0),
                    row.at_ms,
                    series.0,
                    value_in(row.change.value.as_ref()),
                    string,
                    position_in(row.change.position.map_or(Cell::Absent, Cell::Stored)),
                    content,
                ])
            })
            .map_err(self.failed())?;
        Ok(())
    }

    /// The days that anything came for, oldest first.
    pub(super) fn days(&mut self) -> Result<Vec<Day>> {
        if !self.sorted {
            self.conn
                .execute_batch("CREATE INDEX by_day ON staged (day, content)")
                .map_err(self.failed())?;
            self.sorted = true;
        }
        let mut query = self
            .conn
            .prepare("SELECT day FROM staged UNION SELECT day FROM gaps UNION SELECT day FROM keyframes ORDER BY day")
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
            store.each_of_day(day, &mut |event| {
                let content = digest(
                    event.at_ms,
                    &event.series,
                    &event.value,
                    event.string.as_deref(),
                    event.position,
                );
                problem = insert.execute([content]).err();
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

    /// Some of the missing events of the day compared last, in the order of the file, and where to go on.
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
                let at_ms = row.get(2)?;
                Ok(Row {
                    id: row
                        .get::<_, Option<i64>>(1)?
                        .map_or(EventId::first_of_ms(at_ms), EventId),
                    at_ms,
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

/// What makes two events equal, in 16 bytes. Only ever compared within one import.
fn digest(
    at_ms: i64,
    series: &Series,
    value: &Option<Value>,
    string: Option<&str>,
    position: Option<f64>,
) -> [u8; 16] {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write_i64(at_ms);
        let mut text = |text: &str| {
            hasher.write_usize(text.len());
            hasher.write(text.as_bytes());
        };
        text(&series.change_group);
        text(&series.path);
        text(&series.component);
        text(&series.control);
        text(&series.source);
        // First whether there is one: any text may be one.
        text(if string.is_some() { "string" } else { "" });
        text(string.unwrap_or_default());
        match value {
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
        hasher.write_u64(position.map_or(u64::MAX, f64::to_bits));
        hasher.finish().to_le_bytes()
    };
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&half(0));
    digest[8..].copy_from_slice(&half(1));
    digest
}
