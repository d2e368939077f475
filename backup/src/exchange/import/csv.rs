//! Events from CSV with a header, as exported. An empty field is absent and `""` is an empty text; no ready-made reader
//! of CSV tells the two apart.

use std::io::BufRead;
use std::path::Path;

use compact_str::CompactString;

use crate::error::{Error, Result};
use crate::exchange::import::columns::{Columns, Found, Raw, Take, unpack_failed};

/// A record longer than this is not one of ours; without a limit one stray quote would swallow the file.
const RECORD_LIMIT: usize = 8 << 20;

pub(super) fn read(path: &Path, mut text: impl BufRead, take: &mut Take<'_>) -> Result<()> {
    let mut fields = Vec::new();
    let mut line = 1;
    next_record(path, &mut text, &mut fields, &mut line)?;
    let header: Vec<CompactString> = fields
        .drain(..)
        .filter_map(|field| field.text().ok())
        .collect();
    if !header.iter().any(|name| name == "timestamp") {
        return Err(Error::Unreadable {
            path: path.to_path_buf(),
            found: match header.join(",") {
                none if none.is_empty() => "a first line that is no text".to_owned(),
                text => format!("a first line of {:?}", text.chars().take(60).collect::<String>()),
            },
            expected: "JSON, a database, or CSV with a header that names timestamp, control_path, value, …".into(),
        });
    }
    loop {
        let began = line;
        if !next_record(path, &mut text, &mut fields, &mut line)? {
            return Ok(());
        }
        if let [only] = fields.as_slice()
            && only.bytes.is_empty()
            && !only.quoted
        {
            continue;
        }
        take(Found::Event(
            event(&header, &mut fields)
                .and_then(|columns| columns.incoming(String::new))
                .map_err(|reason| format!("line {began}: {}", reason.trim_start_matches(": "))),
        ))?;
    }
}

fn event(
    header: &[CompactString],
    fields: &mut Vec<Field>,
) -> std::result::Result<Columns, String> {
    if fields.len() != header.len() {
        return Err(format!(
            "found {} fields, expected {} as in the header",
            fields.len(),
            header.len()
        ));
    }
    let mut columns = Columns::default();
    for (name, field) in header.iter().zip(fields.drain(..)) {
        let Some(place) = columns.place(name) else {
            continue;
        };
        *place = match name.as_str() {
            _ if field.bytes.is_empty() && !field.quoted => Raw::Missing,
            "id" | "timestamp" | "position" => field.number()?,
            _ => Raw::Text(field.text()?),
        };
    }
    // Only now is it known what kind of value it is.
    if let Raw::Text(text) = &columns.value
        && columns.kind != Raw::Text("text".into())
    {
        columns.value = match number(text) {
            Some(number) => number,
            None if columns.ours => return Err(format!("found value {text:?}, expected a number")),
            None => Raw::Text(text.clone()),
        };
    }
    Ok(columns)
}

#[derive(Debug, Default)]
struct Field {
    bytes: Vec<u8>,
    quoted: bool,
}

impl Field {
    fn text(self) -> std::result::Result<CompactString, String> {
        CompactString::from_utf8(self.bytes)
            .map_err(|_| "found bytes that are no text, expected UTF-8".into())
    }

    fn number(self) -> std::result::Result<Raw, String> {
        let text = self.text()?;
        number(&text).ok_or_else(|| format!("found {text:?}, expected a number"))
    }
}

fn number(text: &str) -> Option<Raw> {
    match text.parse::<i64>() {
        Ok(whole) if text != "-0" => Some(Raw::Integer(whole)),
        _ => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Raw::Number),
    }
}

/// Reads one record into `fields`; false at the end.
fn next_record(
    path: &Path,
    text: &mut impl BufRead,
    fields: &mut Vec<Field>,
    line: &mut u64,
) -> Result<bool> {
    fields.clear();
    let (mut field, mut inside, mut any, mut length) = (Field::default(), false, false, 0);
    let mut after_quote = false;
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
                fields.push(field);
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
                (true, _) => field.bytes.push(byte),
                // A quote right after a closing one was a doubled quote: we are still inside.
                (false, b'"') if after_quote => {
                    field.bytes.push(b'"');
                    (inside, after_quote) = (true, false);
                }
                (false, b'"') if field.bytes.is_empty() => (inside, field.quoted) = (true, true),
                (false, b',') => {
                    fields.push(std::mem::take(&mut field));
                    after_quote = false;
                }
                (false, b'\n') => {
                    if !field.quoted && field.bytes.last() == Some(&b'\r') {
                        field.bytes.pop();
                    }
                    fields.push(std::mem::take(&mut field));
                    done = true;
                    break;
                }
                (false, b'\r') if after_quote => {}
                (false, _) => {
                    field.bytes.push(byte);
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
