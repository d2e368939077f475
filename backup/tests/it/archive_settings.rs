//! Settings files under any name: stored safely, verified, and no reason for a backup to fail or not to restore.

use backup::{Depth, RestoreSource, SettingsFile, SettingsSource};

use crate::archive_stage::Stage;

#[test]
fn a_settings_file_of_any_name_is_stored_under_a_safe_one() {
    let stage = Stage::with(1, 100);
    let long = format!("{}.toml", "a".repeat(250));
    let names = [
        "my site.toml",
        "größe.toml",
        "..",
        ".env",
        "-rf 'x'\n.toml",
        &long,
    ];
    let settings = names.map(|name| SettingsFile {
        name: name.into(),
        source: SettingsSource::Text(format!("name = {name:?}\n")),
    });
    let made = stage.archive.backup(&stage.store, &settings, &()).unwrap();
    assert!(made.verified, "{made:?}");
    let entries = std::fs::read_dir(stage.backups_dir().join("settings")).unwrap();
    let stored = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stored: Vec<String> = stored.collect();
    assert_eq!(stored.len(), names.len());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    for name in &stored {
        assert!(name.len() < 120 && name.chars().all(plain), "{name}");
    }
    assert!(stored.iter().any(|name| name.ends_with("-my_site.toml")));
    // The manifest has the name as it is.
    let manifest = stage.backups_dir().join(format!("backup-{}.json", made.id));
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let told: Vec<&str> = manifest["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["name"].as_str().unwrap())
        .collect();
    assert_eq!(told, names);
    let report = stage.archive.verify(None, Depth::Deep);
    assert!(report.ok, "{report:?}");
    let target = stage.dir.path().join("new");
    let plan = stage
        .archive
        .plan(RestoreSource::Latest, None, &target)
        .unwrap();
    assert_eq!(plan.build(&()).unwrap().swap().unwrap().events, 100);
    // The next backup shares the copies.
    stage.archive.backup(&stage.store, &settings, &()).unwrap();
    let again = std::fs::read_dir(stage.backups_dir().join("settings")).unwrap();
    assert_eq!(again.count(), names.len());
}
