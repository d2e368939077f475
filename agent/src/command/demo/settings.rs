//! The settings of a demo: its own, and left as a file.

use std::path::Path;
use std::time::Duration;

use crate::advice;
use crate::command::simulated::Simulated;
use crate::failure::Outcome;
use crate::folder;
use crate::schedule::When;
use crate::settings::Settings;

/// The demo's own settings: no file and no variable of the user's changes it.
pub(super) fn own(data: &Path) -> Outcome<Settings> {
    folder::make(data, "the demo's folder", "give --data another one")?;
    let data = std::path::absolute(data)?;
    let mut settings = Settings::default();
    settings.store.path = data.join("events");
    settings.backup.path = data.join("backups");
    settings.backup.schedule.when = When::Every(Duration::from_secs(60));
    Ok(settings)
}

/// Points the settings at the simulated Core, and leaves them as a file, so that every
/// other verb can be tried on the demo's data.
pub(super) fn settle(
    mut settings: Settings,
    simulated: &Simulated,
    data: &Path,
) -> Outcome<Settings> {
    settings.core.host = Some(simulated.address.ip().to_string());
    settings.core.port = simulated.address.port();
    let mut file = toml::Table::new();
    let table = |entries: &[(&str, toml::Value)]| {
        let entries = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        toml::Value::Table(entries.collect())
    };
    let text = |path: &Path| toml::Value::String(path.display().to_string());
    file.insert(
        "core".to_owned(),
        table(&[
            (
                "host",
                toml::Value::String(simulated.address.ip().to_string()),
            ),
            (
                "port",
                toml::Value::Integer(i64::from(simulated.address.port())),
            ),
        ]),
    );
    file.insert(
        "store".to_owned(),
        table(&[("path", text(&settings.store.path))]),
    );
    file.insert(
        "backup".to_owned(),
        table(&[
            ("path", text(&settings.backup.path)),
            ("every", toml::Value::String("60s".to_owned())),
        ]),
    );
    let path = std::path::absolute(data)?.join("qsys-agent.toml");
    std::fs::write(&path, file.to_string())?;
    advice::name_settings_file(&path);
    settings.files.push(path);
    Ok(settings)
}
