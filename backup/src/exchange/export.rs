//! Events written out as JSON, JSON Lines or CSV, one at a time.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::disk::draft::Draft;
use crate::error::{Error, Result};
use crate::store::event::Event;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::query::events::Query;
use crate::store::value::Value;

/// The columns of an export, in order: those of the original, then ours.
pub(crate) const COLUMNS: [&str; 12] = [
    "id",
    "timestamp",
    "change_group_id",
    "control_path",
    "component_name",
    "control_name",
    "value",
    "string_value",
    "source",
    "created_at",
    "position",
    "kind",
];

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One document, `{exportedAt, eventsCount, startTime, endTime, events: […]}`.
    Json,
    /// One event per line.
    JsonLines,
    /// A header and one line per event; text in quotes as RFC 4180 has it. An absent text is empty, an empty one `""`.
    Csv,
}

/// What is exported and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportOptions {
    /// From this Unix millisecond on, inclusive.
    pub since_ms: Option<i64>,
    /// Up to this Unix millisecond, inclusive.
    pub until_ms: Option<i64>,
    /// How.
    pub format: Format,
    /// Whether to compress with gzip.
    pub gz: bool,
    /// The time to be written as `exportedAt`, Unix milliseconds.
    pub exported_at_ms: i64,
}

impl ExportOptions {
    /// Format and compression as a file's name asks for them: `.json`, `.jsonl`, `.ndjson`, `.csv`, each with or
    /// without `.gz`.
    pub fn by_name(name: &str) -> Option<(Format, bool)> {
        let (stem, gz) = name
            .strip_suffix(".gz")
            .map_or((name, false), |stem| (stem, true));
        let format = match stem.rsplit_once('.')?.1 {
            "json" => Format::Json,
            "jsonl" | "ndjson" => Format::JsonLines,
            "csv" => Format::Csv,
            _ => return None,
        };
        Some((format, gz))
    }
}

/// Exports into a file, which appears only when it is complete; what had its name stays until then. Gives the number of
/// events.
///
/// # Errors
/// As for [`export`], and when the file's folder is missing or cannot be written to.
pub fn export_to_file(store: &Store, options: &ExportOptions, path: &Path) -> Result<u64> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::Input {
        what: "name of the file to export to".into(),
        found: format!("{}", path.display()),
        expected: "a file's name".into(),
    })?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut draft = Draft::new(folder)?;
    let events = export(store, options, draft.file())?;
    draft.sync()?;
    draft.publish(name)?;
    Ok(events)
}

/// Writes the events of a span and gives their number. Uses the same memory for any number of events. Events that
/// arrive meanwhile are left out.
///
/// # Errors
/// When a day file cannot be read or `out` cannot be written.
pub fn export(store: &Store, options: &ExportOptions, out: &mut dyn Write) -> Result<u64> {
    if options.gz {
        let mut zipped = GzEncoder::new(out, Compression::default());
        let count = export_plain(store, options, &mut zipped)?;
        zipped.finish().map_err(write_failed)?;
        return Ok(count);
    }
    export_plain(store, options, out)
}

fn export_plain(store: &Store, options: &ExportOptions, out: &mut dyn Write) -> Result<u64> {
    let (total, last) = count(store, options)?;
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    let head = match options.format {
        Format::Json => {
            let text = |ms: Option<i64>| ms.map_or("null".to_owned(), |ms| ms.to_string());
            let at = jiff::Timestamp::from_millisecond(options.exported_at_ms)
                .map(|at| format!("{at:.3}"))
                .unwrap_or_default();
            format!(
                "{{\"exportedAt\":\"{at}\",\"eventsCount\":{total},\"startTime\":{},\"endTime\":{},\"events\":[",
                text(options.since_ms),
                text(options.until_ms)
            )
        }
        Format::JsonLines => String::new(),
        Format::Csv => format!("{}\n", COLUMNS.join(",")),
    };
    out.write_all(head.as_bytes()).map_err(write_failed)?;
    let mut written = 0;
    let mut query = Query {
        since_ms: options.since_ms,
        until_ms: options.until_ms,
        limit: 10_000,
        ..Query::default()
    };
    // Page by page, so that a long export does not keep the recorder's log from being folded.
    while let Some(last) = last {
        let page = store.events(&query)?;
        for event in page.events.iter().filter(|event| event.id <= last) {
            match options.format {
                Format::Json if written > 0 => out.write_all(b",\n").map_err(write_failed)?,
                Format::Json => out.write_all(b"\n").map_err(write_failed)?,
                _ => {}
            }
            match options.format {
                Format::Csv => write_csv(&mut out, event),
                Format::Json => {
                    serde_json::to_writer(&mut out, &Line::new(event)).map_err(io::Error::from)
                }
                Format::JsonLines => serde_json::to_writer(&mut out, &Line::new(event))
                    .map_err(io::Error::from)
                    .and_then(|()| out.write_all(b"\n")),
            }
            .map_err(write_failed)?;
            written += 1;
        }
        match page.next.filter(|next| *next < last) {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    if options.format == Format::Json {
        out.write_all(b"\n]}\n").map_err(write_failed)?;
    }
    out.flush().map_err(write_failed)?;
    Ok(written)
}

/// How many events there are in the span, and the last of them.
fn count(store: &Store, options: &ExportOptions) -> Result<(u64, Option<EventId>)> {
    let (low, high) = store.span(options.since_ms, options.until_ms)?;
    let days = EventId(low).day()..=EventId(high).day();
    let (mut total, mut last) = (0, None);
    for day in store.days()?.into_iter().filter(|day| days.contains(day)) {
        let conn = store.day_reader(day)?;
        let (count, newest): (u64, Option<i64>) = conn
            .query_row(
                "SELECT count(*), max(id) FROM changes WHERE id BETWEEN ?1 AND ?2",
                [low, high],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(Error::sqlite(&store.day_path(day), "count its events"))?;
        total += count;
        last = last.max(newest.map(EventId));
    }
    Ok((total, last))
}

fn write_failed(source: io::Error) -> Error {
    Error::Io {
        path: "export".into(),
        doing: "write",
        source,
    }
}

/// A number as JavaScript writes it: whole ones without a point.
#[derive(Serialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Other(f64),
}

impl Number {
    fn new(number: f64) -> Number {
        let whole = number as i64;
        if number.abs() < 1e15 && (whole as f64).to_bits() == number.to_bits() {
            Number::Whole(whole)
        } else {
            Number::Other(number)
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Cell<'e> {
    Number(Number),
    Text(&'e str),
}

#[derive(Serialize)]
struct Line<'e> {
    id: i64,
    timestamp: i64,
    change_group_id: &'e str,
    control_path: &'e str,
    component_name: &'e str,
    control_name: &'e str,
    value: Option<Cell<'e>>,
    string_value: Option<&'e str>,
    source: &'e str,
    created_at: String,
    position: Option<Number>,
    kind: Option<&'static str>,
}

impl<'e> Line<'e> {
    fn new(event: &'e Event) -> Line<'e> {
        let (value, kind) = match &event.value {
            None => (None, None),
            Some(Value::Number(number)) => {
                (Some(Cell::Number(Number::new(*number))), Some("number"))
            }
            Some(Value::Bool(truth)) => (
                Some(Cell::Number(Number::Whole(i64::from(*truth)))),
                Some("bool"),
            ),
            Some(Value::Text(text)) => (Some(Cell::Text(text)), Some("text")),
        };
        Line {
            id: event.id.0,
            timestamp: event.at_ms,
            change_group_id: &event.series.change_group,
            control_path: &event.series.path,
            component_name: &event.series.component,
            control_name: &event.series.control,
            value,
            string_value: event.string.as_deref(),
            source: &event.series.source,
            created_at: event.created_at(),
            position: event.position.map(Number::new),
            kind,
        }
    }
}

fn write_csv(out: &mut impl Write, event: &Event) -> io::Result<()> {
    let line = Line::new(event);
    write!(out, "{},{}", line.id, line.timestamp)?;
    for text in [
        line.change_group_id,
        line.control_path,
        line.component_name,
        line.control_name,
    ] {
        out.write_all(b",")?;
        write_text(out, text)?;
    }
    out.write_all(b",")?;
    match &line.value {
        Some(Cell::Number(number)) => write_number(out, number)?,
        Some(Cell::Text(text)) => write_text(out, text)?,
        None => {}
    }
    out.write_all(b",")?;
    if let Some(text) = line.string_value {
        write_text(out, text)?;
    }
    out.write_all(b",")?;
    write_text(out, line.source)?;
    write!(out, ",{},", line.created_at)?;
    if let Some(position) = &line.position {
        write_number(out, position)?;
    }
    writeln!(out, ",{}", line.kind.unwrap_or_default())
}

fn write_number(out: &mut impl Write, number: &Number) -> io::Result<()> {
    serde_json::to_writer(out, number).map_err(io::Error::from)
}

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    let quoted = text.is_empty() || text.contains([',', '"', '\n', '\r']) || text.starts_with(' ');
    if !quoted {
        return out.write_all(text.as_bytes());
    }
    out.write_all(b"\"")?;
    for (part, piece) in text.split('"').enumerate() {
        if part > 0 {
            out.write_all(b"\"\"")?;
        }
        out.write_all(piece.as_bytes())?;
    }
    out.write_all(b"\"")
}
