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
mod work;

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
        Err(error) => {
            // Help and version come this way, too; clap knows where each goes and its code.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let output = output::Output::new(cli.global.json, cli.global.quiet);
    command::run(cli, output).unwrap_or_else(|failure| output.failure(&failure))
}
