//! Stored days: the whole file, its later parts, and what the manifest says of both.

use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value as Json;

use super::digest::{SeriesHashes, row_digest};
use super::{Reading, row, sha256};

/// Puts a day of the manifest, with its later parts on top, into the reading.
pub(super) fn read(archive: &Path, day: &Json, reading: &mut Reading) {
    let parts = day["deltas"].as_array().into_iter().flatten();
    let mut rows = Vec::new();
    let mut after = None;
    for stored in std::iter::once(day).chain(parts) {
        match one(
            archive,
            stored,
            day["day"].as_str().unwrap_or_default(),
            reading,
        ) {
            Ok(found) => {
                if let Some(last) = stored["after_id"].as_i64()
                    && after != Some(last)
                {
                    let said = format!("{}: goes on after {last}, not {after:?}", stored["file"]);
                    reading.found.push(said);
                }
                after = found.last().map(|row: &row::Row| row.id).or(after);
                rows.extend(found);
            }
            Err(wrong) => reading.found.push(format!("{}: {wrong}", stored["file"])),
        }
    }
    let said = [
        ("events", day["events"].as_i64(), Some(rows.len() as i64)),
        (
            "from_id",
            day["from_id"].as_i64(),
            rows.first().map(|row| row.id),
        ),
        (
            "to_id",
            day["to_id"].as_i64(),
            rows.last().map(|row| row.id),
        ),
    ];
    for (name, said, is) in said {
        if said != is {
            let wrong = format!("{}: {name} is {is:?}, not {said:?}", day["day"]);
            reading.found.push(wrong);
        }
    }
    if let Some(digest) = day["digest"].as_object() {
        let to = digest["id"].as_i64().unwrap_or(i64::MAX);
        let mut hashes = SeriesHashes::default();
        let covered: Vec<_> = rows.iter().filter(|row| row.id <= to).collect();
        let sum = row_digest(&covered, &mut hashes);
        if digest["sha256"] != sum || digest["count"] != covered.len() {
            let wrong = format!("{}: another digest of its rows: {sum}", day["day"]);
            reading.found.push(wrong);
        }
    }
    for row in rows {
        let id = row.id;
        if reading.rows.insert(id, row).is_some() {
            reading
                .found
                .push(format!("{}: {id} is there twice", day["day"]));
        }
    }
}

fn one(
    archive: &Path,
    stored: &Json,
    day: &str,
    reading: &mut Reading,
) -> Result<Vec<row::Row>, String> {
    let name = stored["file"].as_str().unwrap_or_default();
    let bytes = std::fs::read(archive.join(name)).map_err(|wrong| wrong.to_string())?;
    let mut raw = Vec::new();
    MultiGzDecoder::new(&bytes[..])
        .read_to_end(&mut raw)
        .map_err(|wrong| wrong.to_string())?;
    for (what, bytes) in [("", &bytes), ("raw_", &raw)] {
        if stored[format!("{what}sha256")] != sha256(bytes) {
            return Err(format!("another {what}sha256"));
        }
        if stored[format!("{what}bytes")] != bytes.len() {
            return Err(format!("{what}bytes: {}", bytes.len()));
        }
    }
    let failed = |wrong: rusqlite::Error| wrong.to_string();
    let file = tempfile::NamedTempFile::new().map_err(|wrong| wrong.to_string())?;
    std::fs::write(file.path(), &raw).map_err(|wrong| wrong.to_string())?;
    let conn = Connection::open_with_flags(file.path(), OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(failed)?;
    let mut gaps = conn
        .prepare("SELECT id, from_ms, to_ms, why FROM gaps")
        .map_err(failed)?;
    let found = gaps
        .query_map([], |row| {
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
        })
        .map_err(failed)?;
    let gaps = reading.days.entry(day.to_owned()).or_default();
    for gap in found {
        let (id, gap) = gap.map_err(failed)?;
        gaps.insert(id, gap);
    }
    row::all(&conn).map_err(failed)
}
