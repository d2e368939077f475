//! The recoverable range: which moments a restore can reach now.

use serde::{Deserialize, Serialize};

use super::files::Files;
use crate::documents::Gap;
use crate::moment::{Moment, Seconds};

/// Every moment between `from` and `to`, save in `gaps`, can be restored now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Recoverable {
    pub(crate) from: Option<Moment>,
    pub(crate) to: Option<Moment>,
    pub(crate) gaps: Vec<Gap>,
}

impl Recoverable {
    pub(super) fn of_files(files: &Files) -> Self {
        let proved = || files.backups.iter().filter(|backup| backup.verified);
        let from = proved().filter_map(|backup| backup.from_ms).min();
        // Segments only add to a backup.
        let proved_to = proved().filter_map(|backup| backup.to_ms).max();
        let to = proved_to.map(|to| {
            let to = files.shipped_to.map_or(to, |shipped| shipped.max(to));
            let to = files.in_memory_from.map_or(to, |from| from.min(to));
            // A clock that was set back makes what is in memory earlier than the record.
            from.map_or(to, |from| from.max(to))
        });
        let gaps = files.gaps.iter();
        let within = gaps.filter(|gap| Some(gap.to_ms) >= from && Some(gap.from_ms) <= to);
        Self {
            gaps: within.map(Gap::from).collect(),
            from: from.map(Moment::at),
            to: to.map(Moment::at),
        }
    }

    /// The writing that the archive does not hold: from its end to the last change.
    pub(super) fn rpo(&self, files: &Files) -> Option<Seconds> {
        rpo(files.received_to(), self.to.map(Moment::ms))
    }
}

/// `None` where no backup holds any of it.
fn rpo(received_to: Option<i64>, archived_to: Option<i64>) -> Option<Seconds> {
    match (received_to, archived_to) {
        (None, _) => Some(Seconds::default()),
        (Some(received), Some(archived)) => Some(Seconds::between(archived, received)),
        (Some(_), None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_counts_from_the_end_of_the_archive_to_the_last_change() {
        assert_eq!(rpo(None, None), Some(Seconds(0.0)));
        assert_eq!(rpo(Some(40_000), None), None);
        assert_eq!(rpo(Some(40_000), Some(40_000)), Some(Seconds(0.0)));
        assert_eq!(rpo(Some(40_000), Some(30_000)), Some(Seconds(10.0)));
    }
}
