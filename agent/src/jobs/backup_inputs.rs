//! A fingerprint of all that a backup would hold. If two are equal, nothing new came between them.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::qsys_core::Plugin;
use crate::settings::Settings;

/// What was recorded, and which settings files there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackupInputs {
    committed: u64,
    gaps: u64,
    quarantined: u64,
    files: Vec<(PathBuf, Option<(u64, SystemTime)>)>,
    plugin: Option<Plugin>,
}

impl BackupInputs {
    /// The present fingerprint. It can be compared only within one run of the agent, as the recorder counts from its start.
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
