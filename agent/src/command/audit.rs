//! `audit`: who asked for what, and what came of it.

use std::process::ExitCode;

use crate::audit;
use crate::command::cli;
use crate::command::output::Output;
use crate::command::terminal;
use crate::failure::Outcome;
use crate::moment::Moment;
use crate::site::Site;

pub(super) fn audit(typed: &cli::Audit, site: &Site, output: Output) -> Outcome<ExitCode> {
    let rows = audit::rows(site.store_path(), typed.since, typed.limit)?;
    if typed.csv {
        output.csv(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    output.result(&rows, || {
        if rows.is_empty() {
            return "Nothing was asked for.".to_owned();
        }
        rows.iter().map(lines).collect::<Vec<_>>().join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// What was asked and how it ended; below, by whom, and why.
fn lines(row: &audit::Row) -> String {
    let columns = terminal::columns();
    let at = row.at.local();
    let mut text = format!("{at}  {:<9} {}", row.outcome, row.what);
    let mut by = row.asker.clone();
    if !row.about.is_empty() {
        text.push_str(&format!(" {}", row.about));
    }
    if !row.place.is_empty() {
        by.push_str(&format!(", {}", row.place));
    }
    if let Some(request) = &row.request {
        by.push_str(&format!(", request {request}"));
    }
    let mut lines = vec![terminal::clip(&text, columns)];
    let indent = " ".repeat(21);
    lines.push(terminal::clip(&format!("{indent}by {by}"), columns));
    let asked = row.asked_at.map(Moment::local);
    if let (Some(design), Some(code)) = (&row.design, &row.design_code) {
        let asked = asked.map_or_else(String::new, |asked| format!(", asked {asked}"));
        let design = format!("{indent}in {design} ({code}){asked}");
        lines.push(terminal::clip(&design, columns));
    }
    if !row.said.is_empty() {
        lines.push(terminal::clip(&format!("{indent}{}", row.said), columns));
    }
    lines.join("\n")
}
