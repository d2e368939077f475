//! A settings file is the same site from wherever it is named: its paths are its own, not the working directory's.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{EmulatedCore, Process, agent_program, failed, until};

/// A site that only its settings file knows, and folders to call the program from.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(port: u16) -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["site", "elsewhere/deep"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let text = format!(
            "[core]\nhost = \"127.0.0.1\"\nport = {port}\n[store]\npath = \"record/events\"\n\
             [backup]\npath = \"record/backups\"\nevery = \"off\"\n"
        );
        std::fs::write(folder.path().join("site/qsys-agent.toml"), text).unwrap();
        Self { folder }
    }

    /// The agent under test, called from a folder of this place.
    fn program(&self, from: &str, arguments: &[&str]) -> Command {
        let mut command = agent_program();
        command
            .current_dir(self.folder.path().join(from))
            .args(arguments);
        command
    }

    /// Runs a verb in both folders, with the settings file named in three ways.
    fn everywhere(&self, verb: &[&str]) -> Vec<Value> {
        let whole = self.folder.path().join("site/qsys-agent.toml");
        let whole = whole.to_str().unwrap();
        let calls: [(&str, &[&str]); 4] = [
            ("site", &[]),
            ("elsewhere/deep", &["--config", whole]),
            ("elsewhere", &["--config", "../site/qsys-agent.toml"]),
            (
                "elsewhere/deep",
                &["--config", "../../site/../site/qsys-agent.toml"],
            ),
        ];
        let answers = calls.map(|(from, config)| {
            let output = self
                .program(from, &[verb, config, &["--json"]].concat())
                .output()
                .unwrap();
            assert!(output.status.success(), "{from} {config:?}: {output:?}");
            serde_json::from_slice(&output.stdout).unwrap()
        });
        answers.into()
    }

    fn until_recording(&self) {
        until("the agent to record", || {
            let output = self
                .program("site", &["status", "--json"])
                .output()
                .unwrap();
            let status: Value = serde_json::from_slice(&output.stdout).unwrap();
            (status["recording"] == true).then_some(())
        });
    }

    fn exists(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }
}

#[test]
fn every_verb_finds_the_running_agent_and_its_files_from_any_folder() {
    let core = EmulatedCore::start(&[]);
    let place = Place::new(core.port);
    let start = place.program(
        "elsewhere",
        &["run", "--quiet", "--config", "../site/qsys-agent.toml"],
    );
    let agent = Process::start(start, "connecting to ");
    place.until_recording();
    let made = place.everywhere(&["backup"]);
    for status in place.everywhere(&["status"]) {
        assert_eq!(status["agent"]["pid"], agent.id());
        assert_eq!(status["recording"], true);
    }
    for check in place.everywhere(&["check"]) {
        assert_eq!(check["level"], "OK", "{check}");
    }
    for list in place.everywhere(&["list"]) {
        assert_eq!(list[0]["id"], made[3]["id"], "{list}");
    }
    assert!(place.exists("site/record/events") && place.exists("site/record/backups"));
    assert!(!place.exists("elsewhere/record") && !place.exists("elsewhere/deep/record"));
    assert_eq!(agent.terminate(), 0);
    // The files alone say the same.
    for list in place.everywhere(&["list"]) {
        assert_eq!(list[0]["id"], made[3]["id"], "{list}");
    }
}

#[test]
fn the_files_beside_a_settings_file_are_read_from_any_folder_and_a_bad_value_names_its_place() {
    let place = Place::new(1);
    let site = place.folder.path().join("site");
    let original = r#"{"qsysCore": {"host": "10.0.0.9", "username": "wall"}}"#;
    std::fs::write(site.join("qsys-core.config.json"), original).unwrap();
    std::fs::write(site.join("qsys-agent.toml"), "[core]\nport = 1710\n").unwrap();
    std::fs::write(site.join(".env"), "EVENT_MONITORING_DB_PATH=kept/here\n").unwrap();
    for status in place.everywhere(&["status"]) {
        assert_eq!(status["core"]["host"], "10.0.0.9");
        let store = status["store"]["path"].as_str().unwrap();
        assert!(
            same_place(Path::new(store), &site.join("kept/here")),
            "{store}"
        );
        // Nobody set it: it lies beside the settings file, too.
        let archive = status["backup"]["path"].as_str().unwrap();
        assert!(
            same_place(Path::new(archive), &site.join("data/backups")),
            "{archive}"
        );
    }

    std::fs::write(site.join(".env"), "EVENT_MAX_BACKUPS=seven\n").unwrap();
    let named = &["status", "--config", "../site/qsys-agent.toml"];
    let output = place.program("elsewhere", named).output().unwrap();
    let (code, said) = failed(&output);
    assert_eq!(code, 2);
    for part in [
        "site/.env",
        "EVENT_MAX_BACKUPS",
        "`seven`",
        "a whole number",
    ] {
        assert!(said.contains(part), "no {part} in: {said}");
    }
}

#[test]
fn a_link_to_a_settings_file_means_the_site_where_the_file_lies() {
    let core = EmulatedCore::start(&[]);
    let place = Place::new(core.port);
    let link = place.folder.path().join("elsewhere/qsys-agent.toml");
    symlink("../site/qsys-agent.toml", &link).unwrap();
    let to_the_link = place.folder.path().join("elsewhere/deep/linked.toml");
    symlink(&link, &to_the_link).unwrap();
    std::fs::write(place.folder.path().join("site/.env"), "QSYS_USER=wall\n").unwrap();
    let start = place.program(
        "elsewhere/deep",
        &["run", "--quiet", "--config", "linked.toml"],
    );
    let agent = Process::start(start, "connecting to ");
    place.until_recording();
    let calls: [(&str, &[&str]); 4] = [
        ("site", &[]),
        ("elsewhere", &[]),
        ("site", &["--config", "../elsewhere/qsys-agent.toml"]),
        ("elsewhere/deep", &["--config", "linked.toml"]),
    ];
    for (from, config) in calls {
        for verb in ["status", "backup"] {
            let arguments = [&[verb, "--json"], config].concat();
            let output = place.program(from, &arguments).output().unwrap();
            assert!(output.status.success(), "{from} {arguments:?}: {output:?}");
            if verb == "status" {
                let status: Value = serde_json::from_slice(&output.stdout).unwrap();
                assert_eq!(
                    status["agent"]["pid"],
                    agent.id(),
                    "{from} {config:?}: {status}"
                );
            }
        }
    }
    assert!(place.exists("site/record/events") && place.exists("site/record/backups"));
    assert!(!place.exists("elsewhere/record") && !place.exists("elsewhere/deep/record"));
    assert_eq!(agent.terminate(), 0);
}

/// Puts something that cannot be read at a path.
type Make = fn(&Path);

#[test]
fn a_file_of_settings_that_is_there_but_cannot_be_read_is_never_passed_over() {
    let place = Place::new(1);
    let folder = place.folder.path().join("elsewhere");
    for name in ["qsys-agent.toml", ".env", "qsys-core.config.json"] {
        let file = folder.join(name);
        let unreadable: [(Make, &str); 3] = [
            (
                |file| symlink("/nowhere/at-all", file).unwrap(),
                "a link to /nowhere/at-all",
            ),
            (|file| symlink(file, file).unwrap(), "symbolic links"),
            (|file| std::fs::create_dir(file).unwrap(), "directory"),
        ];
        for (make, found) in unreadable {
            make(&file);
            let output = place.program("elsewhere", &["status"]).output().unwrap();
            let (code, said) = failed(&output);
            assert_eq!(code, 2, "{said}");
            for part in [name, found, "move it away"] {
                assert!(said.contains(part), "no {part} in: {said}");
            }
            let checked = place.program("elsewhere", &["check"]).output().unwrap();
            assert_eq!(checked.status.code(), Some(3), "{checked:?}");
            match file.is_symlink() {
                true => std::fs::remove_file(&file).unwrap(),
                false => std::fs::remove_dir(&file).unwrap(),
            }
        }
    }
    assert!(!place.exists("elsewhere/data"));
}

#[test]
fn a_path_in_a_variable_or_a_flag_is_the_callers() {
    let place = Place::new(1);
    let output = place
        .program(
            "elsewhere",
            &["status", "--json", "--config", "../site/qsys-agent.toml"],
        )
        .env("EVENT_MONITORING_DB_PATH", "mine/events")
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    let elsewhere = place.folder.path().join("elsewhere");
    let store = elsewhere.join(status["store"]["path"].as_str().unwrap());
    assert!(
        same_place(&store, &elsewhere.join("mine/events")),
        "{store:?}"
    );
}

/// Whether two paths lead to one place, which need not exist.
fn same_place(found: &Path, expected: &Path) -> bool {
    let plain = |path: &Path| {
        let mut plain = std::path::PathBuf::new();
        for step in path.components() {
            match step {
                std::path::Component::ParentDir => drop(plain.pop()),
                step => plain.push(step),
            }
        }
        plain
    };
    found.is_absolute() && plain(found) == plain(expected)
}

#[test]
fn a_settings_file_whose_name_has_a_space_is_part_of_each_backup() {
    let place = Place::new(1);
    let site = place.folder.path().join("site");
    std::fs::rename(site.join("qsys-agent.toml"), site.join("the hall.toml")).unwrap();
    let event = "{\"timestamp\":1772366401000,\"control_path\":\"Master.gain\",\"value\":1}\n";
    std::fs::write(site.join("events.jsonl"), event).unwrap();
    for verb in [
        &["import", "events.jsonl"][..],
        &["backup"],
        &["verify", "--deep"],
        &["restore", "latest", "--target", "restored"],
    ] {
        let named = [verb, &["--config", "the hall.toml"]].concat();
        let output = place.program("site", &named).output().unwrap();
        assert!(output.status.success(), "{verb:?}: {output:?}");
    }
    assert!(place.exists("site/restored/events-2026-03-01.db"));
    let mut stored = std::fs::read_dir(site.join("record/backups/settings")).unwrap();
    let name = stored.next().unwrap().unwrap().file_name();
    assert!(
        name.to_str().unwrap().ends_with("-the_hall.toml"),
        "{name:?}"
    );
}
