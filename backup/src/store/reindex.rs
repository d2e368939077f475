//! Builds a day's postings and its keyframes anew after events were added in its middle.

use std::collections::HashMap;
use std::path::Path;

use compact_str::CompactString;
use rusqlite::{Connection, params};

use crate::error::{Error, Result};
use crate::store::cell::{Cell, position_in, string_in, text_in, value_in};
use crate::store::day::Day;
use crate::store::event::Series;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::postings::BlockBuilder;
use crate::store::query::state::State;
use crate::store::row_digest::{self, Trust};
use crate::store::schema::open_writer;
use crate::store::{dictionary, state_digest};

/// Changes between two keyframes.
pub(crate) const KEYFRAME_EVERY: u64 = 50_000;

/// Drops what depends on the order of a day's events, until [`rebuild`] makes it again. Meanwhile queries work, more
/// slowly.
pub(crate) fn defer(dir: &Path, day: Day) -> Result<()> {
    let path = dir.join(day.file_name());
    let conn = open_writer(&path)?;
    conn.execute_batch(&format!(
        "BEGIN IMMEDIATE; INSERT OR REPLACE INTO meta (key, value) VALUES ('importing', 1);
         DELETE FROM blocks; DELETE FROM postings; DELETE FROM digests; {} COMMIT",
        state_digest::FORGET
    ))
    .map_err(Error::sqlite(&path, "begin the import"))
}

/// Makes a day's blocks and block keyframes from its events.
pub(crate) fn rebuild(dir: &Path, day: Day) -> Result<()> {
    rebuild_after(dir, day, &before(&Store::open(dir)?, day)?)
}

/// The state of all controls before a day.
pub(crate) fn before(store: &Store, day: Day) -> Result<State> {
    store.state_at(day.start_ms() - 1)
}

/// The same as [`rebuild`] where the days before lie elsewhere.
pub(crate) fn rebuild_after(dir: &Path, day: Day, before: &State) -> Result<()> {
    let path = dir.join(day.file_name());
    let mut conn = open_writer(&path)?;
    let failed = || Error::sqlite(&path, "build its index");
    let change = conn.transaction().map_err(failed())?;
    change
        .execute_batch(
            "DELETE FROM blocks; DELETE FROM postings; DELETE FROM digests;
             DELETE FROM keyframe_states WHERE keyframe IN (SELECT id FROM keyframes WHERE reason = 'block');
             DELETE FROM keyframes WHERE reason = 'block'; DELETE FROM meta WHERE key = 'importing'",
        )
        .map_err(failed())?;
    let opens_with_keyframe: bool = change
        .query_row(
            "SELECT count(*) FROM keyframes WHERE reason = 'day'",
            [],
            |row| row.get::<_, i64>(0),
        )
        .map_err(failed())?
        > 0;
    if !opens_with_keyframe && !before.controls.is_empty() {
        let frame = EventId::first_of_ms(day.start_ms());
        let mut known: HashMap<Series, i64> = dictionary::load(&change)
            .map_err(failed())?
            .into_iter()
            .map(|entry| ((*entry.series).clone(), entry.id))
            .collect();
        for control in &before.controls {
            let series = match known.get(&*control.series) {
                Some(id) => *id,
                None => {
                    let id = dictionary::insert(&change, &control.series).map_err(failed())?;
                    known.insert((*control.series).clone(), id);
                    id
                }
            };
            let string = control
                .string
                .as_deref()
                .map_or_else(|| string_in(&Cell::Absent), text_in);
            let position = position_in(control.position.map_or(Cell::Absent, Cell::Stored));
            change
                .prepare_cached(
                    "INSERT OR REPLACE INTO keyframe_states VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .and_then(|mut insert| {
                    insert.execute(params![
                        frame.0,
                        series,
                        value_in(control.value.as_ref()),
                        string,
                        position
                    ])
                })
                .map_err(failed())?;
        }
        change
            .execute(
                "INSERT OR REPLACE INTO keyframes (id, reason, count) VALUES (?1, 'day', ?2)",
                params![frame.0, before.controls.len()],
            )
            .map_err(failed())?;
    }
    build(&change).map_err(failed())?;
    row_digest::until(&change, "main", i64::MAX, Trust::None, &mut |kept| {
        kept.write(&change)
    })
    .map_err(failed())?;
    change.commit().map_err(failed())?;
    let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let _ = conn.query_row("PRAGMA journal_mode = DELETE", [], |row| {
        row.get::<_, String>(0)
    });
    Ok(())
}

/// Where a control's content stands.
#[derive(Clone, Copy)]
enum At {
    Change(i64),
    Frame(i64),
}

fn build(conn: &Connection) -> rusqlite::Result<()> {
    let paths: HashMap<i64, CompactString> = dictionary::load(conn)?
        .into_iter()
        .map(|entry| (entry.id, entry.series.path.clone()))
        .collect();
    let frames: Vec<i64> = conn
        .prepare("SELECT id FROM keyframes ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut frames = frames.into_iter().peekable();
    let (mut block, mut states, mut since) =
        (BlockBuilder::default(), HashMap::<i64, At>::new(), 0u64);
    let mut changes = conn.prepare("SELECT id, series FROM changes ORDER BY id")?;
    let mut rows = changes.query([])?;
    while let Some(row) = rows.next()? {
        let (id, series): (i64, i64) = (row.get(0)?, row.get(1)?);
        while let Some(frame) = frames.next_if(|frame| *frame <= id) {
            states = frame_series(conn, frame)?;
            since = 0;
        }
        if since >= KEYFRAME_EVERY {
            write_frame(conn, id, &states, &paths)?;
            since = 0;
        }
        states.insert(series, At::Change(id));
        since += 1;
        block.push(id, series);
        if block.is_full() {
            block.write(conn)?;
        }
    }
    block.write(conn)
}

fn frame_series(conn: &Connection, frame: i64) -> rusqlite::Result<HashMap<i64, At>> {
    conn.prepare_cached("SELECT series FROM keyframe_states WHERE keyframe = ?1")?
        .query_map([frame], |row| Ok((row.get(0)?, At::Frame(frame))))?
        .collect()
}

/// Writes a keyframe that stands before the change `id`. Cells are copied as they lie: their series' rules are those
/// of the same file.
fn write_frame(
    conn: &Connection,
    id: i64,
    states: &HashMap<i64, At>,
    paths: &HashMap<i64, CompactString>,
) -> rusqlite::Result<()> {
    // A control may have several series (its change group changed); the newest counts.
    let mut newest: HashMap<&str, (i64, At)> = HashMap::new();
    let order = |at: At| match at {
        At::Change(id) | At::Frame(id) => id,
    };
    for (series, at) in states {
        let Some(path) = paths.get(series) else {
            continue;
        };
        let place = newest.entry(path).or_insert((*series, *at));
        if order(*at) > order(place.1) {
            *place = (*series, *at);
        }
    }
    for (series, at) in newest.values() {
        match at {
            At::Change(from) => conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO keyframe_states
                     SELECT ?1, series, value, string, position FROM changes WHERE id = ?2",
                )?
                .execute([id, *from])?,
            At::Frame(from) => conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO keyframe_states
                     SELECT ?1, series, value, string, position FROM keyframe_states
                     WHERE keyframe = ?2 AND series = ?3",
                )?
                .execute([id, *from, *series])?,
        };
    }
    conn.execute(
        "INSERT OR REPLACE INTO keyframes (id, reason, count) VALUES (?1, 'block', ?2)",
        params![id, newest.len()],
    )?;
    Ok(())
}
