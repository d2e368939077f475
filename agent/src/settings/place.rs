//! Where settings are read from, and what a path in them is relative to: the folder of the file that says it, and the
//! working directory only for what stands in no file.

use std::path::{Path, PathBuf};

use crate::failure::Outcome;

/// The file that is read when none is named, from the working directory.
const DEFAULT_FILE: &str = "qsys-agent.toml";

/// The settings file, where there is one, and the folder that paths and other files are looked for in.
#[derive(Debug)]
pub(super) struct Place {
    /// As it was named, for messages.
    pub(super) file: Option<PathBuf>,
    /// As the file was named, for messages; empty for the working directory.
    named_folder: PathBuf,
    folder: PathBuf,
}

impl Place {
    /// The place of the named file, else of the one in the working directory, else the working directory alone.
    pub(super) fn of(named: Option<&Path>) -> Outcome<Self> {
        let file = match named {
            Some(named) => Some(named.to_owned()),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()),
        };
        let named_folder = file
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""));
        Ok(Self {
            named_folder: named_folder.to_owned(),
            folder: std::path::absolute(std::env::current_dir()?.join(named_folder))?,
            file,
        })
    }

    /// A file of this name beside the settings file; `None` where there is none.
    pub(super) fn beside(&self, name: &str) -> Option<PathBuf> {
        Some(self.named_folder.join(name)).filter(|file| file.exists())
    }

    /// What a path means that stands in a file of this place.
    pub(super) fn path(&self, written: &Path) -> PathBuf {
        in_folder(&self.folder, written)
    }
}

/// The path, seen from a folder, without the dots that lead nowhere.
fn in_folder(folder: &Path, written: &Path) -> PathBuf {
    let path = folder.join(written);
    std::path::absolute(&path).unwrap_or(path)
}

/// What a path means that stands in no file: a variable of the environment.
pub(super) fn from_working_directory(written: &Path) -> PathBuf {
    std::path::absolute(written).unwrap_or_else(|_| written.to_owned())
}
