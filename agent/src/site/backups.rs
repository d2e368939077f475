//! Makes a backup, or proves the newest one again; after both, removes what is beyond the limits.

use std::path::Path;

use backup::{Archive, BackupInfo, Report, SettingsFile, SettingsSource};

use super::{Site, Source, TimeBy};
use crate::failure::Outcome;

impl Site {
    /// Makes and proves a backup, then removes what is beyond the limits. `plugin` is what the plugin says of itself.
    pub(crate) fn backup(
        &self,
        time: TimeBy,
        plugin: Option<SettingsFile>,
        progress: &dyn backup::Progress,
    ) -> Outcome<BackupInfo> {
        let archive = self.archive()?;
        let made = self.backup_into(&archive, plugin, progress)?;
        self.remove_old_after(&archive, time);
        Ok(made)
    }

    /// Makes and proves a backup, and removes nothing.
    pub(super) fn backup_into(
        &self,
        archive: &Archive,
        plugin: Option<SettingsFile>,
        progress: &dyn backup::Progress,
    ) -> Outcome<BackupInfo> {
        let files: Vec<SettingsFile> = self
            .settings
            .files
            .iter()
            .filter_map(|path| settings_file(path))
            .chain(plugin)
            .collect();
        let store = self.store()?;
        Ok(self.together(|| archive.backup(&store, &files, progress))?)
    }

    /// Proves a backup again, then removes what is beyond the limits by now.
    pub(crate) fn prove_again(&self, time: TimeBy, id: &str) -> Outcome<Report> {
        let proved = self.verify(Some(&Source::Backup(id.to_owned())), false)?;
        if proved.ok {
            self.remove_old_after(&self.archive()?, time);
        }
        Ok(proved)
    }
}

fn settings_file(path: &Path) -> Option<SettingsFile> {
    // The record is backed up all the same.
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(file = %path.display(), "settings file is gone and not in this backup");
            return None;
        }
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "settings file cannot be looked at and is not in this backup");
            return None;
        }
    }
    Some(SettingsFile {
        name: path.file_name()?.to_string_lossy().into_owned(),
        source: SettingsSource::File(path.to_owned()),
    })
}
