//! The seed original's table as day files of ours.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use compact_str::CompactString;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params};

use crate::day::Day;
use crate::error::{Error, Result};
use crate::event::Series;
use crate::id::{EventId, IdSource};
use crate::schema::open_writer;

use super::snapshot;

/// Writes every row up to `until` into day files in `new`, in order of time; gives the days.
/// Rows without a usable time cannot be placed and are an error that names the row.
pub(crate) fn seed_table(
    seed: &Connection,
    name: &Path,
    until: Option<EventId>,
    new: &Path,
) -> Result<BTreeSet<Day>> {
    let failed = || Error::sqlite(name, "read its events");
    let last_ms = until.map_or(i64::MAX, EventId::ms);
    let mut query = seed
        .prepare(
            "SELECT id, timestamp, coalesce(change_group_id, ''), coalesce(control_path, ''),
                    coalesce(component_name, ''), coalesce(control_name, ''), value, string_value,
                    coalesce(source, '')
             FROM events WHERE timestamp <= ?1 ORDER BY timestamp, id",
        )
        .map_err(failed())?;
    let mut rows = query.query([last_ms]).map_err(failed())?;
    let mut days = BTreeSet::new();
    let mut ids = IdSource::after(None);
    let mut open: Option<DayWriter> = None;
    while let Some(row) = rows.next().map_err(failed())? {
        let at: i64 = match row.get_ref(1).map_err(failed())? {
            rusqlite::types::ValueRef::Integer(at) if (0..=EventId::MAX_MS).contains(&at) => at,
            rusqlite::types::ValueRef::Real(at) if (0.0..=EventId::MAX_MS as f64).contains(&at) => {
                at as i64
            }
            other => {
                return Err(Error::Unexpected {
                    path: name.to_path_buf(),
                    found: format!(
                        "the time {other:?} in row {:?}",
                        row.get_ref(0).map_err(failed())?
                    ),
                    expected: "Unix milliseconds; `import` takes the other rows over".into(),
                });
            }
        };
        let id = ids.next(at);
        let day = id.day();
        if open.as_ref().is_none_or(|writer| writer.day != day) {
            if let Some(done) = open.take() {
                done.close()?;
            }
            days.insert(day);
            open = Some(DayWriter::open(new, day)?);
        }
        let text = |column: usize| -> Result<CompactString> {
            Ok(match row.get::<_, Sql>(column).map_err(failed())? {
                Sql::Text(text) => text.into(),
                Sql::Integer(number) => number.to_string().into(),
                Sql::Real(number) => number.to_string().into(),
                Sql::Null | Sql::Blob(_) => CompactString::default(),
            })
        };
        let series = Series {
            change_group: text(2)?,
            path: text(3)?,
            component: text(4)?,
            control: text(5)?,
            source: text(8)?,
        };
        let value = match row.get::<_, Sql>(6).map_err(failed())? {
            Sql::Integer(number) => Sql::Real(number as f64),
            Sql::Blob(bytes) => Sql::Text(String::from_utf8_lossy(&bytes).into_owned()),
            other => other,
        };
        let string = match row.get::<_, Sql>(7).map_err(failed())? {
            Sql::Null => Sql::Blob(Vec::new()),
            Sql::Integer(number) => Sql::Text(number.to_string()),
            Sql::Real(number) => Sql::Text(number.to_string()),
            Sql::Blob(bytes) => Sql::Text(String::from_utf8_lossy(&bytes).into_owned()),
            text => text,
        };
        if let Some(writer) = &mut open {
            writer.put(id, at, series, value, string)?;
        }
    }
    if let Some(done) = open {
        done.close()?;
    }
    Ok(days)
}

struct DayWriter {
    conn: Connection,
    path: std::path::PathBuf,
    day: Day,
    series: HashMap<Series, i64>,
}

impl DayWriter {
    fn open(new: &Path, day: Day) -> Result<DayWriter> {
        let path = new.join(day.file_name());
        let conn = open_writer(&path)?;
        snapshot::plain(&conn, &path)?;
        conn.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")
            .map_err(Error::sqlite(&path, "begin the day file"))?;
        Ok(DayWriter {
            conn,
            path,
            day,
            series: HashMap::new(),
        })
    }

    fn put(&mut self, id: EventId, at: i64, series: Series, value: Sql, string: Sql) -> Result<()> {
        let run = || -> rusqlite::Result<()> {
            let number = match self.series.get(&series) {
                Some(&number) => number,
                None => {
                    self.conn.execute(
                        "INSERT INTO series (change_group, path, component, control, source) VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![
                            series.change_group.as_str(),
                            series.path.as_str(),
                            series.component.as_str(),
                            series.control.as_str(),
                            series.source.as_str()
                        ],
                    )?;
                    let number = self.conn.last_insert_rowid();
                    self.series.insert(series, number);
                    number
                }
            };
            self.conn
                .prepare_cached(
                    "INSERT INTO changes (id, series, value, string, position, at) VALUES (?1, ?2, ?3, ?4, x'', ?5)",
                )?
                .execute(params![id.0, number, value, string, (id.ms() != at).then_some(at)])?;
            Ok(())
        };
        run().map_err(Error::sqlite(&self.path, "write the day file"))
    }

    fn close(self) -> Result<()> {
        self.conn
            .execute_batch("COMMIT")
            .map_err(Error::sqlite(&self.path, "finish the day file"))?;
        self.conn
            .close()
            .map_err(|(_, error)| Error::sqlite(&self.path, "close the day file")(error))
    }
}
