//! Finding and reading the file of a layer. One that is there but cannot be read is never passed over: the defaults
//! would mean another site.

use std::io::ErrorKind;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// True unless nothing has this name. A link that leads nowhere has it, too.
pub(super) fn is_there(file: &Path) -> bool {
    match std::fs::symlink_metadata(file) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// The file's text. `what` is its name in messages, `next` what to do where it cannot be read.
pub(super) fn read(file: &Path, what: &str, next: &str) -> Outcome<String> {
    std::fs::read_to_string(file).map_err(|error| {
        let found = match std::fs::read_link(file) {
            Ok(target) => format!("it is a link to {}: {error}", target.display()),
            Err(_) => error.to_string(),
        };
        Failure::usage(format!("cannot read {what}{}: {found}", file.display())).hint(next)
    })
}

/// What to do with a file that was found, not named.
pub(super) const MEND: &str =
    "correct it so that this user can read it, or move it away to do without it";
