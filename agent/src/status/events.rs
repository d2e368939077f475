//! The events: how many, how fast, and those that wait.

use backup::RecorderStats;
use serde::{Deserialize, Serialize};

use super::files::Files;
use crate::documents::{ClockStep, Gap};

/// Events in numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Events {
    pub(crate) total: u64,
    pub(crate) per_second: f64,
    pub(crate) gaps: u64,
    /// A gap that has not ended; `to` is now.
    pub(crate) open_gap: Option<Gap>,
    /// Steps of the wall clock, in their order.
    pub(crate) clock_steps: Vec<ClockStep>,
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
            open_gap: files.open_gap.as_ref().map(Gap::open),
            clock_steps: files.clock_steps.iter().map(ClockStep::from).collect(),
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
