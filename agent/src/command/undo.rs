//! `undo`: takes a restore back, or shows what can be taken back.

use std::process::ExitCode;

use comfy_table::{CellAlignment, Table, presets};

use crate::advice;
use crate::audit::Act;
use crate::command::cli;
use crate::command::output::Output;
use crate::command::through_agent::{through_agent, written_down};
use crate::documents::{UndoStep, Undone};
use crate::failure::Outcome;
use crate::site::{Site, UndoRequest};
use crate::socket::Request;
use crate::words::{bytes, count};

pub(super) fn undo(typed: &cli::Undo, site: &Site, output: Output) -> Outcome<ExitCode> {
    let request = UndoRequest {
        step: typed.step,
        force: typed.force,
    };
    if typed.list {
        let steps: Vec<UndoStep> = site.undo_steps()?.iter().map(UndoStep::from).collect();
        output.result(&steps, || listed(&steps));
    } else if let (Some(step), true) = (typed.step, typed.discard) {
        discard(step, typed.force, site, output)?;
    } else if typed.dry_run {
        let plan = site.plan_undo(&request)?;
        let mut step = UndoStep::from(&plan.step);
        step.notes.extend(site.would_secure());
        output.result(&step, || planned(&step, typed.force));
    } else {
        let here = || {
            let (report, secured) = site.undo(&request, &output.progress())?;
            Ok(Undone::new(&report, secured.notes()))
        };
        let asked = Request::Undo(request.clone());
        let undone = through_agent(site, &asked, output, here, Undone::in_words)?;
        output.result(&undone, || taken_back(&undone));
    }
    Ok(ExitCode::SUCCESS)
}

fn discard(step: u64, force: bool, site: &Site, output: Output) -> Outcome<()> {
    let forced = if force { ", forced" } else { "" };
    let act = Act {
        what: "undo",
        about: format!("step {step} removed{forced}"),
    };
    written_down(
        site,
        act,
        output,
        || site.discard_undo(step, force),
        |()| Ok(String::new()),
    )?;
    output.result(&serde_json::json!({ "removed": step }), || {
        format!("Step {step} is gone.")
    });
    Ok(())
}

fn taken_back(undone: &Undone) -> String {
    let days = match undone.days.as_slice() {
        [] => "none".to_owned(),
        days => days.join(", "),
    };
    let mut lines = vec![
        format!("Taken back: {}", undone.undone),
        format!("Events: {}", undone.events_in_words()),
        format!("Days as they were before: {days}"),
    ];
    lines.extend(undone.notes.iter().map(|note| format!("Note: {note}")));
    if let Some(step) = undone.step {
        lines.push(format!(
            "Run `{}` to change your mind",
            advice::command(format_args!("undo {step}"))
        ));
    }
    lines.join("\n")
}

fn planned(step: &UndoStep, forced: bool) -> String {
    let since = match (step.events_since, forced) {
        (0, _) => String::new(),
        (since, false) => format!(
            "; {} recorded since stay (--force drops them)",
            count(since)
        ),
        (since, true) => format!("; {} recorded since go too", count(since)),
    };
    let mut lines = vec![
        format!(
            "Would take back step {} of {}: {}",
            step.step,
            step.at.local(),
            step.what
        ),
        format!(
            "Events       {} come back, {} go (kept for undo){since}",
            count(step.events_gained),
            count(step.events_lost)
        ),
    ];
    lines.extend(step.notes.iter().map(|note| format!("Note         {note}")));
    lines.push("Nothing was touched.".to_owned());
    lines.join("\n")
}

fn listed(steps: &[UndoStep]) -> String {
    let Some(next) = steps.iter().find(|step| step.next) else {
        return "Nothing can be taken back.".to_owned();
    };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["Step", "Left", "Come back", "Go", "Since", "Size", "What"]);
    for step in steps {
        table.add_row([
            step.step.to_string(),
            step.at.local(),
            count(step.events_gained),
            count(step.events_lost),
            count(step.events_since),
            bytes(step.bytes),
            step.what.clone(),
        ]);
    }
    for numbers in [0, 2, 3, 4, 5] {
        if let Some(column) = table.column_mut(numbers) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // The bare style still pads its first column.
    let rows = table.trim_fmt();
    let mut lines: Vec<String> = rows
        .lines()
        .map(|row| row.strip_prefix(' ').unwrap_or(row).to_owned())
        .collect();
    for step in steps {
        lines.extend(
            step.notes
                .iter()
                .map(|note| format!("{}: {note}", step.step)),
        );
    }
    lines.push(format!(
        "`{}` takes step {} back and keeps what was recorded since; name another one to take that.",
        advice::command("undo"),
        next.step
    ));
    lines.join("\n")
}
