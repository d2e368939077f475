//! What was typed: the command line as it stands, before it meets settings or files.

#[cfg(feature = "demo")]
mod demo;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::moment;
#[cfg(feature = "demo")]
pub(crate) use demo::{Demo, Emulate};

/// What a TIME may be; stands below the help of each verb that takes one.
macro_rules! time {
    () => {
        "TIME is \"2026-11-23 19:55\" or 2026-11-23 (local time), RFC 3339 (2026-11-23T19:55:00Z),\n\
         Unix milliseconds, relative (-15m, -7d), or now."
    };
}

/// Names the settings file.
pub(crate) const CONFIG_VARIABLE: &str = "QSYS_AGENT_CONFIG";

/// Records every control change of a Q-SYS Core, backs the record up, proves
/// that the backups restore, and puts the record back to any past moment.
#[derive(Debug, Parser)]
#[command(name = "qsys-agent", version, propagate_version = true)]
#[command(
    after_help = concat!("Exit codes: 0 done, 1 failed, 2 wrong usage or settings.\n", time!())
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The heading of what every verb takes.
const GLOBAL: &str = "Global options";

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Settings file; paths in it are relative to its folder, where .env and qsys-core.config.json
    /// are looked for, too [default: qsys-agent.toml in the working directory, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = CONFIG_VARIABLE, help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,
    /// Print exactly one JSON document on standard output
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,
    /// Log more (-v debug, -vv trace); logs go to standard error
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows the whole loop on a simulated Core: record, back up, prove, press the panel
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Runs the service; SIGTERM or Ctrl-C drains and exits 0
    Run,
    /// Runs the simulated Core alone, for trying clients and panels
    #[cfg(feature = "demo")]
    Emulate(Emulate),
    /// Tells how the record, the backups and the link to the Core are
    Status,
    /// One line and exit code for a monitoring system: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
    Check,
    /// Makes a verified backup now, through the running agent if there is one
    Backup,
    /// Lists the backups, newest first
    List,
    /// Proves backups or databases readable; with nothing named, the whole archive
    Verify(Verify),
    /// Puts the record back to a backup, or to a moment
    #[command(after_help = time!())]
    Restore(Restore),
    /// Takes back the last restore, or shows what can be taken back
    Undo(Undo),
    /// Writes events to a file or to standard output
    #[command(after_help = time!())]
    Export(Export),
    /// Adds events from exports and databases; what is there already is skipped
    Import(Import),
    /// Shows recorded events: as lines, as they come, or as a picture of the day
    #[command(after_help = time!())]
    Events(Events),
    /// Shows how all controls stood at a moment
    #[command(after_help = time!())]
    State(State),
    /// Shows which controls differ between two moments, and how
    #[command(after_help = time!())]
    Diff(Diff),
    /// Puts the room back to a moment (not supported yet)
    #[command(after_help = time!())]
    Rewind(Rewind),
    /// Restores the newest backup into scratch, checks and times it (not supported yet)
    Drill,
    /// Removes the backups and the days that are beyond the limits of the settings
    Prune(Prune),
    /// Shows who asked for what, and what came of it
    #[command(after_help = time!())]
    Audit(Audit),
    /// Prints a completion script for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// `latest`, a backup's id as `list` shows it, or a database file (.db or .db.gz). A word with a
    /// `/` is a file; any other word is one only where a file here has that name and no backup has
    #[arg(value_name = "latest|BACKUP|FILE")]
    pub(crate) what: Option<String>,
    /// Restore into scratch and check every page too
    #[arg(long)]
    pub(crate) deep: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// `latest` (the newest backup and what was shipped since), a backup's id as `list` shows it, or
    /// a database file (.db or .db.gz). A word with a `/` is a file; any other word is one only where
    /// a file here has that name and no backup has
    #[arg(value_name = "latest|BACKUP|FILE")]
    pub(crate) what: String,
    /// The moment to restore to [default: the last one that the source holds]
    #[arg(long, value_name = "TIME", value_parser = moment::parse_time, allow_hyphen_values = true)]
    pub(crate) at: Option<backup::At>,
    /// Restore into this folder instead of the store
    #[arg(long, value_name = "DIR")]
    pub(crate) target: Option<PathBuf>,
    /// Show what would be gained and lost; touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Put back what is missing and keep what was recorded since
    #[arg(long)]
    pub(crate) keep_newer: bool,
    /// Drop events recorded since, and present files that cannot be read; undo brings them back
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// The step to take back [default: the newest restore; once all are taken back, the last undo]
    #[arg(value_name = "STEP")]
    pub(crate) step: Option<u64>,
    /// List the steps, and what each would bring and drop
    #[arg(long, conflicts_with_all = ["step", "dry_run", "force", "discard"])]
    pub(crate) list: bool,
    /// Show what would come back and go; touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Drop what was recorded since, too
    #[arg(long)]
    pub(crate) force: bool,
    /// Remove the step for good; with --force also one that no sound backup holds
    #[arg(long, requires = "step", conflicts_with = "dry_run")]
    pub(crate) discard: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Json,
    Jsonl,
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The last N days
    #[arg(long, value_name = "N", conflicts_with_all = ["start", "end"])]
    pub(crate) days: Option<u32>,
    /// From this moment on
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) start: Option<i64>,
    /// Up to and including this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) end: Option<i64>,
    /// json: one document, as the original agent writes it; jsonl: one event a line; csv: a table
    /// [default: as the output's name says]
    #[arg(long, value_enum)]
    pub(crate) format: Option<ExportFormat>,
    /// File to write (.gz compresses), or - for standard output
    /// [default: events-export-TIME.json beside the backups]
    #[arg(long, value_name = "FILE|-")]
    pub(crate) output: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Exports (.json, .jsonl, .csv, each also .gz) and databases (.db, .db.gz), also those of the
    /// original agent, whose files this one reads
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Which end of the record a page of events begins at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    Newest,
    Oldest,
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Only controls that match, e.g. "Main_Mixer.*" or "*mute*"; may be given more than once
    #[arg(long, value_name = "GLOB")]
    pub(crate) control: Vec<String>,
    /// Only events at or after this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) since: Option<i64>,
    /// Only events at or before this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) until: Option<i64>,
    /// At most this many: the newest, unless --order says otherwise
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// Page by page from one end [default: the newest, shown in the order they happened]
    #[arg(long, value_enum)]
    pub(crate) order: Option<Order>,
    /// The page after the event with this id
    #[arg(long, value_name = "ID", requires = "order")]
    pub(crate) after: Option<i64>,
    /// Go on with what is recorded from now on; with --json one document a line
    #[arg(long, conflicts_with_all = ["until", "order", "plot"])]
    pub(crate) follow: bool,
    /// A picture of how busy the room was [default: the last 24 hours]
    #[arg(long, conflicts_with_all = ["order", "limit"])]
    pub(crate) plot: bool,
    /// A table for programs: a header, then a line for each event
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only what was asked at or after this moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) since: Option<i64>,
    /// At most this many, the newest ones
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// A table for programs: a header, then a line for each request
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct State {
    /// The moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse_time, allow_hyphen_values = true, default_value = "now")]
    pub(crate) at: backup::At,
    /// Only controls that match; may be given more than once
    #[arg(long, value_name = "GLOB")]
    pub(crate) control: Vec<String>,
    /// A table for programs: a header, then a line for each control
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The first moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse_time, allow_hyphen_values = true)]
    pub(crate) from: backup::At,
    /// The second moment
    #[arg(long, value_name = "TIME", value_parser = moment::parse_time, allow_hyphen_values = true, default_value = "now")]
    pub(crate) to: backup::At,
    /// Only controls that match; may be given more than once
    #[arg(long, value_name = "GLOB")]
    pub(crate) control: Vec<String>,
    /// A table for programs: a header, then a line for each control
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rewind {
    /// The moment to put the room back to
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_hyphen_values = true)]
    pub(crate) to: Option<i64>,
    /// Only controls that match
    #[arg(long, value_name = "GLOB")]
    pub(crate) control: Option<String>,
    /// Fade levels over this many seconds
    #[arg(long, value_name = "S")]
    pub(crate) ramp: Option<f64>,
    /// Show what would change; touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Show what would go and what that frees; touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Say that the clock is right where it disagrees with the archive
    #[arg(long)]
    pub(crate) force: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
