//! Puts rows of records into built days: by the names of their series, or, from version 1, by the numbers of the day.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _};

use crate::archive::format::segment::rows::parse_row;
use crate::archive::look::tail::forms::{Form, Forms, Key};
use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::cell::value_from;
use crate::store::dictionary;
use crate::store::event::Gap;
use crate::store::schema::bring_up_to_date;

/// A built day that takes rows.
pub(super) struct DayInto {
    conn: Connection,
    /// Where each series lies in this day.
    joined: HashMap<Key, Joined>,
}

#[derive(Clone, Copy)]
struct Joined {
    number: i64,
    /// Strings follow by the same rule here.
    text: bool,
    /// Positions follow over the same range here.
    range: bool,
}

/// Why a row cannot be put in.
pub(super) enum Refused {
    /// What is wrong with it, in words.
    Row(String),
    /// The database.
    Sqlite(rusqlite::Error),
}

impl Refused {
    /// The error about the day that is built, or about the record of a segment.
    pub(super) fn told(self, day: &Path, segment: &Path, offset: u64) -> Error {
        match self {
            Refused::Sqlite(error) => Error::sqlite(day, "put a segment's row on top")(error),
            Refused::Row(found) => Finding::new(segment, "damaged segment")
                .expected("rows as FORMAT.md tells")
                .found(format!("{found} in the record at byte {offset}"))
                .hint("restore to a moment before it, or from a later backup")
                .into(),
        }
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Refused {
        Refused::Sqlite(error)
    }
}

impl DayInto {
    pub(super) fn begin(path: &Path) -> Result<DayInto> {
        let mut conn = scratch::open(path)?;
        bring_up_to_date(&mut conn, path)?;
        conn.execute_batch("BEGIN")
            .map_err(Error::sqlite(path, "put segments on top"))?;
        Ok(DayInto {
            conn,
            joined: HashMap::new(),
        })
    }

    pub(super) fn end(self, path: &Path) -> Result<()> {
        self.conn
            .execute_batch("COMMIT")
            .map_err(Error::sqlite(path, "put segments on top"))?;
        self.conn
            .close()
            .map_err(|(_, error)| Error::sqlite(path, "close the built day")(error))
    }

    /// Notes that changes may be missing, under the next free id from `after` on.
    pub(super) fn gap(&self, after: i64, gap: &Gap) -> rusqlite::Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO gaps (id, from_ms, to_ms, why) VALUES (?, ?, ?, ?)",
        )?;
        let mut id = after.max(0);
        while insert.execute((id, gap.from_ms, gap.to_ms, &gap.why))? == 0 {
            id += 1;
        }
        Ok(())
    }

    /// Puts a record's rows in; of its changes those behind an id, as those up to it are there from elsewhere.
    pub(super) fn put(
        &mut self,
        forms: &Forms,
        rows: &str,
        after: i64,
    ) -> std::result::Result<(), Refused> {
        let mut series: Vec<Key> = Vec::new();
        for line in rows.lines() {
            let (table, columns) =
                parse_row(line).ok_or_else(|| Refused::Row("a line that is no row".into()))?;
            match table.as_str() {
                "s" => {
                    series = columns
                        .into_iter()
                        .map(|column| match column {
                            Sql::Text(key) => Some(Key(key)),
                            _ => None,
                        })
                        .collect::<Option<_>>()
                        .ok_or_else(|| Refused::Row("a list of series that is none".into()))?;
                }
                // The forms are known before the first row is put in.
                "d" => {}
                "c" if is_held(&columns, after) => {}
                "c" | "f" => self.named(forms, &table, columns, &series)?,
                "k" => self.plain(
                    "INSERT OR REPLACE INTO keyframes (id, reason, count) VALUES (?, ?, ?)",
                    columns,
                    3,
                )?,
                "g" => self.plain(
                    "INSERT OR REPLACE INTO gaps (id, from_ms, to_ms, why) VALUES (?, ?, ?, ?)",
                    columns,
                    4,
                )?,
                "o" => self.plain(
                    "INSERT OR REPLACE INTO origins (id, \"by\", since) VALUES (?, ?, ?)",
                    columns,
                    3,
                )?,
                "t" => self.plain(
                    "INSERT OR REPLACE INTO clock_steps (id, from_ms, to_ms, how) VALUES (?, ?, ?, ?)",
                    columns,
                    4,
                )?,
                // A later program may ship more kinds of rows; none of them is needed to have the events.
                _ => {}
            }
        }
        Ok(())
    }

    fn plain(
        &self,
        sql: &str,
        columns: Vec<Sql>,
        expected: usize,
    ) -> std::result::Result<(), Refused> {
        if columns.len() != expected {
            return Err(Refused::Row(format!("a row of {} columns", columns.len())));
        }
        self.conn
            .prepare_cached(sql)?
            .execute(rusqlite::params_from_iter(columns))?;
        Ok(())
    }

    /// A row of a series: its second column is the place of the series in the record's list.
    fn named(
        &mut self,
        forms: &Forms,
        table: &str,
        mut columns: Vec<Sql>,
        series: &[Key],
    ) -> std::result::Result<(), Refused> {
        let (changes, expected) = (table == "c", if table == "c" { 6 } else { 5 });
        if columns.len() != expected {
            return Err(Refused::Row(format!("a row of {} columns", columns.len())));
        }
        let key = match columns[1] {
            Sql::Integer(place) => usize::try_from(place)
                .ok()
                .and_then(|place| series.get(place)),
            _ => None,
        };
        let key = key.ok_or_else(|| {
            Refused::Row("a row of a series that the record does not list".into())
        })?;
        let form = forms.get(key).ok_or_else(|| {
            Refused::Row(format!(
                "a row of series {}, which no record describes",
                key.0
            ))
        })?;
        let joined = match self.joined.get(key) {
            Some(joined) => *joined,
            None => {
                let joined = join(&self.conn, form)?;
                self.joined.insert(key.clone(), joined);
                joined
            }
        };
        columns[1] = Sql::Integer(joined.number);
        // What followed from the value there is written out where it would not follow here.
        if !joined.text && columns[3] == Sql::Null {
            let value = value_from(&columns[2]);
            let text = form
                .text
                .as_ref()
                .and_then(|rule| rule.text(value.as_ref()));
            columns[3] = text.map_or(Sql::Blob(Vec::new()), |text| Sql::Text(text.into()));
        }
        if !joined.range && columns[4] == Sql::Null {
            let position = match (value_from(&columns[2]), form.range) {
                (Some(crate::store::value::Value::Number(number)), Some(range)) => {
                    range.position(number)
                }
                _ => None,
            };
            columns[4] = position.map_or(Sql::Blob(Vec::new()), Sql::Real);
        }
        let sql = if changes {
            "INSERT OR IGNORE INTO changes (id, series, value, string, position, at) VALUES (?, ?, ?, ?, ?, ?)"
        } else {
            "INSERT OR REPLACE INTO keyframe_states (keyframe, series, value, string, position) VALUES (?, ?, ?, ?, ?)"
        };
        self.conn
            .prepare_cached(sql)?
            .execute(rusqlite::params_from_iter(columns))?;
        Ok(())
    }

    /// Puts rows of version 1 in, whose numbers are those of the day that the backup was made from.
    pub(super) fn put_older(&self, rows: &str, after: i64) -> std::result::Result<(), Refused> {
        for line in rows.lines() {
            let (table, columns) =
                parse_row(line).ok_or_else(|| Refused::Row("a line that is no row".into()))?;
            let sql: &str = match (table.as_str(), columns.len()) {
                ("c", 6) if is_held(&columns, after) => continue,
                ("c", 6) => {
                    "INSERT OR IGNORE INTO changes (id, series, value, string, position, at) VALUES (?, ?, ?, ?, ?, ?)"
                }
                ("s", 13) => {
                    self.same_name(&columns)?;
                    &PUT_SERIES
                }
                ("k", 3) => "INSERT OR REPLACE INTO keyframes (id, reason, count) VALUES (?, ?, ?)",
                ("f", 5) => {
                    "INSERT OR REPLACE INTO keyframe_states (keyframe, series, value, string, position) VALUES (?, ?, ?, ?, ?)"
                }
                ("g", 4) => {
                    "INSERT OR REPLACE INTO gaps (id, from_ms, to_ms, why) VALUES (?, ?, ?, ?)"
                }
                _ => continue,
            };
            self.conn
                .prepare_cached(sql)?
                .execute(rusqlite::params_from_iter(columns))?;
        }
        Ok(())
    }

    /// A number that means another series in the day shows that the two do not belong together.
    fn same_name(&self, columns: &[Sql]) -> std::result::Result<(), Refused> {
        let path: Option<String> = self
            .conn
            .prepare_cached("SELECT path FROM series WHERE id = ?1")?
            .query_row([&columns[0]], |row| row.get(0))
            .optional()?;
        match (path, &columns[2]) {
            (Some(here), Sql::Text(there)) if here != *there => Err(Refused::Row(format!(
                "a series {there} under the number that {here} has in the day"
            ))),
            _ => Ok(()),
        }
    }
}

/// Whether a change is one of those up to an id.
fn is_held(columns: &[Sql], after: i64) -> bool {
    matches!(columns.first(), Some(Sql::Integer(id)) if *id <= after)
}

static PUT_SERIES: LazyLock<String> = LazyLock::new(|| {
    let columns = dictionary::listed(str::to_owned);
    let values = dictionary::listed(|_| "?".into());
    format!("INSERT OR REPLACE INTO series (id, {columns}) VALUES (?, {values})")
});

/// Finds a form's series in a day, or adds it.
fn join(conn: &Connection, form: &Form) -> rusqlite::Result<Joined> {
    let named: Vec<String> = (1..)
        .zip(dictionary::NAMED)
        .map(|(place, name)| format!("{name} = ?{place}"))
        .collect();
    let rules = dictionary::RULES.join(", ");
    let names = rusqlite::params_from_iter(&form.columns[..dictionary::NAMED.len()]);
    let found: Option<(i64, Vec<Sql>)> = conn
        .prepare_cached(&format!(
            "SELECT id, {rules} FROM series WHERE {}",
            named.join(" AND ")
        ))?
        .query_row(names, |row| {
            let rules = (1..=dictionary::RULES.len()).map(|column| row.get(column));
            Ok((row.get(0)?, rules.collect::<rusqlite::Result<_>>()?))
        })
        .optional()?;
    if let Some((number, rules)) = found {
        let theirs = &form.columns[dictionary::NAMED.len()..];
        return Ok(Joined {
            number,
            text: rules[..5] == theirs[..5],
            range: rules[5..] == theirs[5..],
        });
    }
    let columns = dictionary::listed(str::to_owned);
    let values = dictionary::listed(|_| "?".into());
    conn.execute(
        &format!("INSERT INTO series ({columns}) VALUES ({values})"),
        rusqlite::params_from_iter(&form.columns),
    )?;
    Ok(Joined {
        number: conn.last_insert_rowid(),
        text: true,
        range: true,
    })
}
