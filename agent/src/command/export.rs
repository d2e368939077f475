//! `export`: writes events out. A file appears only when it is complete.

use std::path::PathBuf;
use std::process::ExitCode;

use backup::{ExportOptions, Format};
use serde::Serialize;

use crate::command::cli;
use crate::command::cli::ExportFormat;
use crate::command::events::warn_of_repeated;
use crate::command::output::Output;
use crate::failure::{Failure, Outcome};
use crate::moment::{self, Moment};
use crate::site::Site;
use crate::words;

/// A day, as `--days` counts.
const DAY_MS: i64 = 86_400_000;

#[derive(Serialize)]
struct Exported {
    events: u64,
    output: PathBuf,
}

pub(super) fn export(typed: &cli::Export, site: &Site, output: Output) -> Outcome<ExitCode> {
    let store = site.store()?;
    let now = moment::now();
    let since_ms = typed
        .days
        .map(|days| now - i64::from(days) * DAY_MS)
        .or(typed.start);
    for ms in [since_ms, typed.end].into_iter().flatten() {
        warn_of_repeated(&store, ms)?;
    }
    let named = typed.output.as_deref().filter(|name| *name != "-");
    let options = ExportOptions {
        since_ms,
        until_ms: typed.end,
        format: format(typed.format, named)?,
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
            Ok(exported.map(drop)?)
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = match named {
        Some(name) => PathBuf::from(name),
        None => default_path(site, &options, now)?,
    };
    let events = backup::export_to_file(&store, &options, &path)?;
    let exported = Exported {
        events,
        output: path,
    };
    output.result(&exported, || {
        format!(
            "{} exported to {}",
            words::events(events),
            exported.output.display()
        )
    });
    Ok(ExitCode::SUCCESS)
}

/// The format asked for, else the one that the output's name says.
fn format(asked: Option<ExportFormat>, named: Option<&str>) -> Outcome<Format> {
    match (asked, named) {
        (Some(ExportFormat::Json), _) | (None, None) => Ok(Format::Json),
        (Some(ExportFormat::Jsonl), _) => Ok(Format::JsonLines),
        (Some(ExportFormat::Csv), _) => Ok(Format::Csv),
        (None, Some(name)) => match ExportOptions::by_name(name) {
            Some((format, _)) => Ok(format),
            None => Err(Failure::usage(format!(
                "the name {name} does not say which format to write, expected .json, .jsonl or .csv (each also .gz)"
            ))
            .hint("name it so, or add `--format`")),
        },
    }
}

/// A file beside the backups, where the original's guide looks for exports.
fn default_path(site: &Site, options: &ExportOptions, now: i64) -> Outcome<PathBuf> {
    let ending = match options.format {
        Format::Json => "json",
        Format::JsonLines => "jsonl",
        Format::Csv => "csv",
    };
    backup::make_folder(site.archive_path())?;
    let stamp = Moment::at(now).to_string().replace([':', '.'], "-");
    Ok(site
        .archive_path()
        .join(format!("events-export-{stamp}.{ending}")))
}
