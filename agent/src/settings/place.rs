//! Where settings are read from, and what their paths are relative to: a path in a file to the file's folder, any
//! other path to the working directory.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::layer;
use crate::failure::{Failure, Outcome};

/// Read from the working directory when no file is named.
const DEFAULT_FILE: &str = "qsys-agent.toml";

/// The settings file, if there is one, and the folder for its paths and for the files beside it.
#[derive(Debug)]
pub(super) struct Place {
    /// As it was typed, for messages.
    pub(super) file: Option<PathBuf>,
    /// The file's folder as it was typed, or as a link to the file gives it, for messages; empty for the working directory.
    named_folder: PathBuf,
    folder: PathBuf,
}

impl Place {
    /// The place of the named file, else of the one in the working directory, else the working directory alone.
    pub(super) fn of(named: Option<&Path>) -> Outcome<Self> {
        let file = match named {
            Some(named) => Some(named.to_owned()),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|file| layer::is_there(file)),
        };
        let own = file.as_deref().map(own_path);
        let named_folder = own
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""));
        Ok(Self {
            named_folder: named_folder.to_owned(),
            folder: absolute(named_folder)?,
            file,
        })
    }

    /// A file of this name beside the settings file; `None` where there is none.
    pub(super) fn beside(&self, name: &str) -> Option<PathBuf> {
        Some(self.named_folder.join(name)).filter(|file| layer::is_there(file))
    }

    /// Where a path leads that stands in a file of this place.
    pub(super) fn path(&self, written: &Path) -> PathBuf {
        in_folder(&self.folder, written)
    }
}

/// A working directory that is gone matters only where it is needed.
fn absolute(folder: &Path) -> Outcome<PathBuf> {
    let whole = match folder.is_absolute() {
        true => folder.to_owned(),
        false => {
            let working = std::env::current_dir().map_err(|error| {
                Failure::failed(format!("cannot tell the working directory: {error}"))
                    .hint("change to a folder that is there, or give the full path to --config")
            })?;
            working.join(folder)
        }
    };
    Ok(std::path::absolute(whole)?)
}

/// The path of the file itself where a link to it was named: the site is where the file lies.
fn own_path(file: &Path) -> Cow<'_, Path> {
    match file.is_symlink().then(|| file.canonicalize()) {
        Some(Ok(own)) => own.into(),
        // A link that leads nowhere is told of when it is read.
        _ => file.into(),
    }
}

/// The path from a folder, without `.` steps.
fn in_folder(folder: &Path, written: &Path) -> PathBuf {
    let path = folder.join(written);
    std::path::absolute(&path).unwrap_or(path)
}

/// Where a path leads that stands in a variable of the environment.
pub(super) fn from_working_directory(written: &Path) -> PathBuf {
    std::path::absolute(written).unwrap_or_else(|_| written.to_owned())
}
