//! Events from CSV with a header, as exported. An empty field is absent and `""` is an empty text; no ready-made reader
//! of CSV tells the two apart.

use std::borrow::Cow;
use std::io::BufRead;
use std::ops::Range;
use std::path::Path;

use memchr::{memchr_iter, memchr2};

use crate::error::{Error, Result};
use crate::exchange::import::columns::{Column, Columns, Found, Raw, Take, unpack_failed};

/// A record longer than this is not one of ours; without a limit one stray quote would swallow the file.
const RECORD_LIMIT: usize = 8 << 20;

pub(super) fn read(path: &Path, mut text: impl BufRead, take: &mut Take<'_>) -> Result<()> {
    let mut record = Record::default();
    let mut line = 1;
    record.read(path, &mut text, &mut line)?;
    let header = header(path, &record)?;
    loop {
        let began = line;
        if !record.read(path, &mut text, &mut line)? {
            return Ok(());
        }
        if record.is_blank() {
            continue;
        }
        take(Found::Event(
            event(&header, &record)
                .and_then(|columns| columns.incoming(String::new))
                .map_err(|reason| format!("line {began}: {}", reason.trim_start_matches(": "))),
        ))?;
    }
}

/// The columns that the header names, each in its place.
fn header(path: &Path, record: &Record) -> Result<Vec<Option<Column>>> {
    let names: Vec<&str> = record.fields().filter_map(|it| it.text().ok()).collect();
    if names.contains(&"timestamp") {
        return Ok(names.into_iter().map(Column::of).collect());
    }
    Err(Error::Unreadable {
        path: path.to_path_buf(),
        found: match names.join(",") {
            none if none.is_empty() => "a first line that is no text".to_owned(),
            text => format!(
                "a first line of {:?}",
                text.chars().take(60).collect::<String>()
            ),
        },
        expected:
            "JSON, a database, or CSV with a header that names timestamp, control_path, value, …"
                .into(),
    })
}

fn event<'r>(
    header: &[Option<Column>],
    record: &'r Record,
) -> std::result::Result<Columns<'r>, String> {
    let found = record.places.len();
    if found != header.len() {
        let expected = header.len();
        return Err(format!(
            "found {found} fields, expected {expected} as in the header"
        ));
    }
    let mut columns = Columns::default();
    for (column, field) in header.iter().zip(record.fields()) {
        let Some(column) = *column else { continue };
        *columns.place(column) = match column {
            _ if field.is_absent() => Raw::Missing,
            Column::Id | Column::Timestamp | Column::Position => field.number()?,
            _ => Raw::Text(Cow::Borrowed(field.text()?)),
        };
    }
    // Only now is it known what kind of value it is.
    if let Raw::Text(text) = &columns.value
        && columns.kind != Raw::Text("text".into())
    {
        match number(text) {
            Some(number) => columns.value = number,
            None if columns.ours => return Err(format!("found value {text:?}, expected a number")),
            None => {}
        }
    }
    Ok(columns)
}

/// One record, without its quotes.
#[derive(Debug, Default)]
struct Record {
    bytes: Vec<u8>,
    /// Where each field lies, and whether it stood in quotes.
    places: Vec<(Range<usize>, bool)>,
}

#[derive(Debug, Clone, Copy)]
struct Field<'r> {
    bytes: &'r [u8],
    quoted: bool,
}

impl<'r> Field<'r> {
    fn is_absent(self) -> bool {
        self.bytes.is_empty() && !self.quoted
    }

    fn text(self) -> std::result::Result<&'r str, String> {
        std::str::from_utf8(self.bytes)
            .map_err(|_| "found bytes that are no text, expected UTF-8".into())
    }

    fn number(self) -> std::result::Result<Raw<'static>, String> {
        let text = self.text()?;
        number(text).ok_or_else(|| format!("found {text:?}, expected a number"))
    }
}

fn number(text: &str) -> Option<Raw<'static>> {
    match text.parse::<i64>() {
        Ok(whole) if text != "-0" => Some(Raw::Integer(whole)),
        _ => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Raw::Number),
    }
}

impl Record {
    fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.places.iter().map(|(place, quoted)| Field {
            bytes: &self.bytes[place.clone()],
            quoted: *quoted,
        })
    }

    fn is_blank(&self) -> bool {
        matches!(self.places.as_slice(), [(only, false)] if only.is_empty())
    }

    /// Reads the next record; false at the end.
    fn read(&mut self, path: &Path, text: &mut impl BufRead, line: &mut u64) -> Result<bool> {
        self.bytes.clear();
        self.places.clear();
        let buffer = text
            .fill_buf()
            .map_err(|source| unpack_failed(path, source))?;
        match memchr2(b'\n', b'"', buffer) {
            Some(end) if buffer[end] == b'\n' => {
                self.split(&buffer[..end]);
                text.consume(end + 1);
                *line += 1;
                Ok(true)
            }
            _ => self.read_quoted(path, text, line),
        }
    }

    /// Takes a whole line without quotes.
    fn split(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.bytes.extend_from_slice(line);
        let mut from = 0;
        for end in memchr_iter(b',', line).chain([line.len()]) {
            self.places.push((from..end, false));
            from = end + 1;
        }
    }

    /// Reads a record that may have quotes, and line ends inside them.
    fn read_quoted(
        &mut self,
        path: &Path,
        text: &mut impl BufRead,
        line: &mut u64,
    ) -> Result<bool> {
        let (mut from, mut quoted, mut length) = (0, false, 0);
        let (mut inside, mut any, mut after_quote) = (false, false, false);
        loop {
            let buffer = text
                .fill_buf()
                .map_err(|source| unpack_failed(path, source))?;
            if buffer.is_empty() {
                if inside {
                    return Err(Error::Unreadable {
                        path: path.to_path_buf(),
                        found: format!("a quote that is not closed, before line {line}"),
                        expected: "a whole file; nothing was imported".into(),
                    });
                }
                if any {
                    self.places.push((from..self.bytes.len(), quoted));
                }
                return Ok(any);
            }
            let mut used = 0;
            let mut done = false;
            for &byte in buffer {
                used += 1;
                any = true;
                *line += u64::from(byte == b'\n');
                match (inside, byte) {
                    (true, b'"') => (inside, after_quote) = (false, true),
                    (true, _) => self.bytes.push(byte),
                    // A quote right after a closing one was a doubled quote: we are still inside.
                    (false, b'"') if after_quote => {
                        self.bytes.push(b'"');
                        (inside, after_quote) = (true, false);
                    }
                    (false, b'"') if self.bytes.len() == from => (inside, quoted) = (true, true),
                    (false, b',' | b'\n') => {
                        done = byte == b'\n';
                        if done && !quoted && self.bytes[from..].last() == Some(&b'\r') {
                            self.bytes.pop();
                        }
                        self.places.push((from..self.bytes.len(), quoted));
                        (from, quoted, after_quote) = (self.bytes.len(), false, false);
                        if done {
                            break;
                        }
                    }
                    (false, b'\r') if after_quote => {}
                    (false, _) => {
                        self.bytes.push(byte);
                        after_quote = false;
                    }
                }
            }
            text.consume(used);
            length += used;
            if done {
                return Ok(true);
            }
            if length > RECORD_LIMIT {
                return Err(Error::Unreadable {
                    path: path.to_path_buf(),
                    found: format!("a record of more than {RECORD_LIMIT} bytes before line {line}"),
                    expected: "records of an export; is a quote missing?".into(),
                });
            }
        }
    }
}
