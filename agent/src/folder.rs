//! Folders that the settings or the user named: makes one, and looks whether one is there.

use std::io::ErrorKind;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// Makes a folder where it is missing. `what` names it in the error; `other` says how to choose another one.
pub(crate) fn make(path: &Path, what: &str, other: &str) -> Outcome<()> {
    backup::make_folder(path).map_err(|error| {
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

/// Whether anything is there. What cannot be looked at is not taken for absent.
pub(crate) fn is_there(path: &Path) -> Outcome<bool> {
    path.try_exists().map_err(|error| unseen(path, &error))
}

/// What to say of a path that cannot be looked at.
pub(crate) fn unseen(path: &Path, error: &std::io::Error) -> Failure {
    // The last folder that can be seen is the one that lets nobody further in.
    let mut above = path.ancestors();
    let at = above
        .find(|folder| folder.metadata().is_ok())
        .unwrap_or(path)
        .display();
    let (found, mend) = match error.kind() {
        ErrorKind::PermissionDenied => (
            format!("permission denied at {at}"),
            "run this command as the user that owns it, or as root",
        ),
        ErrorKind::NotADirectory => (
            format!("{at} is a file, where a folder should be"),
            "move that file away, or name another folder",
        ),
        _ => (error.to_string(), "check that path and its disk"),
    };
    Failure::failed(format!("{}: cannot be read: {found}", path.display())).hint(mend)
}
