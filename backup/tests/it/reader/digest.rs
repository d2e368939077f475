//! The row digest of a day, as `FORMAT.md` defines it.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::hex;
use super::row::{Content, Row};

/// So many changes go into one step of the digest.
const RUN: usize = 8192;

/// The first 16 bytes of the hash of each series met so far.
#[derive(Default)]
pub(super) struct SeriesHashes(HashMap<[String; 5], [u8; 16]>);

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl SeriesHashes {
    fn of(&mut self, row: &Row) -> [u8; 16] {
        let names = [
            &row.path,
            &row.component,
            &row.control,
            &row.change_group,
            &row.source,
        ];
        let hash = || {
            let mut bytes = b"QSRA series 1\n".to_vec();
            names.iter().for_each(|name| text(&mut bytes, name));
            let mut first = [0; 16];
            first.copy_from_slice(&Sha256::digest(&bytes)[..16]);
            first
        };
        *self.0.entry(names.map(String::clone)).or_insert_with(hash)
    }
}

pub(super) fn row_digest(rows: &[&Row], series: &mut SeriesHashes) -> String {
    let mut last = [0u8; 32];
    for run in rows.chunks(RUN) {
        let mut bytes = last.to_vec();
        for row in run {
            bytes.extend(row.id.to_le_bytes());
            bytes.extend(row.at_ms.to_le_bytes());
            bytes.extend(series.of(row));
            match &row.value {
                Content::Nothing => bytes.push(0),
                Content::Number(bits) => {
                    bytes.push(1);
                    bytes.extend(bits.to_le_bytes());
                }
                Content::Bool(truth) => bytes.push(2 + u8::from(*truth)),
                Content::Text(value) => {
                    bytes.push(4);
                    text(&mut bytes, value);
                }
            }
            bytes.push(u8::from(row.string.is_some()));
            if let Some(string) = &row.string {
                text(&mut bytes, string);
            }
            bytes.push(u8::from(row.position.is_some()));
            if let Some(position) = row.position {
                bytes.extend(position.to_le_bytes());
            }
        }
        last = Sha256::digest(&bytes).into();
    }
    hex(&last)
}
