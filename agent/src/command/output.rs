//! All printing: lines for people or one JSON document on standard output, failures on standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::failure::{Failure, Outcome};

/// Where a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    /// `quiet` hides progress; results and failures are always printed.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// True when the user asked for one JSON document.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// True when people watch standard output.
    pub(crate) fn is_terminal(self) -> bool {
        !self.json && std::io::stdout().is_terminal()
    }

    /// The result of a command: the document for programs, the lines for people.
    pub(crate) fn result(self, document: &impl Serialize, lines: impl FnOnce() -> String) {
        if self.json {
            match serde_json::to_string_pretty(document) {
                Ok(text) => put(&text),
                Err(error) => eput(&format!("error: cannot write the result as JSON: {error}")),
            }
        } else {
            put(lines().trim_end());
        }
    }

    /// A table for programs: a header, then a line for each row (RFC 4180).
    pub(crate) fn csv<T: Serialize + Default>(self, rows: &[T]) -> Outcome<()> {
        match self.csv_part(rows, true) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// A part of one, with or without the header. Fails when the reader has gone.
    pub(crate) fn csv_part<T: Serialize + Default>(
        self,
        rows: &[T],
        header: bool,
    ) -> std::io::Result<()> {
        let mut writer = csv::WriterBuilder::new()
            .has_headers(false)
            .terminator(csv::Terminator::CRLF)
            .from_writer(std::io::stdout().lock());
        if header {
            let head = columns::<T>().and_then(|columns| writer.write_record(&columns));
            head.map_err(io_error)?;
        }
        let written = rows.iter().try_for_each(|row| writer.serialize(row));
        written.map_err(io_error)?;
        writer.flush()
    }

    /// JSON documents, one a line. Fails when the reader has gone.
    pub(crate) fn json_lines<T: Serialize>(self, documents: &[T]) -> std::io::Result<()> {
        let lines: Result<Vec<String>, _> = documents.iter().map(serde_json::to_string).collect();
        self.lines(&lines?)
    }

    /// Lines of an output that goes on. Fails when the reader has gone.
    pub(crate) fn lines(self, lines: &[String]) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        for line in lines {
            writeln!(out, "{line}")?;
        }
        out.flush()
    }

    /// Bytes as they are: a script, an export. A reader that leaves early is no failure.
    pub(crate) fn stream(self, write: impl FnOnce(&mut dyn Write) -> Outcome<()>) -> Outcome<()> {
        let mut out = Stream {
            out: std::io::stdout().lock(),
            left: false,
        };
        let written = write(&mut out).and_then(|()| Ok(out.flush()?));
        if out.left { Ok(()) } else { written }
    }

    /// A line about what is going on; not printed with `--json`.
    pub(crate) fn line(self, line: impl Display) {
        if !self.json {
            put(&line.to_string());
        }
    }

    /// An address that scripts wait for; with `--json` it goes to standard error.
    #[cfg(feature = "demo")]
    pub(crate) fn address(self, line: impl Display) {
        if self.json {
            eput(&line.to_string());
        } else {
            put(&line.to_string());
        }
    }

    /// Something that the user must know beside the result; never silenced.
    pub(crate) fn warning(self, line: impl Display) {
        eput(&format!("WARNING: {line}"));
    }

    /// Says why the command failed, and gives its exit code.
    pub(crate) fn failure(self, failure: &Failure) -> ExitCode {
        if self.json {
            let document = serde_json::json!({
                "error": failure.message(),
                "hint": failure.next_step(),
                "kind": failure.kind(),
            });
            put(&format!("{document:#}"));
        } else {
            eput(&format!("error: {}", failure.message()));
            if let Some(hint) = failure.next_step() {
                eput(&format!("hint: {hint}"));
            }
        }
        failure.exit_code()
    }

    /// A bar for what may take longer than a second, if people watch.
    pub(crate) fn progress(self) -> Bar {
        Bar::new(!self.quiet && self.is_terminal() && std::io::stderr().is_terminal())
    }
}

/// The names of a table's columns. They come from an empty row, so that a table without rows has them
/// too.
fn columns<T: Serialize + Default>() -> Result<csv::StringRecord, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.serialize(T::default())?;
    let table = writer.into_inner().map_err(|error| error.into_error())?;
    csv::Reader::from_reader(table.as_slice())
        .headers()
        .cloned()
}

/// The error of the disk or the pipe; the library's own conversion would hide its kind.
fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// Standard output that notices when its reader has gone.
struct Stream {
    out: std::io::StdoutLock<'static>,
    left: bool,
}

impl Stream {
    fn look<T>(&mut self, outcome: std::io::Result<T>) -> std::io::Result<T> {
        let left = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
        self.left |= outcome.as_ref().is_err_and(left);
        outcome
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let outcome = self.out.write(bytes);
        self.look(outcome)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let outcome = self.out.flush();
        self.look(outcome)
    }
}

/// A reader that went away (`| head`) is no failure of ours.
fn put(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn eput(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A progress bar that appears after a second, or a line at once where it is not known how long it takes.
pub(crate) struct Bar {
    bar: ProgressBar,
    since: Instant,
    watched: bool,
}

impl Bar {
    fn new(watched: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        Self {
            bar,
            since: Instant::now(),
            watched,
        }
    }

    /// What to tell steps to, if people watch.
    pub(crate) fn watcher(&self) -> Option<&dyn backup::Progress> {
        self.watched.then_some(self)
    }
}

impl backup::Progress for Bar {
    fn step(&self, what: &str, done: u64, total: u64) {
        // What takes nobody knows how long may be all that is told for a while.
        let (at_once, look) = match total {
            0 => (true, "{msg}"),
            _ => (false, "{msg:24} {bar:30} {percent:>3} %  {eta}"),
        };
        if let Ok(style) = ProgressStyle::with_template(look) {
            self.bar.set_style(style);
        }
        let is_due = at_once || self.since.elapsed() > Duration::from_secs(1);
        if self.watched && self.bar.is_hidden() && is_due {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_message(what.to_owned());
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_left_is_told_from_other_trouble() {
        let gone = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(io_error(gone().into()).kind(), gone().kind());
    }
}
