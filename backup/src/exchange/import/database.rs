//! Events from databases: our day files, and the files of the original.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::error::{Error, Result};
use crate::exchange::import::columns::{
    Column, Columns, Found, Incoming, Keyframe, KnownState, Named, Raw, Take,
};
use crate::store::event::Gap;
use crate::store::id::EventId;
use crate::store::query::reader::{COLUMNS, DayReader, content};
use crate::store::schema::{APPLICATION_ID, open_any_reader};

/// Reads the database at `path`; errors speak of it as `shown`.
pub(super) fn read(path: &Path, shown: &Path, take: &mut Take<'_>) -> Result<()> {
    let conn = open_any_reader(path)?;
    let application: i32 = conn
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(Error::sqlite(shown, "read the database"))?;
    if application == APPLICATION_ID {
        drop(conn);
        read_ours(path, take)
    } else {
        read_original(&conn, shown, take)
    }
}

fn read_ours(path: &Path, take: &mut Take<'_>) -> Result<()> {
    let reader = DayReader::open(path)?;
    let sql = format!("SELECT {COLUMNS} FROM changes ORDER BY id");
    let mut query = reader.conn.prepare(&sql).map_err(reader.failed())?;
    let mut rows = query.query([]).map_err(reader.failed())?;
    while let Some(row) = rows.next().map_err(reader.failed())? {
        let event = reader.event(row).map_err(reader.failed())?;
        let found = match &event {
            Some(event) => Incoming {
                wanted: Some(event.id),
                at_ms: event.at_ms,
                series: Named::of(&event.series),
                value: event.value.clone(),
                string: event.string.clone(),
                position: event.position,
            }
            .storable()
            .map_err(|reason| format!("event {}: {reason}", event.id.0)),
            None => Err("an event's control is not in the file's dictionary".to_owned()),
        };
        take(Found::Event(found))?;
    }
    read_gaps(&reader, take)?;
    read_keyframes(&reader, take)
}

fn read_gaps(reader: &DayReader, take: &mut Take<'_>) -> Result<()> {
    let sql = "SELECT id, from_ms, to_ms, why FROM gaps ORDER BY id";
    let mut query = reader.conn.prepare(sql).map_err(reader.failed())?;
    let mut rows = query.query([]).map_err(reader.failed())?;
    while let Some(row) = rows.next().map_err(reader.failed())? {
        let gap = || -> rusqlite::Result<Found<'_>> {
            let (from_ms, to_ms, why) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let gap = Gap {
                from_ms,
                to_ms,
                why,
            };
            Ok(Found::Gap(EventId(row.get(0)?), gap))
        };
        take(gap().map_err(reader.failed())?)?;
    }
    Ok(())
}

/// Those between blocks of changes follow from the changes and are made anew.
fn read_keyframes(reader: &DayReader, take: &mut Take<'_>) -> Result<()> {
    let failed = || reader.failed();
    let mut query = (reader.conn)
        .prepare("SELECT id, reason FROM keyframes WHERE reason <> 'block' ORDER BY id")
        .map_err(failed())?;
    let mut of_keyframe = (reader.conn)
        .prepare("SELECT series, value, string, position FROM keyframe_states WHERE keyframe = ?1")
        .map_err(failed())?;
    let mut rows = query.query([]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let id: i64 = row.get(0).map_err(failed())?;
        let state = |row: &Row<'_>| {
            let Some(entry) = reader.series(row.get(0)?) else {
                return Ok(None);
            };
            let (value, string, position) = content(entry, row, 1)?;
            Ok(Some(KnownState {
                series: (*entry.series).clone(),
                value,
                string,
                position,
            }))
        };
        let states = of_keyframe
            .query_map([id], state)
            .and_then(|states| {
                states
                    .filter_map(rusqlite::Result::transpose)
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .map_err(failed())?;
        take(Found::Keyframe(Keyframe {
            id: EventId(id),
            reason: row.get(1).map_err(failed())?,
            states,
        }))?;
    }
    Ok(())
}

/// Reads an open database of the original.
pub(super) fn read_original(conn: &Connection, shown: &Path, take: &mut Take<'_>) -> Result<()> {
    let failed = || Error::sqlite(shown, "read its events");
    let names: Vec<String> = conn
        .prepare("SELECT name FROM pragma_table_info('events') ORDER BY cid")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .map_err(failed())?;
    if !["timestamp", "control_name"]
        .iter()
        .all(|needed| names.iter().any(|name| name == needed))
    {
        return Err(Error::Unreadable {
            path: shown.to_path_buf(),
            found: "a database without a table of events".into(),
            expected: "a day file, or a database of the original agent with its table `events`"
                .into(),
        });
    }
    let mut query = conn
        .prepare("SELECT * FROM events ORDER BY timestamp, id")
        .map_err(failed())?;
    let known: Vec<Option<Column>> = query.column_names().map(Column::of).collect();
    let mut rows = query.query([]).map_err(failed())?;
    while let Some(row) = rows.next().map_err(failed())? {
        let mut columns = Columns::default();
        for (at, column) in known.iter().enumerate() {
            let cell = row.get_ref(at).map_err(failed())?;
            if let Some(column) = column {
                *columns.place(*column) = match cell {
                    ValueRef::Null => Raw::Missing,
                    ValueRef::Integer(whole) => Raw::Integer(whole),
                    ValueRef::Real(number) => Raw::Number(number),
                    ValueRef::Text(text) => Raw::Text(String::from_utf8_lossy(text)),
                    ValueRef::Blob(_) => Raw::Other("a blob"),
                };
            }
        }
        columns.ours = false;
        let id = columns.id.to_string();
        take(Found::Event(columns.incoming(|| format!("row {id}"))))?;
    }
    Ok(())
}
