//! Makes a folder that the settings or the user named.

use std::io::ErrorKind;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// Makes a folder where it is missing. `what` names it in the error; `other` says how to choose another one.
pub(crate) fn make(path: &Path, what: &str, other: &str) -> Outcome<()> {
    std::fs::create_dir_all(path).map_err(|error| {
        let (found, mend) = match error.kind() {
            ErrorKind::AlreadyExists => ("a file has that name".to_owned(), "move that file away"),
            ErrorKind::NotADirectory => (
                "a file stands where a folder above it should be".to_owned(),
                "move that file away",
            ),
            _ => (error.to_string(), "make it writable for this user"),
        };
        Failure::failed(format!("cannot make {what} {}: {found}", path.display()))
            .hint(format!("{mend}, or {other}"))
    })
}
