//! The events: how many, how fast, and those that wait.

use backup::RecorderStats;
use serde::{Deserialize, Serialize};

use super::files::Files;

/// Events in numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Events {
    pub(crate) total: u64,
    pub(crate) per_second: f64,
    pub(crate) gaps: u64,
    /// Changes received and not yet committed.
    pub(crate) queued: u64,
    /// Changes set aside because the store could not take them.
    pub(crate) quarantined: u64,
}

impl Events {
    pub(super) fn of_files(files: &Files) -> Self {
        Self {
            total: files.summary.events,
            gaps: files.summary.gaps,
            ..Self::default()
        }
    }

    pub(super) fn of_recorder(files: &Files, stats: &RecorderStats) -> Self {
        Self {
            per_second: stats.per_second,
            queued: stats.queued,
            quarantined: stats.quarantined,
            ..Self::of_files(files)
        }
    }
}
