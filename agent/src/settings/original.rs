//! The layer of the original's `qsys-core.config.json`: host and log-on data of the Core.

use std::path::Path;

use serde::Deserialize;

use super::layer;
use super::values::{Pin, Settings};
use crate::failure::{Failure, Outcome};

/// The original speaks WebSocket on this port; QRC has its own.
const WEBSOCKET_PORT: u16 = 443;

#[derive(Debug, Deserialize)]
struct File {
    #[serde(rename = "qsysCore")]
    core: Core,
}

#[derive(Debug, Deserialize)]
struct Core {
    #[serde(default)]
    host: String,
    port: Option<u16>,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// Lays the file over the settings. Members that only the original needs are ignored.
pub(super) fn apply(settings: &mut Settings, path: &Path) -> Outcome<()> {
    let text = layer::read(path, "", layer::MEND)?;
    let file: File = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{}: {error}", path.display())).hint(
            "expected {\"qsysCore\": {\"host\": …, \"username\": …, \"password\": …}}; \
             correct the file or move it away",
        )
    })?;
    let core = &mut settings.core;
    if !file.core.host.is_empty() {
        core.host = Some(file.core.host);
    }
    if let Some(port) = file.core.port.filter(|port| *port != WEBSOCKET_PORT) {
        core.port = port;
    }
    core.user = file.core.username;
    if !file.core.password.is_empty() {
        core.pin = Some(Pin(file.core.password));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Outcome<Settings> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("qsys-core.config.json");
        std::fs::write(&path, text).unwrap();
        let mut settings = Settings::default();
        apply(&mut settings, &path).map(|()| settings)
    }

    #[test]
    fn the_core_is_taken_over_but_not_the_websocket_port() {
        let settings = read(
            r#"{"qsysCore": {"host": "10.0.0.9", "port": 443, "username": "wall",
                "password": "4071", "connectionSettings": {"timeout": 1}}}"#,
        )
        .unwrap();
        assert_eq!(settings.core.host.as_deref(), Some("10.0.0.9"));
        assert_eq!(settings.core.port, 1710);
        assert_eq!(settings.core.user, "wall");
        assert_eq!(settings.core.pin, Some(Pin("4071".to_owned())));
    }

    #[test]
    fn a_broken_file_names_the_place() {
        let failure = read("{\"qsysCore\": {\n\"host\": 7}}").unwrap_err();
        assert!(
            failure.message().contains("line 2"),
            "{}",
            failure.message()
        );
    }
}
