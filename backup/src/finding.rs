//! One thing that is wrong in an archive: its place, what was expected, what was found, and the next step.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The problem of a finding that speaks of the disk to work on and not of a backup.
pub(crate) const NO_ROOM: &str = "no room to work";

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, in a few words: `missing`, `cut short`, `altered`, `not a manifest`, `newer format`, ...
    pub problem: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What to do next.
    pub hint: String,
}

impl Finding {
    pub(crate) fn new(path: &Path, problem: &str) -> Finding {
        Finding {
            path: path.to_path_buf(),
            problem: problem.into(),
            expected: String::new(),
            found: String::new(),
            hint: String::new(),
        }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Finding {
        self.expected = expected.into();
        self
    }

    pub(crate) fn found(mut self, found: impl Into<String>) -> Finding {
        self.found = found.into();
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = hint.into();
        self
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.problem)?;
        if !self.found.is_empty() {
            write!(f, ": found {}", self.found)?;
        }
        if !self.expected.is_empty() {
            write!(f, ", expected {}", self.expected)?;
        }
        Ok(())
    }
}
