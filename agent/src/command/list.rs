//! `list`: the backups, newest first.

use std::process::ExitCode;

use comfy_table::{CellAlignment, Table, presets};

use crate::command::output::Output;
use crate::documents::Backup;
use crate::failure::Outcome;
use crate::moment::Moment;
use crate::site::Site;
use crate::words::{bytes, count};

pub(super) fn list(site: &Site, output: Output) -> Outcome<ExitCode> {
    let backups = site.list()?;
    let documents: Vec<Backup> = backups.iter().map(Backup::from).collect();
    output.result(&documents, || {
        if backups.is_empty() {
            return format!(
                "No backups in {}: {}.",
                site.archive_path().display(),
                site.first_backup()
            );
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["Backup", "Events", "Size", "Reaches to", "Proof"]);
        for backup in &backups {
            table.add_row([
                backup.id.clone(),
                backup.events.map_or_else(|| "?".to_owned(), count),
                bytes(backup.bytes),
                (backup.to_ms.map(Moment::at)).map_or_else(|| "–".to_owned(), Moment::local),
                match (&backup.problem, backup.verified) {
                    (Some(_), _) => "DAMAGED".to_owned(),
                    (None, true) => "proved".to_owned(),
                    (None, false) => "none yet".to_owned(),
                },
            ]);
        }
        for numbers in [1, 2] {
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
        for backup in &backups {
            if let Some(problem) = &backup.problem {
                lines.push(format!("{}: {problem}", backup.id));
            }
        }
        lines.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}
