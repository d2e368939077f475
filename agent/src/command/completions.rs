//! `completions`: a script for a shell, made from the command line itself.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::command::cli::Cli;
use crate::command::output::Output;
use crate::failure::Outcome;

pub(super) fn completions(shell: clap_complete::Shell, output: Output) -> Outcome<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "qsys-agent", &mut script);
    output.stream(|out| Ok(out.write_all(&script)?))?;
    Ok(ExitCode::SUCCESS)
}
