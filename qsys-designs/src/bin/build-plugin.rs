//! Writes the built plugin: `cargo run -p qsys-designs --bin build-plugin [FILE]`.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program's one place to speak

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments
        .next()
        .map_or_else(|| PathBuf::from(qsys_designs::PLUGIN_FILE), PathBuf::from);
    if arguments.next().is_some() || path.as_os_str().to_string_lossy().starts_with('-') {
        eprintln!(
            "usage: build-plugin [FILE]   (default: {})",
            qsys_designs::PLUGIN_FILE
        );
        return ExitCode::from(2);
    }
    match qsys_designs::write_plugin(&path) {
        Ok(()) => {
            println!("wrote {}", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!(
                "cannot write {}: {error}; choose a folder you may write to",
                path.display()
            );
            ExitCode::FAILURE
        }
    }
}
