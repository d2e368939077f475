//! What bad input gets: one clear line with the next step, exit code 1 or 2, and nothing lost.

use std::io::{Read, Write};

use crate::stage::{EmulatedCore, Site, day_files, failed, until};

/// One line that names the trouble, one that names the next step.
fn clear(output: &std::process::Output, code: i32, parts: &[&str]) {
    let (found, said) = failed(output);
    assert_eq!(found, code, "{said}");
    for part in parts {
        assert!(said.contains(part), "no \"{part}\" in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn an_unreachable_host_keeps_the_service_running_and_is_shown() {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let site = Site::new(free);
    let mut agent = site.agent();
    let status = until("the reason", || {
        let status = site.json(&["status"]);
        status["core"]["problem"].is_string().then_some(status)
    });
    assert_eq!(status["recording"], false);
    assert_eq!(status["core"]["state"], "connecting");
    assert!(
        status["core"]["problem"]
            .as_str()
            .unwrap()
            .contains("refused"),
        "{status}"
    );
    assert!(agent.is_running());
    assert_eq!(agent.terminate(), 0);
}

#[test]
fn a_wrong_pin_keeps_the_service_running_and_is_shown() {
    let core = EmulatedCore::start(&["--pin", "4071"]);
    let site = Site::new(core.port)
        .set("QSYS_USER", "agent")
        .set("QSYS_PIN", "1111");
    let mut agent = site.agent();
    let status = until("the refusal", || {
        let status = site.json(&["status"]);
        (status["core"]["state"] == "refused").then_some(status)
    });
    assert!(
        status["core"]["problem"].as_str().unwrap().contains("PIN"),
        "{status}"
    );
    assert!(agent.is_running());

    let right = Site::new(core.port)
        .set("QSYS_USER", "agent")
        .set("QSYS_PIN", "4071");
    assert_eq!(right.recording_agent().terminate(), 0);
}

#[test]
fn frames_that_are_no_json_are_survived() {
    let garbage = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let site = Site::new(garbage.local_addr().unwrap().port());
    let mut agent = site.agent();
    let (mut socket, _) = garbage.accept().unwrap();
    socket
        .write_all(b"hello\0{\"jsonrpc\":\0null\0[]\0\xff\xfe\0\0\0")
        .unwrap();
    // It still speaks: its own first request follows.
    let mut first = [0_u8; 16];
    socket.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"{\"jsonrpc\":\"2.0\"");
    drop(socket);
    garbage.accept().expect("it connects again");
    assert!(agent.is_running());
    assert_eq!(agent.terminate(), 0);
}

#[test]
fn a_port_in_use_and_an_address_that_is_none_are_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let site = Site::new(1);
    clear(
        &site.emulate(&["--qrc", &address]),
        1,
        &[&address, "in use", "port 0"],
    );
    clear(
        &site.emulate(&["--qrc", "nonsense"]),
        1,
        &["nonsense", "host:port"],
    );
}

#[test]
fn no_core_named_says_how_to_name_one() {
    let site = Site::new(1).set("QSYS_HOST", "");
    clear(&site.run(&["run"]), 2, &["no Core is named", "QSYS_HOST"]);
}

#[test]
fn an_unwritable_folder_is_named() {
    let site = Site::new(1);
    let file = site.path("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("events").display().to_string();
    let site = site.set("EVENT_MONITORING_DB_PATH", &below);
    clear(&site.run(&["run"]), 1, &[&below, "another path"]);
}

#[test]
fn an_unknown_setting_is_shown_with_file_line_and_what_is_expected() {
    let site = Site::new(1);
    std::fs::write(
        site.path("qsys-agent.toml"),
        "[core]\nport = 1710\nhots = \"core\"\n",
    )
    .unwrap();
    clear(
        &site.run(&["status"]),
        2,
        &["qsys-agent.toml", "line 3", "`hots`", "`host`"],
    );
    std::fs::write(site.path("qsys-agent.toml"), "[backup]\nkeep = \"many\"\n").unwrap();
    clear(
        &site.run(&["status"]),
        2,
        &["qsys-agent.toml", "line 2", "many"],
    );
    std::fs::remove_file(site.path("qsys-agent.toml")).unwrap();
    let site = site.set("EVENT_MAX_BACKUPS", "-3");
    clear(
        &site.run(&["status"]),
        2,
        &["EVENT_MAX_BACKUPS", "`-3`", "whole number"],
    );
    clear(
        &site.run(&["--config", "nowhere.toml", "status"]),
        2,
        &["nowhere.toml"],
    );
}

#[test]
fn a_file_that_is_no_database_and_a_truncated_gz_are_named_and_touch_nothing() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    site.json(&["backup"]);
    assert_eq!(agent.terminate(), 0);
    let before = site.json(&["events", "--limit", "100000"]);

    let poem = site.path("poem.db");
    std::fs::write(&poem, "Tyger Tyger, burning bright\n".repeat(400)).unwrap();
    let torn = site.path("torn.db.gz");
    let object = find(&site.path("backups"), ".db.gz");
    let whole = std::fs::read(object).unwrap();
    std::fs::write(&torn, &whole[..whole.len() / 2]).unwrap();

    for file in [&poem, &torn] {
        let name = file.display().to_string();
        let verified = site.run(&["verify", &name]);
        assert_eq!(verified.status.code(), Some(1), "{verified:?}");
        let said = String::from_utf8(verified.stdout).unwrap();
        assert!(said.contains(&name) && said.contains("1 finding"), "{said}");
        clear(&site.run(&["restore", &name, "--force"]), 1, &[&name]);
        clear(&site.run(&["import", &name]), 1, &[&name]);
    }
    assert_eq!(site.json(&["events", "--limit", "100000"]), before);
    assert_eq!(day_files(&site.store()).len(), 1);
}

#[test]
fn there_is_nothing_to_restore_verify_or_read_on_a_fresh_machine() {
    let site = Site::new(1);
    // There is nothing yet that could be backed up or restored, so nobody is told to.
    clear(&site.run(&["verify"]), 1, &["no archive", "qsys-agent run"]);
    clear(&site.run(&["events"]), 1, &["no store", "qsys-agent run"]);
    clear(&site.run(&["backup"]), 1, &["no store", "qsys-agent run"]);
    clear(&site.run(&["undo"]), 1, &["no store"]);
    assert!(site.json(&["list"]).as_array().unwrap().is_empty());
    let check = site.run(&["check"]);
    assert_eq!(check.status.code(), Some(2), "{check:?}");
}

/// The first file below a folder whose name ends so.
fn find(folder: &std::path::Path, ending: &str) -> std::path::PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                return path;
            }
        }
    }
    panic!("no file ends in {ending}");
}

#[test]
fn a_reader_that_left_is_no_failure() {
    let site = Site::new(1);
    std::fs::create_dir(site.store()).unwrap();
    for typed in [
        "completions bash",
        "export --output -",
        "events --csv",
        "status --json",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = site.command();
        command.args(typed.split(' ')).stdout(writer);
        let output = command.stderr(std::process::Stdio::piped()).spawn();
        let output = output.unwrap().wait_with_output().unwrap();
        assert!(output.status.success(), "{typed}: {output:?}");
        assert!(output.stderr.is_empty(), "{typed}: {output:?}");
    }
}

#[test]
fn an_audit_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let site = Site::new(1);
    std::fs::write(site.store(), "not a folder").unwrap();
    clear(
        &site.run(&["audit"]),
        1,
        &["audit.db: cannot be read", "hint: "],
    );
}

#[test]
fn the_status_of_nothing_says_so() {
    let site = Site::new(1);
    let status = site.run(&["status"]);
    let said = String::from_utf8(status.stdout).unwrap();
    for line in [
        "nothing recorded yet\n",
        "Proved      none yet\n",
        "Recoverable nothing yet\n",
        "At risk     nothing; nothing is recorded yet\n",
    ] {
        assert!(said.contains(line), "no \"{line}\" in: {said}");
    }
}

#[test]
fn a_wrong_command_line_is_told_to_programs_as_any_failure_is() {
    let site = Site::new(1);
    for (typed, told) in [
        ("--json events --limit many", "'many' for '--limit <N>'"),
        ("events --json --since yesterday", "`yesterday` is no time"),
        ("conjure --json", "unrecognized subcommand 'conjure'"),
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let output = site.run(&words);
        assert_eq!(output.status.code(), Some(2), "{typed}: {output:?}");
        assert!(output.stderr.is_empty(), "{typed}: {output:?}");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let error = said["error"].as_str().unwrap();
        assert!(error.contains(told) && !error.contains("Usage"), "{error}");
        assert!(said["hint"].is_string(), "{said}");
    }
}

#[test]
fn an_export_whose_name_says_no_format_is_refused() {
    let site = Site::new(1);
    std::fs::create_dir_all(site.store()).unwrap();
    for name in ["room.xml", "room", "room.json.zip"] {
        clear(
            &site.run(&["export", "--output", name]),
            2,
            &[name, ".jsonl", "`--format`"],
        );
        assert!(!site.path(name).exists());
    }
    assert!(
        site.run(&["export", "--output", "room", "--format", "csv"])
            .status
            .success()
    );
    assert!(site.path("room").is_file());
}

#[test]
fn a_restore_that_cannot_be_done_leaves_nothing_behind() {
    let site = Site::new(1);
    clear(&site.run(&["restore", "latest"]), 1, &["found no backup"]);
    let target = site.path("elsewhere");
    let typed = ["restore", "latest", "--target", target.to_str().unwrap()];
    clear(&site.run(&typed), 1, &["found no backup"]);
    assert!(!site.store().exists() && !target.exists());
}
