//! `prune`: removes the backups and the days that are beyond the limits.

use std::process::ExitCode;
use std::time::Duration;

use crate::command::cli;
use crate::command::output::Output;
use crate::command::through_agent::through_agent;
use crate::documents::Pruned;
use crate::failure::Outcome;
use crate::site::{Site, TimeBy};
use crate::socket::Request;
use crate::words::{bytes, many};

pub(super) fn prune(typed: &cli::Prune, site: &Site, output: Output) -> Outcome<ExitCode> {
    let cli::Prune { dry_run, force } = *typed;
    let time = match force {
        true => TimeBy::Person,
        false => TimeBy::Clock(Duration::ZERO),
    };
    let pruned: Pruned = through_agent(
        site,
        &Request::Prune { dry_run, force },
        output,
        || site.prune(time, dry_run),
        Pruned::in_words,
    )?;
    output.result(&pruned, || {
        let (verb, keeps, goes, frees) = if dry_run {
            ("Would remove", "to keep", "to remove", "would free")
        } else {
            ("Removed", "kept", "removed", "freed")
        };
        let mut lines: Vec<String> = pruned
            .backups
            .iter()
            .map(|gone| format!("{verb} {}: {}", gone.id, gone.why))
            .collect();
        lines.extend(pruned.days.iter().map(|day| {
            let size = bytes(day.bytes);
            format!("{verb} day {} from the store, {size}: {}", day.day, day.why)
        }));
        let kept = pruned.days_kept.iter();
        lines.extend(kept.map(|day| format!("Day {} stays in the store: {}", day.day, day.why)));
        let steps = pruned.undo_steps_removed.iter();
        lines.extend(steps.map(|step| format!("{verb} undo step {step} from the store")));
        let steps = pruned.undo_steps_kept.iter();
        lines.extend(steps.map(|step| {
            format!("Undo step {step} stays in the store: no sound backup holds all of it")
        }));
        lines.push(format!(
            "{} {keeps}, {} {goes}; {frees} {} in the archive, {} in the store",
            many(pruned.kept.len() as u64, "backup"),
            pruned.removed.len(),
            bytes(pruned.freed_bytes),
            bytes(pruned.days.iter().map(|day| day.bytes).sum())
        ));
        lines.extend(pruned.notes.iter().chain(&pruned.waits).cloned());
        lines.join("\n")
    });
    Ok(match &pruned.waits {
        Some(_) if !dry_run => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}
