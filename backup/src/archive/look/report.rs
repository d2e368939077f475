//! What a check covers and what it found.

use serde::Serialize;

use crate::finding::Finding;

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
    /// Number of backups checked, those of the original among them.
    pub backups: u64,
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
            backups: 0,
            checked,
            findings,
            notes: Vec::new(),
        }
    }
}
