//! The recoverable range: which moments a restore can reach now.

use serde::{Deserialize, Serialize};

use super::files::Files;
use crate::documents::Gap;
use crate::moment::{self, Moment, Seconds};

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

    /// The writing that the archive does not hold: from its end to the last change. Where the newest backup does not lead to
    /// what the store holds, at least the time since then.
    pub(super) fn rpo(&self, files: &Files) -> Option<Seconds> {
        let unanchored = files.unanchored_since;
        let unanchored = unanchored.map(|since| Seconds::between(since, moment::now()));
        rpo(files.received_to(), self.to.map(Moment::ms), unanchored)
    }
}

/// `None` where no backup holds any of it.
fn rpo(
    received_to: Option<i64>,
    archived_to: Option<i64>,
    unanchored: Option<Seconds>,
) -> Option<Seconds> {
    let behind = match (received_to, archived_to) {
        (None, _) => Some(Seconds::default()),
        (Some(received), Some(archived)) => Some(Seconds::between(archived, received)),
        (Some(_), None) => None,
    };
    let longer = |behind: Seconds| match unanchored {
        Some(unanchored) if unanchored.0 > behind.0 => unanchored,
        _ => behind,
    };
    behind.map(longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_counts_from_the_end_of_the_archive_to_the_last_change() {
        assert_eq!(rpo(None, None, None), Some(Seconds(0.0)));
        assert_eq!(rpo(Some(40_000), None, None), None);
        assert_eq!(rpo(Some(40_000), Some(40_000), None), Some(Seconds(0.0)));
        assert_eq!(rpo(Some(40_000), Some(30_000), None), Some(Seconds(10.0)));
    }

    #[test]
    fn a_backup_that_does_not_lead_to_what_the_store_holds_covers_nothing_since() {
        let since = |seconds| Some(Seconds(seconds));
        assert_eq!(rpo(Some(40_000), Some(50_000), since(7.0)), since(7.0));
        assert_eq!(rpo(Some(40_000), Some(20_000), since(7.0)), since(20.0));
        assert_eq!(rpo(Some(40_000), None, since(7.0)), None);
    }
}
