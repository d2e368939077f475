//! The log: to standard error, as detailed as asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::command::cli::Global;

/// Starts the log. `usual` is the level without `-v` and `-q`; `RUST_LOG` outranks all.
pub(crate) fn start(global: &Global, usual: &str) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => usual,
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // The library looks at the variable itself, but not where this is set.
    let plain = std::env::var_os("NO_COLOR");
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && plain.is_none_or(|said| said.is_empty()))
        .with_target(global.verbose > 0);
    // A second start (tests in one process) changes nothing.
    let _ = log.try_init();
}
