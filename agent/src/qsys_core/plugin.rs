//! Which plugin serves the panel, as it says itself. Each backup holds this.

use backup::{SettingsFile, SettingsSource};
use serde::Serialize;

/// Its name in a backup.
const PART: &str = "plugin.json";

/// The plugin in the design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Plugin {
    pub(crate) code_name: String,
    /// The text of its control `VersionText`.
    pub(crate) version: String,
}

impl Plugin {
    pub(crate) fn settings_file(&self) -> SettingsFile {
        SettingsFile {
            name: PART.to_owned(),
            source: SettingsSource::Text(serde_json::json!(self).to_string()),
        }
    }
}
