//! How far everything that goes into a backup had come at a moment: two that are equal have nothing new between them.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::plugin::Plugin;
use crate::settings::Settings;

/// What was recorded, and which settings files there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extent {
    committed: u64,
    gaps: u64,
    quarantined: u64,
    files: Vec<(PathBuf, Option<(u64, SystemTime)>)>,
    plugin: Option<Plugin>,
}

impl Extent {
    /// The present one. Within one run of the agent only: the recorder counts from its start.
    pub(crate) fn now(
        stats: &backup::RecorderStats,
        settings: &Settings,
        plugin: Option<Plugin>,
    ) -> Self {
        let stamp = |path: &PathBuf| {
            let meta = path.metadata().ok()?;
            Some((meta.len(), meta.modified().ok()?))
        };
        Self {
            committed: stats.committed,
            gaps: stats.gaps,
            quarantined: stats.quarantined,
            files: settings
                .files
                .iter()
                .map(|path| (path.clone(), stamp(path)))
                .collect(),
            plugin,
        }
    }
}
