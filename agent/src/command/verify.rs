//! `verify`: proves the archive, one backup, or one file; every finding is told.

use std::process::ExitCode;

use crate::audit::Act;
use crate::documents::Verification;
use crate::failure::Outcome;
use crate::output::Output;
use crate::settings::Settings;
use crate::{cli, work};

pub(super) fn verify(
    typed: &cli::Verify,
    settings: &Settings,
    output: Output,
) -> Outcome<ExitCode> {
    let mut about = typed.what.clone().unwrap_or_else(|| "all".to_owned());
    if typed.deep {
        about.push_str(", deep");
    }
    let act = Act {
        what: "verify",
        about,
    };
    let prove = || work::verify(settings, typed.what.as_deref(), typed.deep);
    let report = super::written_down(settings, act, prove, |report| match report.ok {
        true => Ok(format!("{} files proved", report.checked)),
        false => Err(format!("{} findings", report.findings.len())),
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
    lines.push(match report.findings.len() {
        0 => format!("{} files checked, all sound", report.checked),
        1 => format!("{} files checked, 1 finding", report.checked),
        count => format!("{} files checked, {count} findings", report.checked),
    });
    lines.join("\n")
}
