//! `prune`: removes backups beyond the number to keep.

use std::process::ExitCode;

use crate::documents::Pruned;
use crate::failure::Outcome;
use crate::local_socket::Request;
use crate::output::{Output, bytes};
use crate::settings::Settings;
use crate::{cli, work};

pub(super) fn prune(typed: &cli::Prune, settings: &Settings, output: Output) -> Outcome<ExitCode> {
    let dry_run = typed.dry_run;
    let pruned: Pruned = super::through_agent(settings, &Request::Prune { dry_run }, || {
        work::prune(settings, dry_run)
    })?;
    output.result(&pruned, || {
        let (verb, frees) = if dry_run {
            ("Would remove", "would free")
        } else {
            ("Removed", "freed")
        };
        let mut lines: Vec<String> = pruned
            .removed
            .iter()
            .map(|id| format!("{verb} {id}"))
            .collect();
        let days = pruned.days_removed.iter();
        lines.extend(days.map(|day| format!("{verb} day {day} from the store")));
        lines.push(format!(
            "{} backups stay, {} go; {frees} {}",
            pruned.kept.len(),
            pruned.removed.len(),
            bytes(pruned.freed_bytes)
        ));
        lines.extend(pruned.notes.iter().cloned());
        lines.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}
