//! A day's later part: a small day file of its own, put on top of the day, and whether a live day still begins with both.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use crate::archive::format::manifest::DayPart;
use crate::disk::scratch;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::dictionary;
use crate::store::row_digest::{self, Trust};
use crate::store::schema::bring_up_to_date;
use crate::store::state_digest::FORGET;
use crate::store::unite::{self, Taken};

/// The problem of a part that was made from another day than the one that it is put on.
pub(crate) const OTHER_DICTIONARY: &str = "another dictionary";

/// Puts a part on top of the day at `base`. Fails where a row is there already: then the two do not belong together.
pub(crate) fn apply(base: &Path, part: &Path) -> Result<()> {
    let mut conn = scratch::open(base)?;
    let failed = || Error::sqlite(base, "put the day's later part on top");
    conn.execute("ATTACH ?1 AS part", [part.to_string_lossy()])
        .map_err(failed())?;
    let version: i32 = conn
        .query_row("PRAGMA part.user_version", [], |row| row.get(0))
        .map_err(failed())?;
    if version > 1 {
        bring_up_to_date(&mut conn, base)?;
        conn.execute_batch("BEGIN").map_err(failed())?;
        join(&conn).map_err(failed())?;
    } else {
        conn.execute_batch("BEGIN").map_err(failed())?;
        if let Some(found) = other_dictionary(&conn).map_err(failed())? {
            return Err(Finding::new(part, OTHER_DICTIONARY)
                .expected("a part that was made from the day that it is put on")
                .found(found)
                .hint("restore from another backup, or to a moment before this part")
                .into());
        }
        join_by_number(&conn).map_err(failed())?;
    }
    conn.execute_batch("COMMIT; DETACH part;")
        .map_err(failed())?;
    conn.close()
        .map_err(|(_, error)| Error::sqlite(base, "close the built day")(error))
}

fn join(conn: &Connection) -> rusqlite::Result<()> {
    unite::series(conn, "part")?;
    unite::changes(conn, "part", -1, Taken::Refuse)?;
    unite::keyframes(conn, "part", -1, Taken::Refuse)?;
    unite::rest(conn, "part", -1, i64::MIN)?;
    // One of them may have become shorter.
    conn.execute_batch("INSERT OR REPLACE INTO main.gaps SELECT * FROM part.gaps;")?;
    unite::forget(conn)?;
    take_meta(conn)
}

/// A part has all of the day's `meta` as it was then: what the recorder vouched for before may hold no more.
fn take_meta(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(FORGET)?;
    conn.execute_batch("INSERT OR REPLACE INTO main.meta SELECT key, value FROM part.meta;")
}

/// A part of version 1 counts on the numbers of the day that it was made from. Tells where another series has one.
fn other_dictionary(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let same: Vec<String> = dictionary::NAMED
        .iter()
        .map(|name| format!("p.{name} = m.{name}"))
        .collect();
    let other: Option<(i64, String, String)> = conn
        .query_row(
            &format!(
                "SELECT m.id, m.path, p.path FROM main.series m JOIN part.series p USING (id) WHERE NOT ({})",
                same.join(" AND ")
            ),
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    if let Some((number, here, there)) = other {
        return Ok(Some(format!(
            "series number {number} is {there} in it and {here} in the day"
        )));
    }
    let unknown: Option<i64> = conn
        .query_row(
            "SELECT series FROM part.changes c WHERE NOT EXISTS (SELECT 1 FROM part.series p WHERE p.id = c.series)
             AND NOT EXISTS (SELECT 1 FROM main.series m WHERE m.id = c.series) LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?;
    Ok(unknown.map(|number| format!("series number {number}, which neither knows")))
}

fn join_by_number(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(
        "INSERT OR REPLACE INTO main.series SELECT * FROM part.series;
         INSERT INTO main.changes SELECT * FROM part.changes ORDER BY id;
         INSERT OR REPLACE INTO main.keyframes SELECT * FROM part.keyframes;
         INSERT OR REPLACE INTO main.keyframe_states SELECT * FROM part.keyframe_states;
         INSERT OR REPLACE INTO main.gaps SELECT * FROM part.gaps;
         INSERT OR REPLACE INTO main.quarantine SELECT * FROM part.quarantine;",
    )?;
    take_meta(conn)
}

/// Whether the day up to the part's end means exactly what was archived. Reads little, as the day keeps digests.
pub(crate) fn continues(conn: &Connection, schema: &str, part: &DayPart) -> rusqlite::Result<bool> {
    let Some(archived) = &part.digest else {
        // Archived by an older program: the day is stored whole once.
        return Ok(false);
    };
    let now = row_digest::until(conn, schema, archived.id, Trust::Kept, &mut |_| Ok(()))?;
    Ok(now.now() == *archived)
}
