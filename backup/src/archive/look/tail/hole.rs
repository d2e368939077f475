//! Where the run of records after a backup breaks off, in words.

use std::fmt;
use std::path::{Path, PathBuf};

/// A break in the run of records.
#[derive(Debug)]
pub(crate) struct Hole {
    pub(super) what: String,
    /// `None` where no file is to blame.
    pub(super) cause: Option<Cause>,
}

/// What the break comes from.
#[derive(Debug)]
pub(super) enum Cause {
    /// This file is not there.
    Missing(PathBuf),
    /// This file is cut short or damaged.
    Incomplete(PathBuf),
    /// This file stands where another one should, which holds what is missing.
    Displaced { file: PathBuf, holder: PathBuf },
}

impl Hole {
    /// The file to look at.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.cause.as_ref().map(|cause| match cause {
            Cause::Missing(file) | Cause::Incomplete(file) | Cause::Displaced { file, .. } => {
                file.as_path()
            }
        })
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.cause {
            None => Ok(()),
            Some(Cause::Incomplete(file)) => {
                write!(f, ": {} is cut short or damaged", file.display())
            }
            Some(Cause::Missing(file)) => write!(f, ": {} is not there", file.display()),
            Some(Cause::Displaced { file, holder }) => {
                let (file, holder) = (file.display(), holder.display());
                write!(f, ": {file} begins after them, and {holder} holds them")
            }
        }
    }
}
