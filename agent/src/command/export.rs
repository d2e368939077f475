//! `export`: writes events out, whole files appearing whole.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use backup::{ExportOptions, Format};
use serde::Serialize;

use crate::cli::ExportFormat;
use crate::failure::{Failure, Outcome};
use crate::output::{self, Output};
use crate::settings::Settings;
use crate::{cli, moment, work};

/// A day, as `--days` counts.
const DAY_MS: i64 = 86_400_000;

#[derive(Serialize)]
struct Exported {
    events: u64,
    output: PathBuf,
}

pub(super) fn export(
    typed: &cli::Export,
    settings: &Settings,
    output: Output,
) -> Outcome<ExitCode> {
    let store = work::open_store(&settings.store.path)?;
    let now = moment::now();
    let since_ms = typed
        .days
        .map(|days| now - i64::from(days) * DAY_MS)
        .or(typed.start);
    let named = typed.output.as_deref().filter(|name| *name != "-");
    let by_name = named.and_then(ExportOptions::by_name);
    let asked = typed.format.map(|format| match format {
        ExportFormat::Json => Format::Json,
        ExportFormat::Jsonl => Format::JsonLines,
        ExportFormat::Csv => Format::Csv,
    });
    let options = ExportOptions {
        since_ms,
        until_ms: typed.end,
        format: asked
            .or(by_name.map(|(format, _)| format))
            .unwrap_or(Format::Json),
        gz: named.is_some_and(|name| name.ends_with(".gz")),
        exported_at_ms: now,
    };
    if typed.output.as_deref() == Some("-") {
        if output.is_json() {
            return Err(
                Failure::usage("--json and --output - both want standard output")
                    .hint("leave one of them out"),
            );
        }
        output.stream(|out| {
            let exported = backup::export(&store, &options, out);
            exported.map(drop).map_err(work::failure)
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = match named {
        Some(name) => PathBuf::from(name),
        None => default_path(settings, &options, now)?,
    };
    let events = whole_file(&path, |file| {
        backup::export(&store, &options, file).map_err(work::failure)
    })?;
    let exported = Exported {
        events,
        output: path,
    };
    output.result(&exported, || {
        format!(
            "{} exported to {}",
            output::events(events),
            exported.output.display()
        )
    });
    Ok(ExitCode::SUCCESS)
}

/// Beside the backups, where the original's guide looks for exports.
fn default_path(settings: &Settings, options: &ExportOptions, now: i64) -> Outcome<PathBuf> {
    let ending = match options.format {
        Format::Json => "json",
        Format::JsonLines => "jsonl",
        Format::Csv => "csv",
    };
    std::fs::create_dir_all(&settings.backup.path)?;
    let stamp = moment::rfc3339(now).replace([':', '.'], "-");
    Ok(settings
        .backup
        .path
        .join(format!("events-export-{stamp}.{ending}")))
}

/// Writes beside the place, then puts the file there whole; what was there stays until then.
fn whole_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Outcome<u64>) -> Outcome<u64> {
    let failed = |error: std::io::Error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()))
            .hint("check that the folder exists, is writable and has room")
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // What the system said, without the name of the file beside, which says nothing to anybody.
    let made = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
    let mut file = made.map_err(|error| failed(error.kind().into()))?;
    let events = write(file.as_file_mut())?;
    file.as_file().sync_all().map_err(failed)?;
    std::fs::set_permissions(
        file.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(events)
}
