//! `verify`: proves the archive, one backup, or one file, and prints every finding.

use std::process::ExitCode;

use crate::audit::Act;
use crate::command::cli;
use crate::command::output::Output;
use crate::command::through_agent::written_down;
use crate::documents::Verification;
use crate::failure::Outcome;
use crate::site::{Site, Source};
use crate::words::many;

pub(super) fn verify(typed: &cli::Verify, site: &Site, output: Output) -> Outcome<ExitCode> {
    let what = typed.what.as_deref().map(|what| site.source(what));
    let what = what.transpose()?;
    let mut about = what
        .as_ref()
        .map_or_else(|| "all".to_owned(), Source::to_string);
    if typed.deep {
        about.push_str(", deep");
    }
    let act = Act {
        what: "verify",
        about,
    };
    let prove = || site.verify(what.as_ref(), typed.deep);
    let report = written_down(site, act, output, prove, |report| match report.ok {
        true => Ok(format!("{} proved", many(report.checked, "file"))),
        false => Err(many(report.findings.len() as u64, "finding")),
    })?;
    let document = Verification::from(&report);
    output.result(&document, || lines(&document));
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn lines(report: &Verification) -> String {
    let mut lines = Vec::new();
    for finding in &report.findings {
        lines.push(format!("{}: {}", finding.path, finding.problem));
        for (name, text) in [
            ("expected", &finding.expected),
            ("found", &finding.found),
            ("next", &finding.hint),
        ] {
            if !text.is_empty() {
                lines.push(format!("  {name:<9} {text}"));
            }
        }
    }
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    let found = match report.findings.len() as u64 {
        0 => "all sound".to_owned(),
        some => many(some, "finding"),
    };
    lines.push(format!("{}, {found}", looked_at(report)));
    lines.join("\n")
}

/// `3 backups, 12 files checked`
fn looked_at(report: &Verification) -> String {
    let files = format!("{} checked", many(report.checked, "file"));
    match report.backups {
        // A single file was named.
        0 => files,
        backups => format!("{}, {files}", many(backups, "backup")),
    }
}
