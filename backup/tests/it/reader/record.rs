//! One record of a segment: its header with its own checksum, and its lines.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value as Json;

use super::{hex, sha256};

/// A record whose header is right.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) lineage: String,
    /// What it says of the record before.
    pub(super) previous: String,
    /// What the next one says of this one.
    pub(super) mark: String,
    pub(super) after: i64,
    pub(super) to: i64,
    pub(super) events: u32,
    /// Its lines, or what is wrong with them.
    pub(super) lines: Result<Vec<String>, String>,
    /// Bytes that it takes.
    pub(super) length: usize,
}

/// Where the parts of a header are: gzip's ten bytes, the length of the extra fields, `QR`, `QS`.
const QR: usize = 12;
const QS: usize = QR + 8;
const BODY: usize = QS + 4;
const CHECKSUM: usize = BODY + 72;
const HEADER: usize = CHECKSUM + 4;

fn le<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut found = [0; N];
    found.copy_from_slice(&bytes[at..at + N]);
    found
}

/// The record that begins here; none where no header with a right checksum does.
pub(super) fn at(bytes: &[u8]) -> Option<Record> {
    let header = bytes.get(..HEADER)?;
    let named = header.starts_with(&[0x1f, 0x8b, 0x08, 0x04])
        && &header[QR..QR + 2] == b"QR"
        && &header[QS..QS + 2] == b"QS";
    let mut crc = flate2::Crc::new();
    crc.update(&header[..CHECKSUM]);
    if !named || crc.sum().to_le_bytes() != le::<4>(header, CHECKSUM) {
        return None;
    }
    let length = u32::from_le_bytes(le(header, QR + 4)) as usize;
    let whole = bytes.get(..length)?;
    let mut text = String::new();
    let lines = match GzDecoder::new(whole).read_to_string(&mut text) {
        Ok(_) => Ok(text.lines().map(str::to_owned).collect()),
        Err(wrong) => Err(wrong.to_string()),
    };
    Some(Record {
        after: i64::from_le_bytes(le(header, BODY + 8)),
        to: i64::from_le_bytes(le(header, BODY + 16)),
        number: u64::from_le_bytes(le(header, BODY + 32)),
        lineage: format!("{:016x}", u64::from_le_bytes(le(header, BODY + 40))),
        previous: hex(&le::<16>(header, BODY + 48)),
        events: u32::from_le_bytes(le(header, BODY + 64)),
        mark: sha256(whole)[..32].to_owned(),
        lines,
        length,
    })
}

impl Record {
    /// The day of its rows, as its first line says it.
    pub(super) fn day(&self) -> String {
        let first = self.lines.iter().flatten().next();
        let first: Option<Json> = first.and_then(|line| serde_json::from_str(line).ok());
        let day = first.and_then(|first| Some(first["day"].as_str()?.to_owned()));
        day.unwrap_or_default()
    }

    /// The lines as lists, if it is of this store.
    pub(super) fn lists(&self, store: &str) -> Result<Vec<Vec<Json>>, String> {
        let lines = self.lines.as_ref().map_err(String::clone)?;
        let first = lines.first().ok_or("it is empty")?;
        let first: Json = serde_json::from_str(first).map_err(|wrong| wrong.to_string())?;
        if first["segment"] != 2 {
            return Err(format!("a segment of version {}", first["segment"]));
        }
        if first["store"] != store {
            return Err(format!("of store {}", first["store"]));
        }
        let mut lists = Vec::new();
        for line in &lines[1..] {
            let list: Vec<Json> = serde_json::from_str(line).map_err(|wrong| wrong.to_string())?;
            if list.first().is_some_and(|first| first == "d") {
                described(line, &list)?;
            }
            lists.push(list);
        }
        Ok(lists)
    }
}

/// Checks the key of a described series against what it is made of.
fn described(line: &str, list: &[Json]) -> Result<(), String> {
    let key = list[1].as_str().unwrap_or_default();
    let rest = line
        .strip_suffix(']')
        .and_then(|line| line.split_once(&format!("\"{key}\",")));
    match rest {
        Some((_, rest)) if sha256(rest.as_bytes()).starts_with(key) && key.len() == 16 => Ok(()),
        _ => Err(format!("a key that is not of its series: {line}")),
    }
}
