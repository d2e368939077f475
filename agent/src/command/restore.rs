//! `restore`: puts the record back to a backup or a moment, or shows what that would do.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::advice;
use crate::audit::Act;
use crate::command::cli;
use crate::command::output::Output;
use crate::command::terminal;
use crate::command::through_agent::{through_agent, written_down};
use crate::documents::{ControlChange, Plan, Restored};
use crate::failure::Outcome;
use crate::moment::Moment;
use crate::site::{RestoreRequest, Site};
use crate::socket::Request;
use crate::words::{bytes, count, events};

/// As far in as the values in the lines above.
const INDENT: &str = "             ";
const COUNT_WIDTH: usize = 12;
/// More controls than this fill the screen and say nothing.
const MOST_LISTED: usize = 10;

pub(super) fn restore(typed: &cli::Restore, site: &Site, output: Output) -> Outcome<ExitCode> {
    let request = RestoreRequest {
        from: site.source(&typed.what)?,
        at: typed.at.map(|at| at.ms),
        time: typed.at.and_then(|at| at.time),
        keep_newer: typed.keep_newer,
        force: typed.force,
    };
    let target = typed.target.as_deref();
    if typed.dry_run {
        let plan = site.plan(&request, target)?;
        let mut plan = Plan::new(&plan, plan.per_control(&output.progress()));
        if target.is_none() {
            plan.notes.extend(site.would_secure());
        }
        output.result(&plan, || planned(&plan));
        return Ok(ExitCode::SUCCESS);
    }
    let restored = match target {
        Some(target) => {
            let act = Act {
                what: "restore",
                about: format!("{}, into {}", request.in_words(), target.display()),
            };
            let here = || here(site, &request, target, output);
            written_down(site, act, output, here, |done| Ok(done.in_words()))
        }
        None => through_agent(
            site,
            &Request::Restore(request.clone()),
            output,
            || here(site, &request, site.store_path(), output),
            Restored::in_words,
        ),
    }?;
    output.result(&restored, || {
        let undo = match &restored.undo {
            Some(_) => format!(
                "\nWhat was there before is kept: `{}` takes the restore back",
                advice::command("undo")
            ),
            None => String::new(),
        };
        let notes = restored.notes.iter().map(|note| format!("\nNote: {note}"));
        let notes: String = notes.collect();
        let checked = match restored.verified {
            true => ", checked",
            false => "",
        };
        format!(
            "{} to {}: {}{checked}, in {:.1} s{notes}{undo}",
            restored.what(),
            told(restored.restored_to),
            events(restored.events),
            restored.seconds.0
        )
    });
    // Not all that was asked for was done.
    Ok(match restored.verified {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Restores without a running agent.
fn here(site: &Site, request: &RestoreRequest, target: &Path, output: Output) -> Outcome<Restored> {
    let begun = Instant::now();
    let (report, secured) = site.restore(request, target, &output.progress())?;
    Ok(Restored::new(&report, secured.notes(), begun.elapsed()))
}

fn planned(plan: &Plan) -> String {
    let mut lines = vec![
        format!(
            "{} to {} from {}",
            match plan.days_left_out.is_empty() {
                true => "Would restore",
                false => "WOULD RESTORE IN PART",
            },
            told(plan.would_restore_to),
            plan.from
        ),
        format!(
            "Events       {} afterwards; {} come back, {} go (kept for undo)",
            count(plan.events),
            count(plan.events_gained),
            count(plan.events_lost)
        ),
        format!(
            "Needs        {}, about {:.1} s",
            bytes(plan.bytes_needed),
            plan.estimate_seconds.0
        ),
    ];
    lines.extend(controls(&plan.controls));
    for gap in &plan.gaps {
        lines.push(format!(
            "Gap          {} to {}: {}",
            gap.from.local_precise(),
            gap.to.local_precise(),
            gap.why
        ));
    }
    lines.extend(plan.notes.iter().map(|note| format!("Note         {note}")));
    lines.push("Nothing was touched.".to_owned());
    lines.join("\n")
}

/// The controls with the most events gained and lost, and how many more there are.
fn controls(changes: &[ControlChange]) -> Vec<String> {
    if changes.is_empty() {
        return Vec::new();
    }
    let columns = terminal::columns();
    let listed = &changes[..changes.len().min(MOST_LISTED)];
    let names = listed.iter().map(|change| change.control_path.as_str());
    let width = terminal::name_width(names, columns, INDENT.len() + 2 * COUNT_WIDTH);
    let head = format!(
        "{:<indent$}{}",
        "Controls",
        terminal::fit("", width),
        indent = INDENT.len()
    );
    let row = |gained: &str, lost: &str| format!("{gained:>COUNT_WIDTH$}{lost:>COUNT_WIDTH$}");
    let mut lines = vec![head + &row("come back", "go")];
    lines.extend(listed.iter().map(|change| {
        let name = terminal::fit(&change.control_path, width);
        format!(
            "{INDENT}{name}{}",
            row(&count(change.gained), &count(change.lost))
        )
    }));
    let more = changes.len() - listed.len();
    if more > 0 {
        lines.push(format!(
            "{INDENT}and {} more (--json lists all)",
            count(more as u64)
        ));
    }
    lines
}

fn told(time: Option<Moment>) -> String {
    time.map_or_else(|| "an empty store".to_owned(), Moment::local_precise)
}
