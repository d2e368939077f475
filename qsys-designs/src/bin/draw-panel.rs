//! Draws every page of the plugin's panel: `cargo run -p qsys-designs --bin draw-panel [FOLDER]`.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program's one place to speak

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")),
        PathBuf::from,
    );
    let pictures = match qsys_designs::example_pictures() {
        Ok(pictures) => pictures,
        Err(error) => {
            eprintln!("cannot draw: {error}");
            return ExitCode::FAILURE;
        }
    };
    for (name, svg) in pictures {
        let path = folder.join(name);
        if let Err(error) = std::fs::write(&path, svg) {
            eprintln!(
                "cannot write {}: {error}; name a folder you may write to",
                path.display()
            );
            return ExitCode::FAILURE;
        }
        println!("wrote {}", path.display());
    }
    ExitCode::SUCCESS
}
