//! What an archive holds of a store's record that the store lacks: they have parted.

use std::fmt;

/// A store that is an older copy of itself, or another copy of which was recorded into. Whatever it records from here on belongs
/// to another history, so that neither record is taken for the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting {
    /// The last moment that the archive covers and the store does not, as RFC 3339.
    pub(crate) archive_to: String,
    /// The newest backup that reaches there, alone or with the segments after it.
    pub(crate) backup: Option<String>,
    /// The histories there that the store does not know.
    pub(crate) unknown: Vec<u64>,
}

/// How the reason of a history begins that a parting began.
pub(crate) const PUT_BACK: &str =
    "the store was put back to an older copy, or a copy of it was recorded into elsewhere";

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{PUT_BACK}; what was recorded until {} is in ",
            self.archive_to
        )?;
        match &self.backup {
            Some(id) => write!(f, "backup {id}"),
            None => f.write_str("the archive's segments"),
        }
    }
}
