//! Segment files: runs of committed rows appended between backups, each record checked on its own.
//!
//! A record is a gzip member of JSON lines. Its header says its length and which ids it covers, so that a file can be
//! searched without inflating it; the first line inside says the same under gzip's checksum.

use std::io::{self, Read, Write as _};
use std::path::PathBuf;

use flate2::{Compression, GzBuilder};
use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::Value as Json;

use crate::archive::place::verbs::{Place, Stored};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::day::Day;

/// Where segments lie in the archive.
pub(crate) const SEGMENTS: &str = "segments";
const PREFIX: &str = "segment-";
const SUFFIX: &str = ".jsonl.gz";
/// Fixed header, extra length, `QR` with the member's length, `QH` with what it covers.
const HEADER: usize = 10 + 2 + 4 + 4 + 4 + QH;
const QH: usize = 8 * 4 + 4 + 4;
/// Far above what a shipper writes at once.
const LARGEST_RECORD: usize = 64 << 20;
const LARGEST_CONTENT: u64 = 512 << 20;

/// What a record covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covers {
    pub(crate) day: Day,
    /// The last id of that day before the record; -1: the day begins with it.
    pub(crate) after: i64,
    /// The last id in it.
    pub(crate) to: i64,
    /// Everything that happened up to here has been shipped, Unix ms.
    pub(crate) at_ms: i64,
    pub(crate) events: u32,
    /// The store was put back: what earlier files hold is another history.
    pub(crate) reset: bool,
}

/// A record where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) offset: u64,
    pub(crate) length: usize,
    pub(crate) covers: Covers,
}

/// `segments/segment-0000000012.jsonl.gz`.
pub(crate) fn file_name(number: u64) -> String {
    format!("{SEGMENTS}/{PREFIX}{number:010}{SUFFIX}")
}

/// The segment files of an archive, oldest first: their numbers and names.
pub(crate) fn files(place: &dyn Place) -> Result<Vec<(u64, String)>> {
    let folder = format!("{SEGMENTS}/");
    let mut files: Vec<(u64, String)> = place
        .list(&folder)?
        .into_iter()
        .filter_map(|name| {
            let number = name
                .strip_prefix(&folder)?
                .strip_prefix(PREFIX)?
                .strip_suffix(SUFFIX)?
                .parse()
                .ok()?;
            (file_name(number) == name).then_some((number, name))
        })
        .collect();
    files.sort_unstable();
    Ok(files)
}

/// Makes a record of rows that are JSON lines already.
pub(crate) fn encode(covers: Covers, rows: &str) -> io::Result<Vec<u8>> {
    let mut extra = Vec::with_capacity(HEADER - 12);
    extra.extend(*b"QR\x04\0\0\0\0\0");
    extra.extend(*b"QH");
    extra.extend((QH as u16).to_le_bytes());
    for number in [covers.day.start_ms(), covers.after, covers.to, covers.at_ms] {
        extra.extend(number.to_le_bytes());
    }
    extra.extend(covers.events.to_le_bytes());
    extra.extend(u32::from(covers.reset).to_le_bytes());
    let mut encoder = GzBuilder::new().extra(extra).write(
        Vec::with_capacity(rows.len() / 2 + 256),
        Compression::new(6),
    );
    encoder.write_all(first_line(covers).as_bytes())?;
    encoder.write_all(rows.as_bytes())?;
    let mut record = encoder.finish()?;
    let length = u32::try_from(record.len()).map_err(io::Error::other)?;
    record[16..20].copy_from_slice(&length.to_le_bytes());
    Ok(record)
}

fn first_line(covers: Covers) -> String {
    format!(
        "{{\"segment\":1,\"day\":\"{}\",\"after\":{},\"to\":{},\"at_ms\":{},\"events\":{},\"reset\":{}}}\n",
        covers.day, covers.after, covers.to, covers.at_ms, covers.events, covers.reset
    )
}

fn decode_header(head: &[u8; HEADER]) -> Option<(usize, Covers)> {
    let extra_length = u16::from_le_bytes([head[10], head[11]]);
    if head[..4] != [0x1f, 0x8b, 8, 4]
        || usize::from(extra_length) != HEADER - 12
        || head[12..16] != *b"QR\x04\0"
        || head[20..22] != *b"QH"
        || head[22..24] != (QH as u16).to_le_bytes()
    {
        return None;
    }
    let length = u32::from_le_bytes(head[16..20].try_into().ok()?) as usize;
    let number = |n: usize| {
        Some(i64::from_le_bytes(
            head[24 + n * 8..32 + n * 8].try_into().ok()?,
        ))
    };
    let small = |at: usize| Some(u32::from_le_bytes(head[at..at + 4].try_into().ok()?));
    let day = Day::of_ms(number(0)?);
    if day.start_ms() != number(0)? || small(60)? > 1 {
        return None;
    }
    let covers = Covers {
        day,
        after: number(1)?,
        to: number(2)?,
        at_ms: number(3)?,
        events: small(56)?,
        reset: small(60)? != 0,
    };
    (HEADER + 8..=LARGEST_RECORD)
        .contains(&length)
        .then_some((length, covers))
}

/// The records of a file in order, beginning at the byte of one of them. Ends at the first incomplete record, cut off
/// by a crash or damaged: nothing after it can be trusted. A day has hundreds of thousands of records, so they are
/// found one at a time.
pub(crate) struct Records {
    path: PathBuf,
    file: Box<dyn Stored>,
    offset: u64,
    total: u64,
}

/// Begins to look for records.
pub(crate) fn records(place: &dyn Place, name: &str, from: u64) -> Result<Records> {
    let path = place.path(name);
    let file = place
        .get(name)
        .map_err(Error::io(&path, "read the segment"))?;
    Ok(Records {
        total: file.size(),
        path,
        file,
        offset: from,
    })
}

impl Records {
    /// After the last record: whether the file goes on behind it.
    pub(crate) fn torn(&self) -> bool {
        self.offset < self.total
    }
}

impl Iterator for Records {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Result<Record>> {
        let left = self.total.checked_sub(self.offset)?;
        if left < HEADER as u64 {
            return None;
        }
        let mut head = [0; HEADER];
        if let Err(error) = self.file.read_at(self.offset, &mut head) {
            self.total = 0;
            return Some(Err(Error::io(&self.path, "read the segment")(error)));
        }
        let (length, covers) = decode_header(&head).filter(|(length, _)| *length as u64 <= left)?;
        let offset = self.offset;
        self.offset += length as u64;
        Some(Ok(Record {
            offset,
            length,
            covers,
        }))
    }
}

/// The first record of a file, if it has a whole one.
pub(crate) fn first(place: &dyn Place, name: &str) -> Result<Option<Record>> {
    records(place, name, 0)?.next().transpose()
}

/// Reads one record's rows, checking gzip's checksum and that the inside says what the header says.
pub(crate) fn read(place: &dyn Place, name: &str, record: &Record) -> Result<String> {
    let path = place.path(name);
    let damaged = |found: String| -> Error {
        Finding::new(&path, "damaged segment")
            .expected("a whole record")
            .found(format!("{found} in the record at byte {}", record.offset))
            .hint("restore to a moment before it, or from a later backup")
            .into()
    };
    let mut bytes = vec![0; record.length];
    place
        .get(name)
        .and_then(|file| file.read_at(record.offset, &mut bytes))
        .map_err(Error::io(&path, "read the segment"))?;
    let mut text = String::new();
    let mut decoder = flate2::bufread::GzDecoder::new(bytes.as_slice());
    (&mut decoder)
        .take(LARGEST_CONTENT)
        .read_to_string(&mut text)
        .map_err(|error| damaged(format!("damaged gzip data ({error})")))?;
    if !decoder.into_inner().is_empty() {
        return Err(damaged("bytes after the data".into()));
    }
    match text.strip_prefix(&first_line(record.covers)) {
        Some(rows) => Ok(rows.to_string()),
        None => Err(damaged("another content than its header says".into())),
    }
}

/// Appends a row as a JSON line: table, then the columns.
pub(crate) fn push_row(
    text: &mut String,
    table: &str,
    row: &rusqlite::Row<'_>,
    columns: usize,
) -> rusqlite::Result<()> {
    text.push_str("[\"");
    text.push_str(table);
    text.push('"');
    for column in 0..columns {
        text.push(',');
        push_value(text, row.get_ref(column)?);
    }
    text.push_str("]\n");
    Ok(())
}

fn push_value(text: &mut String, value: ValueRef<'_>) {
    use std::fmt::Write as _;
    let _ = match value {
        ValueRef::Null => write!(text, "null"),
        ValueRef::Integer(number) => write!(text, "{number}"),
        ValueRef::Real(number) if number.is_finite() => write!(text, "{number:?}"),
        ValueRef::Real(number) => write!(text, "{{\"real\":\"{number}\"}}"),
        ValueRef::Text(bytes) => {
            let quoted = Json::String(String::from_utf8_lossy(bytes).into_owned());
            write!(text, "{quoted}")
        }
        ValueRef::Blob(bytes) => {
            let _ = write!(text, "{{\"blob\":\"");
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
            write!(text, "\"}}")
        }
    };
}

/// Parses a line into its table and columns; `None` if it is no row.
pub(crate) fn parse_row(line: &str) -> Option<(String, Vec<Sql>)> {
    let Json::Array(items) = serde_json::from_str(line).ok()? else {
        return None;
    };
    let mut items = items.into_iter();
    let Json::String(table) = items.next()? else {
        return None;
    };
    let columns = items.map(value_of).collect::<Option<Vec<Sql>>>()?;
    Some((table, columns))
}

fn value_of(json: Json) -> Option<Sql> {
    Some(match json {
        Json::Null => Sql::Null,
        Json::String(text) => Sql::Text(text),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Sql::Integer(integer),
            None => Sql::Real(number.as_f64()?),
        },
        Json::Object(marked) => match (marked.get("blob"), marked.get("real")) {
            (Some(Json::String(hex)), None) => Sql::Blob(unhex(hex)?),
            (None, Some(Json::String(real))) => Sql::Real(real.parse().ok()?),
            _ => return None,
        },
        Json::Bool(_) | Json::Array(_) => return None,
    })
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::place::memory::Memory;
    use proptest::prelude::*;

    fn covers() -> Covers {
        Covers {
            day: Day::of_ms(1_773_446_400_000),
            after: -1,
            to: 77,
            at_ms: 5,
            events: 1,
            reset: false,
        }
    }

    #[test]
    fn a_file_cut_anywhere_keeps_its_whole_records() {
        let place = Memory::default();
        let record = encode(covers(), "[\"c\",1,2.0,-0.0,null,{\"blob\":\"00ff\"}]\n").unwrap();
        let two = [record.clone(), record.clone()].concat();
        for cut in 0..two.len() {
            place.put("s", &two[..cut]).unwrap();
            assert_eq!(records(&place, "s", 0).unwrap().count(), cut / record.len());
        }
        place.put("s", &two).unwrap();
        let second = records(&place, "s", record.len() as u64).unwrap().next();
        let rows = read(&place, "s", &second.unwrap().unwrap()).unwrap();
        let (table, columns) = parse_row(rows.trim_end()).unwrap();
        assert_eq!(table, "c");
        let zero = |value: &Sql| matches!(value, Sql::Real(zero) if zero.is_sign_negative());
        assert_eq!(columns[0], Sql::Integer(1));
        assert_eq!(columns[1], Sql::Real(2.0));
        assert!(zero(&columns[2]));
        assert_eq!(columns[4], Sql::Blob(vec![0, 255]));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_never_changes_what_is_read(place: usize, bit in 0u8..8) {
            let memory = Memory::default();
            let rows_in = "[\"c\",1,2.0]\n[\"c\",3,4.5]\n";
            let mut record = encode(covers(), rows_in).unwrap();
            let place = place % record.len();
            record[place] ^= 1 << bit;
            memory.put("s", &record).unwrap();
            if let Some(found) = records(&memory, "s", 0).unwrap().next()
                && let Ok(rows) = read(&memory, "s", &found.unwrap())
            {
                prop_assert_eq!(rows, rows_in);
            }
        }

        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let memory = Memory::default();
            memory.put("s", &bytes).unwrap();
            prop_assert!(records(&memory, "s", 0).unwrap().all(|record| record.is_ok()));
            let _ = parse_row(&String::from_utf8_lossy(&bytes));
        }
    }
}
