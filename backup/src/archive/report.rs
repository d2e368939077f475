//! What a check found: every finding with its place, what was expected, what was found, and the next step.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;

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

impl From<Finding> for Error {
    fn from(finding: Finding) -> Error {
        Error::Unexpected {
            path: finding.path,
            found: format!("{} ({})", finding.problem, finding.found),
            expected: format!("{}; {}", finding.expected, finding.hint),
        }
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

/// How thoroughly to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Chain, sizes, hashes of all stored bytes, every gzip checksum, `quick_check` of every database.
    Quick,
    /// Also a real restore of each backup into scratch, `integrity_check`, the counts of what came back, and the state
    /// of all controls against the recorder's own digest.
    Deep,
}

/// What a verification checked and found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// No finding at all.
    pub ok: bool,
    /// Number of files checked.
    pub checked: u64,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
    /// What could not be compared, though nothing is known to be wrong.
    pub notes: Vec<String>,
}

impl Report {
    pub(crate) fn new(checked: u64, findings: Vec<Finding>) -> Report {
        Report {
            ok: findings.is_empty(),
            checked,
            findings,
            notes: Vec::new(),
        }
    }
}
