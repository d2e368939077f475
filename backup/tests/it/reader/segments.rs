//! What was shipped on top of a backup: the records with greater numbers, of the same lineage.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value as Json;

use super::record::{self, Record};
use super::{Reading, row};

/// The tables of a day, as `FORMAT.md` names them.
const TABLES: [&str; 2] = [
    include_str!("../../../src/store/schema/1.sql"),
    include_str!("../../../src/store/schema/2.sql"),
];

/// Puts the rows of records that belong on top of the backup into the reading.
pub(super) fn read(archive: &Path, manifest: &Json, reading: &mut Reading) {
    let shipped = manifest["shipped"]["number"].as_u64().unwrap_or(0);
    let mark = manifest["shipped"]["mark"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let records = all(archive, &mut reading.found);
    let (Some(store), Some(lineage)) = (manifest["store"].as_str(), manifest["lineage"].as_str())
    else {
        return;
    };
    let mut described: HashMap<String, Vec<Json>> = HashMap::new();
    let Ok(conn) = tables() else { return };
    let mut last = shipped;
    let mut marks = vec![mark];
    // What a record describes is said first: a later one of another lineage may use it.
    let mut wanted: Vec<(bool, Record, Vec<Vec<Json>>)> = Vec::new();
    for record in records {
        let number = record.number;
        let lists = match record.lists(store) {
            Ok(lists) => lists,
            Err(wrong) => {
                reading.found.push(format!("record {number}: {wrong}"));
                continue;
            }
        };
        for list in lists.iter().filter(|list| list[0] == "d") {
            let key = list[1].as_str().unwrap_or_default();
            described.insert(key.to_owned(), list[2..].to_vec());
        }
        if number <= shipped {
            continue;
        }
        let again = number <= last;
        if again {
            reading
                .found
                .push(format!("record {number} is there again"));
        } else if number != last + 1 {
            let said = format!("records {} to {} are missing", last + 1, number - 1);
            reading.found.push(said);
        } else if !marks.contains(&record.previous) {
            wanted.pop();
            let said = format!("record {last} is another one than was shipped");
            reading.found.push(said);
        }
        if number == last {
            marks.push(record.mark.clone());
        } else {
            marks = vec![record.mark.clone()];
        }
        last = last.max(number);
        wanted.push((again, record, lists));
    }
    let mut ends: HashMap<String, i64> = HashMap::new();
    for day in manifest["days"].as_array().into_iter().flatten() {
        if let (Some(day), Some(to)) = (day["day"].as_str(), day["to_id"].as_i64()) {
            ends.insert(day.to_owned(), to);
        }
    }
    for (again, record, lists) in wanted {
        let end = ends.entry(record.day()).or_insert(-1);
        // Somebody else gave the same number, and went on from something else.
        let passed_over = again && record.after > *end;
        if record.lineage != lineage || passed_over {
            continue;
        }
        if let Err(wrong) = put(&conn, &described, &record, *end, &lists, reading) {
            reading
                .found
                .push(format!("record {}: {wrong}", record.number));
        }
        *end = record.to.max(*end);
    }
}

/// The records of all segments: file by file in the order of their first records, each in its order.
fn all(archive: &Path, found: &mut Vec<String>) -> Vec<Record> {
    let mut files: Vec<Vec<Record>> = Vec::new();
    let folder = std::fs::read_dir(archive.join("segments"));
    let mut paths: Vec<_> = folder
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".jsonl.gz"))
        .collect();
    paths.sort();
    for path in paths {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let mut records = Vec::new();
        let mut at = 0;
        let mut torn = None;
        while at < bytes.len() {
            if let Some(record) = record::at(&bytes[at..]) {
                if let Some(from) = torn.take() {
                    let said = format!("{}: no record at {from} to {at}", path.display());
                    found.push(said);
                }
                at += record.length.max(1);
                records.push(record);
            } else {
                torn = torn.or(Some(at));
                at += 1;
            }
        }
        files.push(records);
    }
    files.sort_by_key(|records| records.first().map(|record| record.number));
    files.into_iter().flatten().collect()
}

fn tables() -> rusqlite::Result<Connection> {
    let conn = Connection::open_in_memory()?;
    for script in TABLES {
        conn.execute_batch(script)?;
    }
    conn.execute_batch("DROP TRIGGER removed; DROP TRIGGER edited;")?;
    Ok(conn)
}

/// Puts a record's rows through a database, whose view makes the texts and positions that follow from values.
fn put(
    conn: &Connection,
    described: &HashMap<String, Vec<Json>>,
    record: &Record,
    end: i64,
    lists: &[Vec<Json>],
    reading: &mut Reading,
) -> Result<(), String> {
    let failed = |wrong: rusqlite::Error| wrong.to_string();
    conn.execute_batch("DELETE FROM changes; DELETE FROM series;")
        .map_err(failed)?;
    let mut changes = 0;
    for list in lists {
        let rest = &list[1..];
        match list[0].as_str() {
            Some("s") => {
                for (place, key) in rest.iter().enumerate() {
                    let key = key.as_str().unwrap_or_default();
                    let columns = described
                        .get(key)
                        .ok_or(format!("{key} is described nowhere"))?;
                    let cells = std::iter::once(Ok(Cell::Integer(place as i64)))
                        .chain(columns.iter().map(cell))
                        .collect::<Result<Vec<_>, _>>()?;
                    conn.prepare_cached("INSERT INTO series VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")
                        .and_then(|mut insert| insert.execute(params_from_iter(cells)))
                        .map_err(failed)?;
                }
            }
            Some("c") => {
                let cells = rest.iter().map(cell).collect::<Result<Vec<_>, _>>()?;
                conn.prepare_cached("INSERT INTO changes VALUES (?,?,?,?,?,?)")
                    .and_then(|mut insert| insert.execute(params_from_iter(cells)))
                    .map_err(failed)?;
                changes += 1;
                reading.days.entry(record.day()).or_default();
            }
            Some("g") => {
                let (from, to) = (rest[1].as_i64(), rest[2].as_i64());
                let why = rest[3].as_str().unwrap_or_default().to_owned();
                let gap = (from.unwrap_or(-1), to.unwrap_or(-1), why);
                let day = reading.days.entry(record.day()).or_default();
                day.insert(rest[0].as_i64().unwrap_or(-1), gap);
            }
            Some("d" | "k" | "f" | "o" | "t" | "n") => {}
            _ => return Err(format!("an unknown line: {list:?}")),
        }
    }
    if changes != record.events {
        return Err(format!("{changes} changes, not {}", record.events));
    }
    for row in row::all(conn).map_err(failed)? {
        if row.id <= record.after || row.id > record.to {
            return Err(format!("{} is not in what it says it holds", row.id));
        }
        // Those up to the end are there from elsewhere.
        if row.id > end {
            reading.rows.entry(row.id).or_insert(row);
        }
    }
    Ok(())
}

fn cell(json: &Json) -> Result<Cell, String> {
    Ok(match json {
        Json::Null => Cell::Null,
        Json::String(text) => Cell::Text(text.clone()),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Cell::Integer(whole),
            None => Cell::Real(number.as_f64().ok_or("no number")?),
        },
        Json::Object(object) => {
            let digits = object.get("blob").and_then(Json::as_str);
            let digits = digits.ok_or(format!("no cell: {json}"))?;
            let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
            let bytes = (0..digits.len()).step_by(2).map(byte);
            let bytes: Result<_, _> = bytes.collect();
            Cell::Blob(bytes.map_err(|wrong| format!("{json}: {wrong}"))?)
        }
        _ => return Err(format!("no cell: {json}")),
    })
}
