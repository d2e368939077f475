//! What is restored or verified: the latest, a backup, or a file.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is restored or verified. A process that is told one has nothing left to look up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    /// The newest backup, and what was shipped since.
    Latest,
    /// A backup's id.
    Backup(String),
    /// A database file; the path is absolute.
    File(PathBuf),
}

/// As it stands in the audit.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Backup(id) => f.write_str(id),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
