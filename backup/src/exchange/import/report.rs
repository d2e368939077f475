//! What became of the events of an import.

use crate::store::day::Day;

/// Reasons kept for the report.
const REASONS: usize = 10;

/// How many events were added, and which were not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Events that are new in the store.
    pub added: u64,
    /// Events that were there already.
    pub skipped: u64,
    /// Events that cannot be stored.
    pub rejected: u64,
    /// Why, for the first few.
    pub first_reasons: Vec<String>,
    /// The days that got new events.
    pub days: Vec<Day>,
}

impl ImportReport {
    pub(crate) fn reject(&mut self, reason: String) {
        self.rejected += 1;
        if self.first_reasons.len() < REASONS {
            self.first_reasons.push(reason);
        }
    }
}
