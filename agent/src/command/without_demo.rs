//! What a program that was built without the feature `demo` says to whoever types `demo` or `emulate`.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::Failure;

/// The verbs that it does not have.
const VERBS: [&str; 2] = ["demo", "emulate"];

/// True where the command line is wrong for want of one of these verbs alone.
pub(super) fn is_meant_by(error: &clap::Error) -> bool {
    let typed = error.get(ContextKind::InvalidSubcommand);
    let is_verb =
        matches!(typed, Some(ContextValue::String(verb)) if VERBS.contains(&verb.as_str()));
    error.kind() == ErrorKind::InvalidSubcommand && is_verb
}

pub(super) fn failure() -> Failure {
    Failure::usage(
        "this program was built without the simulated Core that `demo` and `emulate` run",
    )
    .hint("`cargo build --release -p agent`, without --no-default-features, builds one that has it")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::command::cli::Cli;

    #[test]
    fn its_verbs_are_known_with_whatever_follows_them_and_no_others_are() {
        let is_meant = |typed: &[&str]| {
            let error = Cli::try_parse_from([&["qsys-agent"], typed].concat()).unwrap_err();
            is_meant_by(&error)
        };
        assert!(is_meant(&["demo"]));
        assert!(is_meant(&["demo", "--seconds", "30", "--json"]));
        assert!(is_meant(&["--quiet", "emulate", "--qrc", "127.0.0.1:0"]));
        assert!(is_meant(&["help", "demo"]));
        assert!(!is_meant(&["demon"]));
        assert!(!is_meant(&["status", "demo"]));
        assert!(!is_meant(&["--help"]));
    }
}
