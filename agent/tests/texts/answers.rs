//! What `status`, `check`, `list` and their neighbours answer where nothing is wrong with the question.

use crate::stage::{Stage, same_as};

#[test]
fn nothing_is_there_yet() {
    let stage = Stage::new();
    for (name, verb) in [
        ("status_of_nothing", &["status"][..]),
        ("status_of_nothing_json", &["status", "--json"]),
        ("check_of_nothing", &["check"]),
        ("list_of_nothing", &["list"]),
    ] {
        same_as(name, &stage.says(verb));
    }
    stage.write("site.toml", "[store]\npath = \"record\"\n");
    let check = ["check", "--config", "site.toml"];
    same_as("check_with_a_settings_file", &stage.says(&check));
}

#[test]
fn the_store_is_held_by_a_process_that_does_not_answer() {
    let stage = Stage::new();
    stage.record("some", &[1]);
    let lock = stage.path("data/events/.lock");
    std::fs::write(&lock, format!("{}\nrecord\n", std::process::id())).unwrap();
    let lock = std::fs::File::open(lock).unwrap();
    lock.lock().unwrap();
    same_as("check_of_a_silent_agent", &stage.says(&["check"]));
}

#[test]
fn a_proof_that_cannot_be_written_down() {
    let stage = Stage::with_a_backup();
    std::fs::remove_file(stage.path("data/events/audit.db")).unwrap();
    std::fs::create_dir(stage.path("data/events/audit.db")).unwrap();
    same_as("verify_without_audit", &stage.says(&["verify"]));
}

#[test]
fn three_events_and_a_backup() {
    let stage = Stage::with_a_backup();
    for (name, verb) in [
        ("status", &["status"][..]),
        ("status_json", &["status", "--json"]),
        ("check", &["check"]),
        ("check_json", &["check", "--json"]),
        ("list", &["list"]),
        ("list_json", &["list", "--json"]),
        ("verify", &["verify"]),
        ("restore_dry_run", &["restore", "latest", "--dry-run"]),
        ("prune_dry_run", &["prune", "--dry-run"]),
        ("events", &["events"]),
        ("state", &["state", "--at", "2026-03-01 12:00:02"]),
        ("state_too_early", &["state", "--at", "2020-01-01"]),
        (
            "diff",
            &[
                "diff",
                "--from",
                "2026-03-01 12:00:01",
                "--to",
                "2026-03-01 12:00:03",
            ],
        ),
        ("diff_too_early", &["diff", "--from", "2020-01-01"]),
        ("audit", &["audit", "--limit", "1"]),
    ] {
        same_as(name, &stage.says(verb));
    }
}

#[test]
fn a_restore_that_can_be_taken_back() {
    let stage = Stage::with_a_backup();
    same_as("undo_list_of_nothing", &stage.says(&["undo", "--list"]));
    let at = "2026-03-01 12:00:02";
    let restore = ["restore", "latest", "--at", at, "--force"];
    same_as("restored", &stage.says(&restore));
    for (name, verb) in [
        ("undo_list", &["undo", "--list"][..]),
        ("undo_list_json", &["undo", "--list", "--json"]),
        ("undo_dry_run", &["undo", "--dry-run"]),
        ("undo_dry_run_json", &["undo", "--dry-run", "--json"]),
        ("undone", &["undo"]),
        ("undone_json", &["undo", "--json"]),
        ("undo_discard", &["undo", "3", "--discard"]),
    ] {
        same_as(name, &stage.says(verb));
    }
}
