//! The verbs, a file each, and how each is run.

mod cli;
mod logging;
mod output;
mod runtime;
mod terminal;

#[cfg(feature = "demo")]
mod simulated;
mod through_agent;

mod open_gap;

mod audit;
mod backup;
mod check;
mod completions;
#[cfg(feature = "demo")]
mod demo;
mod diff;
#[cfg(feature = "demo")]
mod emulate;
mod events;
mod export;
mod import;
mod list;
mod prune;
mod restore;
mod run;
mod state;
mod status;
mod undo;
mod verify;
#[cfg(not(feature = "demo"))]
mod without_demo;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::advice;
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use crate::site::Site;
use cli::{CONFIG_VARIABLE, Cli, Command};
use output::Output;

/// Runs the program on the process's arguments; the exit code is 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        #[cfg(not(feature = "demo"))]
        Err(error) if without_demo::is_meant_by(&error) => {
            let json = std::env::args_os().any(|typed| typed == "--json");
            return Output::new(json, false).failure(&without_demo::failure());
        }
        Err(error) if error.use_stderr() && check_is_typed() => {
            let json = std::env::args_os().any(|typed| typed == "--json");
            let output = Output::new(json, false);
            return check::check(Err(usage(&error)), output)
                .unwrap_or_else(|failure| output.failure(&failure));
        }
        Err(error) if error.use_stderr() && std::env::args_os().any(|typed| typed == "--json") => {
            return Output::new(true, false).failure(&usage(&error));
        }
        Err(error) => {
            // Help and version also come here; clap knows where to print them and the exit code.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let output = Output::new(cli.global.json, cli.global.quiet);
    run(cli, output).unwrap_or_else(|failure| output.failure(&failure))
}

/// Reads the command line. A variable that is set to nothing counts as unset.
fn parse() -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    if std::env::var_os(CONFIG_VARIABLE).is_some_and(|value| value.is_empty()) {
        command = command.mut_arg("config", |config| config.env(None::<&str>));
    }
    Cli::from_arg_matches(&command.try_get_matches()?)
}

/// Whether the verb is `check`, whatever is wrong with the rest: a monitoring system reads its exit code.
fn check_is_typed() -> bool {
    let mut typed = std::env::args_os().skip(1);
    while let Some(word) = typed.next() {
        if word == "--config" {
            typed.next();
        } else if !word.to_string_lossy().starts_with('-') {
            return word == "check";
        }
    }
    false
}

/// What is wrong with the command line, as one sentence for programs.
fn usage(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    // What follows explains the usage.
    let message = text.split("\n\nUsage:").next().unwrap_or(&text);
    let message = message.split("\n\nFor more").next().unwrap_or(message);
    let message = message.strip_prefix("error: ").unwrap_or(message);
    Failure::usage(message.trim_end()).hint("`qsys-agent help` tells what can be typed")
}

/// Runs a verb.
fn run(cli: Cli, output: Output) -> Outcome<ExitCode> {
    let usual = match cli.command {
        Command::Run => "info",
        #[cfg(feature = "demo")]
        Command::Emulate(_) => "info",
        _ => "warn",
    };
    logging::start(&cli.global, usual);
    if let Some(file) = &cli.global.config {
        advice::name_settings_file(file);
    }
    let site = || Settings::load(cli.global.config.as_deref()).map(Site::new);
    match cli.command {
        #[cfg(feature = "demo")]
        Command::Demo(typed) => demo::demo(typed, output),
        Command::Run => run::run(site()?, output),
        #[cfg(feature = "demo")]
        Command::Emulate(typed) => emulate::emulate(&typed, &site()?.settings, output),
        Command::Status => status::status(&site()?, output),
        Command::Check => check::check(site(), output),
        Command::Backup => backup::backup(&site()?, output),
        Command::List => list::list(&site()?, output),
        Command::Verify(typed) => verify::verify(&typed, &site()?, output),
        Command::Restore(typed) => restore::restore(&typed, &site()?, output),
        Command::Undo(typed) => undo::undo(&typed, &site()?, output),
        Command::Export(typed) => export::export(&typed, &site()?, output),
        Command::Import(typed) => import::import(&typed, &site()?, output),
        Command::Events(typed) => events::events(&typed, &site()?, output),
        Command::State(typed) => state::state(&typed, &site()?, output),
        Command::Diff(typed) => diff::diff(&typed, &site()?, output),
        Command::Audit(typed) => audit::audit(&typed, &site()?, output),
        Command::Prune(typed) => prune::prune(&typed, &site()?, output),
        Command::Completions { shell } => completions::completions(shell, output),
        Command::Rewind(_) => Err(not_yet(
            "rewind",
            format!(
                "`{}` shows how the room was",
                advice::command("state --at TIME")
            ),
        )),
        Command::Drill => Err(not_yet(
            "drill",
            format!("prove backups with `{}`", advice::command("verify --deep")),
        )),
    }
}

/// What this version says of a verb that it does not have yet.
fn not_yet(what: &str, instead: String) -> Failure {
    Failure::usage(format!("`{what}` is not supported yet")).hint(instead)
}
