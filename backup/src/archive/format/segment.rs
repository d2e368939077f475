//! Segment files: runs of committed rows appended between backups, each record checked on its own.
//!
//! A record is a gzip member of JSON lines. Its header says its length, which ids it covers and where it stands in the
//! chain of records, so that a file can be searched without inflating it; the first line inside says the same under
//! gzip's checksum. `FORMAT.md` tells both; records of version 1 are read, too.

pub(crate) mod rows;

mod record;

mod header;

mod press;

mod records;

use std::io::{self, Read};

pub(crate) use press::Press;
pub(crate) use record::{Covers, Kind, Link, Mark, Record};
pub(crate) use records::{first, records};

use crate::archive::place::interface::Place;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::store::identity::StoreId;

/// Where segments lie in the archive.
pub(crate) const SEGMENTS: &str = "segments";
const PREFIX: &str = "segment-";
const SUFFIX: &str = ".jsonl.gz";
const LARGEST_CONTENT: u64 = 512 << 20;

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

/// Makes a record of rows that are JSON lines already, in pieces.
pub(crate) fn encode(
    press: &mut Press,
    covers: Covers,
    link: Link,
    store: &StoreId,
    rows: &[&[u8]],
) -> io::Result<Vec<u8>> {
    let line = first_line(covers, link, Some(store));
    let text = [&[line.as_bytes()], rows].concat().concat();
    let mut record = header::begin(covers, link);
    press.add(&text, &mut record)?;
    let length = u32::try_from(record.len()).map_err(io::Error::other)?;
    header::complete(&mut record, length);
    Ok(record)
}

/// Up to the store, which the header has no room for.
fn first_line(covers: Covers, link: Link, store: Option<&StoreId>) -> String {
    let mut line = format!(
        "{{\"segment\":2,\"day\":\"{}\",\"after\":{},\"to\":{},\"at_ms\":{},\"events\":{},\"lineage\":\"{}\",\"left\":{},\"number\":{},\"previous\":\"{}\",\"store\":\"",
        covers.day,
        covers.after,
        covers.to,
        covers.at_ms,
        covers.events,
        link.lineage,
        link.left,
        link.number,
        link.previous.text()
    );
    if let Some(store) = store {
        line.push_str(&format!("{store}\"}}\n"));
    }
    line
}

fn older_first_line(covers: Covers, reset: bool) -> String {
    format!(
        "{{\"segment\":1,\"day\":\"{}\",\"after\":{},\"to\":{},\"at_ms\":{},\"events\":{},\"reset\":{}}}\n",
        covers.day, covers.after, covers.to, covers.at_ms, covers.events, reset
    )
}

/// What a record holds.
pub(crate) struct Content {
    /// Whose record it is; `None` in version 1.
    pub(crate) store: Option<StoreId>,
    /// JSON lines.
    pub(crate) rows: String,
    pub(crate) mark: Mark,
}

/// Reads one record, checking gzip's checksum and that the inside says what the header says.
pub(crate) fn read(place: &dyn Place, name: &str, record: &Record) -> Result<Content> {
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
    let inside = match record.kind {
        Kind::Older { reset } => text
            .strip_prefix(&older_first_line(record.covers, reset))
            .map(|rows| (None, rows)),
        Kind::Chained(link) => text
            .strip_prefix(&first_line(record.covers, link, None))
            .and_then(|rest| rest.split_once("\"}\n"))
            .and_then(|(store, rows)| {
                Some((Some(StoreId::try_from(store.to_owned()).ok()?), rows))
            }),
    };
    match inside {
        Some((store, rows)) => Ok(Content {
            store,
            rows: rows.to_owned(),
            mark: Mark::of(&bytes),
        }),
        None => Err(damaged("another content than its header says".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::rows::parse_row;
    use super::*;
    use crate::archive::place::memory::Memory;
    use crate::store::day::Day;
    use crate::store::identity::LineageId;
    use proptest::prelude::*;
    use rusqlite::types::Value as Sql;

    fn covers() -> Covers {
        Covers {
            day: Day::of_ms(1_773_446_400_000),
            after: -1,
            to: 77,
            at_ms: 5,
            events: 1,
        }
    }

    fn link(number: u64) -> Link {
        Link {
            lineage: LineageId(7),
            left: true,
            number,
            previous: Mark([3; 16]),
        }
    }

    fn record(number: u64, rows: &str) -> Vec<u8> {
        let store = StoreId::try_from("0123456789abcdef".repeat(2)).unwrap();
        encode(
            &mut Press::default(),
            covers(),
            link(number),
            &store,
            &[rows.as_bytes()],
        )
        .unwrap()
    }

    #[test]
    fn a_file_cut_anywhere_keeps_its_whole_records() {
        let place = Memory::default();
        let record = record(9, "[\"c\",1,2.0,-0.0,null,{\"blob\":\"00ff\"}]\n");
        let two = [record.clone(), record.clone()].concat();
        for cut in 0..two.len() {
            place.put("s", &two[..cut]).unwrap();
            assert_eq!(records(&place, "s", 0).unwrap().count(), cut / record.len());
        }
        place.put("s", &two).unwrap();
        let second = records(&place, "s", record.len() as u64).unwrap().next();
        let second = second.unwrap().unwrap();
        assert_eq!(second.kind, Kind::Chained(link(9)));
        let rows = read(&place, "s", &second).unwrap().rows;
        let (table, columns) = parse_row(rows.trim_end()).unwrap();
        assert_eq!(table, "c");
        let zero = |value: &Sql| matches!(value, Sql::Real(zero) if zero.is_sign_negative());
        assert_eq!(columns[0], Sql::Integer(1));
        assert_eq!(columns[1], Sql::Real(2.0));
        assert!(zero(&columns[2]));
        assert_eq!(columns[4], Sql::Blob(vec![0, 255]));
    }

    #[test]
    fn records_behind_damage_are_reached_and_the_damage_is_told() {
        let place = Memory::default();
        let all: Vec<Vec<u8>> = (1..=4).map(|n| record(n, "[\"c\",1,2.0]\n")).collect();
        let length = all[0].len();
        for at in (length..2 * length).step_by(7) {
            let mut bytes = all.concat();
            bytes[at] ^= 16;
            place.put("s", &bytes).unwrap();
            let mut found = records(&place, "s", 0).unwrap();
            let whole = (&mut found)
                .map(Result::unwrap)
                .filter(|record| read(&place, "s", record).is_ok());
            let numbers: Vec<u64> = whole.map(|record| record.link().unwrap().number).collect();
            assert_eq!(numbers, [1, 3, 4], "byte {at}");
            assert!(!found.torn());
            // A damaged header hides the record, damaged rows do not.
            assert!(found.damaged().len() <= 1);
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_never_changes_what_is_read(place: usize, bit in 0u8..8) {
            let memory = Memory::default();
            let rows_in = "[\"c\",1,2.0]\n[\"c\",3,4.5]\n";
            let mut record = record(1, rows_in);
            let place = place % record.len();
            record[place] ^= 1 << bit;
            memory.put("s", &record).unwrap();
            if let Some(found) = records(&memory, "s", 0).unwrap().next()
                && let Ok(content) = read(&memory, "s", &found.unwrap())
            {
                prop_assert_eq!(content.rows, rows_in);
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
