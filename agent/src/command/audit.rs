//! `audit`: who asked for what, and what came of it.

use std::process::ExitCode;

use crate::failure::Outcome;
use crate::output::Output;
use crate::site::Site;
use crate::{audit, cli, moment, shown};

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

/// What was asked and what came of it; below, by whom, and the words.
fn lines(row: &audit::Row) -> String {
    let columns = shown::columns();
    let at = moment::parse(&row.at).map_or_else(|_| row.at.clone(), moment::local);
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
    let mut lines = vec![shown::clip(&text, columns)];
    let indent = " ".repeat(21);
    lines.push(shown::clip(&format!("{indent}by {by}"), columns));
    let asked = row.asked_at.as_deref().map(moment::parse);
    let asked = asked.and_then(Result::ok).map(moment::local);
    if let (Some(design), Some(code)) = (&row.design, &row.design_code) {
        let asked = asked.map_or_else(String::new, |asked| format!(", asked {asked}"));
        let design = format!("{indent}in {design} ({code}){asked}");
        lines.push(shown::clip(&design, columns));
    }
    if !row.said.is_empty() {
        lines.push(shown::clip(&format!("{indent}{}", row.said), columns));
    }
    lines.join("\n")
}
