//! What an import file is, found out from its content, and its events one by one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::disk::draft::TEMPORARY;
use crate::error::{Error, Result};
use crate::exchange::import::columns::{Take, unpack_failed};
use crate::exchange::import::{csv, database, json};

const SQLITE: &[u8] = b"SQLite format 3\0";
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Passes on everything in a file. `scratch` is a folder for a database that has to be unpacked first.
pub(super) fn read(path: &Path, scratch: &Path, take: &mut Take<'_>) -> Result<()> {
    let mut file = File::open(path).map_err(Error::io(path, "open"))?;
    let mut head = [0; 16];
    let found = read_up_to(&mut file, &mut head).map_err(Error::io(path, "read"))?;
    file.rewind().map_err(Error::io(path, "read"))?;
    let head = &head[..found];
    if head == SQLITE {
        drop(file);
        return database::read(path, path, take);
    }
    if !head.starts_with(GZIP) {
        return read_text(path, BufReader::with_capacity(1 << 16, file), take);
    }
    let mut unpacked = BufReader::with_capacity(
        1 << 16,
        MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)),
    );
    let is_database = unpacked
        .fill_buf()
        .map_err(|source| unpack_failed(path, source))?
        .starts_with(SQLITE);
    if !is_database {
        return read_text(path, unpacked, take);
    }
    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .suffix(".db")
        .tempfile_in(scratch)
        .map_err(Error::io(scratch, "make a temporary file"))?;
    io::copy(&mut unpacked, &mut temporary).map_err(|source| unpack_failed(path, source))?;
    let temporary = temporary.into_temp_path();
    database::read(&temporary, path, take)
}

fn read_text(path: &Path, mut text: impl BufRead, take: &mut Take<'_>) -> Result<()> {
    const BOM: &[u8] = &[0xef, 0xbb, 0xbf];
    if text
        .fill_buf()
        .map_err(|source| unpack_failed(path, source))?
        .starts_with(BOM)
    {
        text.consume(BOM.len());
    }
    loop {
        let buffer = text
            .fill_buf()
            .map_err(|source| unpack_failed(path, source))?;
        let blank = buffer
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        match buffer.get(blank).copied() {
            None if blank > 0 => text.consume(blank),
            None => {
                return Err(Error::Unreadable {
                    path: path.to_path_buf(),
                    found: "an empty file".into(),
                    expected: "an export or a database".into(),
                });
            }
            Some(b'{' | b'[') => return json::read(path, text, take),
            Some(_) => return csv::read(path, text, take),
        }
    }
}

fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}
