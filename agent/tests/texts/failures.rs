//! The commonest failures, each as its user reads it: what is wrong, the next step, the exit code.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::stage::{Stage, same_as};

#[test]
fn wrong_settings() {
    let stage = Stage::new();
    same_as("no_core_named", &stage.says(&["run"]));
    let named = |name: &str, text: &str| {
        stage.write("wrong.toml", text);
        same_as(name, &stage.says(&["--config", "wrong.toml", "status"]));
    };
    named("unknown_setting", "[core]\nhots = \"x\"\n");
    named("bad_setting", "[backup]\nevery = \"soon\"\n");
    named(
        "archive_in_the_store",
        "[backup]\npath = \"data/events/backups\"\n",
    );
    same_as(
        "no_settings_file",
        &stage.says(&["--config", "missing.toml", "status"]),
    );
    stage.write(".env", "EVENT_MAX_BACKUPS=seven\n");
    same_as("bad_variable", &stage.says(&["status"]));
}

#[test]
fn a_wrong_command_line() {
    let stage = Stage::new();
    for (name, typed) in [
        ("unknown_verb", &["restart"][..]),
        ("missing_argument", &["restore"]),
        ("bad_time", &["state", "--at", "yesterday"]),
        (
            "from_after_to",
            &["diff", "--from", "2026-03-02", "--to", "2026-03-01"],
        ),
        (
            "export_without_format",
            &["export", "--output", "events.txt"],
        ),
        ("not_supported_yet", &["rewind", "--to", "-15m"]),
        ("rewind_alone", &["rewind"]),
    ] {
        if name == "export_without_format" {
            stage.record("some", &[1]);
        }
        same_as(name, &stage.says(typed));
    }
    let name = match cfg!(feature = "demo") {
        true => "bad_address",
        false => "built_without_demo",
    };
    same_as(name, &stage.says(&["emulate", "--qrc", "nonsense"]));
}

#[test]
fn nothing_to_work_on() {
    let stage = Stage::new();
    for (name, typed) in [
        ("no_store", &["events"][..]),
        ("no_archive", &["verify"]),
        ("no_backup", &["restore", "latest"]),
        ("no_import_file", &["import", "missing.jsonl"]),
        ("no_file_to_verify", &["verify", "missing.db"]),
    ] {
        same_as(name, &stage.says(typed));
    }
    // Each step that was named leads on, and never back.
    stage.record("some", &[1]);
    for (name, typed) in [
        ("no_archive_of_a_record", &["verify"][..]),
        ("no_backup_of_a_record", &["restore", "latest"]),
        ("list_of_nothing_of_a_record", &["list"]),
    ] {
        same_as(name, &stage.says(typed));
    }
    stage.done(&["backup"]);
    std::fs::remove_dir_all(stage.path("data/events")).unwrap();
    same_as("no_store_but_a_backup", &stage.says(&["events"]));
}

#[test]
fn a_restore_that_is_refused() {
    let stage = Stage::with_a_backup();
    stage.write(
        "rubbish.db",
        "no database at all, but long enough to be taken for one at a glance",
    );
    for (name, typed) in [
        ("nothing_to_undo", &["undo"][..]),
        ("no_such_backup", &["restore", "2020-01-01T00-00-00-000Z"]),
        ("too_early", &["restore", "latest", "--at", "2020-01-01"]),
        ("not_a_database", &["restore", "rubbish.db"]),
    ] {
        same_as(name, &stage.says(typed));
    }
    stage.record("later", &[7, 8]);
    let first = stage.run(&["list", "--json"]);
    let first: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    let id = first[0]["id"].as_str().unwrap();
    same_as("would_drop_events", &stage.says(&["restore", id]));
}

#[test]
fn an_archive_that_another_process_has() {
    let stage = Stage::with_a_backup();
    let lock = std::fs::File::open(stage.path("data/backups/.lock")).unwrap();
    lock.lock().unwrap();
    same_as("busy", &stage.says(&["backup"]));
}

#[test]
fn a_folder_in_the_sockets_place() {
    let stage = Stage::new();
    stage.write(
        "qsys-agent.toml",
        "[core]\nhost = \"127.0.0.1\"\nport = 1\n",
    );
    std::fs::create_dir_all(stage.path("data/events/.agent.sock/mine")).unwrap();
    same_as("folder_for_socket", &stage.says(&["run", "--quiet"]));
    assert!(stage.path("data/events/.agent.sock/mine").is_dir());
}

#[test]
fn a_file_above_the_stores_folder() {
    let stage = Stage::new();
    stage.write("data", "");
    stage.write("qsys-agent.toml", "[core]\nhost = \"127.0.0.1\"\n");
    same_as("file_above_the_folder", &stage.says(&["run"]));
}

#[test]
fn a_store_that_cannot_be_used() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("data")).unwrap();
    stage.write("data/events", "");
    stage.write(
        "qsys-agent.toml",
        "[core]\nhost = \"127.0.0.1\"\nport = 1\n",
    );
    same_as("folder_cannot_be_made", &stage.says(&["run"]));

    std::fs::remove_file(stage.path("data/events")).unwrap();
    let mut first = stage
        .command(&["run", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(first.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let said = stage.says(&["run"]);
    first.kill().unwrap();
    first.wait().unwrap();
    same_as("another_agent_runs", &said);
}

#[test]
fn whatever_is_wrong_with_a_check_is_unknown() {
    let stage = Stage::new();
    same_as(
        "check_of_a_wrong_option",
        &stage.says(&["check", "--bogus"]),
    );
    same_as(
        "check_of_a_wrong_option_json",
        &stage.says(&["--json", "check", "--bogus"]),
    );
    let named_empty = stage
        .command(&["check"])
        .env("QSYS_AGENT_CONFIG", "")
        .output()
        .unwrap();
    assert_eq!(named_empty.stdout, stage.run(&["check"]).stdout);
}

#[test]
fn a_named_settings_file_needs_no_working_directory() {
    let stage = Stage::new();
    stage.write("site.toml", "[core]\nhost = \"127.0.0.1\"\n");
    let gone = stage.path("gone");
    std::fs::create_dir(&gone).unwrap();
    let mut status = std::process::Command::new("sh");
    let output = status
        .args(["-c", "rmdir \"$PWD\" && exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_qsys-agent"))
        .arg("--config")
        .arg(stage.path("site.toml"))
        .arg("status")
        .current_dir(&gone)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
