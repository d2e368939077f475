//! `qsys-agent`: records, backs up and restores the control history of a Q-SYS Core.
//!
//! Data goes one way: the Core's changes (`qrc`) are recorded into the store (`backup`), backed up into the
//! archive, and what came of it goes back to the plugin in the Core. The modules below stand in that order.

mod cli;
mod failure;
mod moment;
mod schedule;
mod settings;

mod documents;
mod output;
mod shown;

mod core;
mod facts;
mod record;

mod audit;
mod local_socket;
mod site;

mod shipping;

mod damage;
mod extent;
mod jobs;

mod counts;
mod parts;
mod plugin;
mod status;

mod gather;

mod answers;
mod panel;
mod service;

mod simulated;

mod command;
mod logging;

use std::process::ExitCode;

use clap::Parser;

/// Runs the program on the process's arguments; the exit code is 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && std::env::args_os().any(|typed| typed == "--json") => {
            return output::Output::new(true, false).failure(&usage(&error));
        }
        Err(error) => {
            // Help and version come this way, too; clap knows where each goes and its code.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let output = output::Output::new(cli.global.json, cli.global.quiet);
    command::run(cli, output).unwrap_or_else(|failure| output.failure(&failure))
}

/// What is wrong with the command line, for programs.
fn usage(error: &clap::Error) -> failure::Failure {
    let text = error.render().to_string();
    // The rest is how to type it.
    let message = text.split("\n\nUsage:").next().unwrap_or(&text);
    let message = message.split("\n\nFor more").next().unwrap_or(message);
    let message = message.strip_prefix("error: ").unwrap_or(message);
    failure::Failure::usage(message.trim_end()).hint("`qsys-agent help` tells what can be typed")
}
