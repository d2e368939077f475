//! What the word after `restore` and `verify` means: `latest`, the id of a listed backup, or a file where it was typed.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::stage::{EmulatedCore, Process, Site, failed};

/// The id that `list` prints for a backup of the original.
const ORIGINAL: &str = "events-backup-2026-03-01T12-00-00-000Z.db";

/// A running agent, a backup of the original in its archive, and a folder elsewhere.
struct Stage {
    _core: EmulatedCore,
    site: Site,
    _agent: Process,
    elsewhere: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let core = EmulatedCore::start(&[]);
        let site = Site::new(core.port);
        let agent = site.recording_agent();
        site.json(&["backup"]);
        original(&site.path("backups").join(ORIGINAL), 3);
        let elsewhere = site.path("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        Self {
            _core: core,
            site,
            _agent: agent,
            elsewhere,
        }
    }

    fn elsewhere(&self, arguments: &[&str]) -> Output {
        let mut command = self.site.command();
        command.current_dir(&self.elsewhere);
        command.args(arguments).output().unwrap()
    }

    /// The document of a verb that must succeed.
    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.elsewhere(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A database as the original wrote it.
fn original(path: &Path, events: i64) {
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL,
                change_group_id TEXT NOT NULL, control_path TEXT NOT NULL, component_name TEXT NOT NULL,
                control_name TEXT NOT NULL, value REAL, string_value TEXT, source TEXT NOT NULL,
                created_at INTEGER DEFAULT (strftime('%s', 'now') * 1000));",
        )
        .unwrap();
    for step in 0..events {
        database
            .execute(
                "INSERT INTO events (timestamp, change_group_id, control_path, component_name, control_name, value, source)
                 VALUES (?1, 'g', 'Master.gain', 'Master', 'gain', ?2, 'qsys')",
                [1_772_366_400_000 + step, step],
            )
            .unwrap();
    }
}

#[test]
fn a_file_of_the_agents_own_folder_is_never_meant_by_somebody_elsewhere() {
    let stage = Stage::new();
    for name in ["old.db", "2020-01-01T00-00-00-000Z"] {
        // The agent runs in the folder above.
        original(&stage.site.path(name), 7);
        let (_, planned) = failed(&stage.elsewhere(&["restore", name, "--dry-run"]));
        let (_, refused) = failed(&stage.elsewhere(&["restore", name, "--force"]));
        assert_eq!(planned, refused);
        assert!(refused.contains(name), "{refused}");
        assert_eq!(stage.site.count("control_path = 'Master.gain'"), 0);
    }
}

#[test]
fn an_id_that_list_prints_is_meant_wherever_it_is_typed() {
    let stage = Stage::new();
    let listed = stage.json(&["list"]);
    let ids: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2, "{listed}");
    for id in ids {
        assert_eq!(stage.json(&["verify", id])["ok"], true, "{id}");
        let by_hand = stage.json(&["restore", id, "--dry-run"]);
        // The same where a file here has the same name.
        std::fs::write(stage.elsewhere.join(id), "not what is meant").unwrap();
        assert_eq!(stage.json(&["verify", id])["ok"], true, "{id}");
        let again = stage.json(&["restore", id, "--dry-run"]);
        assert_eq!(again["from"], by_hand["from"], "{id}");
        assert_eq!(stage.json(&["restore", id, "--force"])["verified"], true);
        // A path means the file.
        failed(&stage.elsewhere(&["restore", &format!("./{id}"), "--dry-run"]));
    }
}

#[test]
fn a_file_called_latest_does_not_stand_for_the_latest_backup() {
    let stage = Stage::new();
    std::fs::write(stage.elsewhere.join("latest"), "not what is meant").unwrap();
    stage.json(&["restore", "latest", "--dry-run"]);
    stage.json(&["restore", "latest", "--force"]);
    assert_eq!(stage.json(&["verify", "latest"])["ok"], true);
}

#[test]
fn a_file_is_meant_where_it_is_typed_and_reaches_the_agent_whole() {
    let stage = Stage::new();
    original(&stage.elsewhere.join("mine.db"), 7);
    assert_eq!(stage.json(&["verify", "mine.db"])["checked"], 1);
    for name in ["mine.db", "./mine.db"] {
        assert_eq!(stage.json(&["restore", name, "--force"])["events"], 7);
    }
}
