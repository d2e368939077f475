//! The demo, as a newcomer runs it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::stage::program;

#[test]
fn the_demo_tells_the_whole_loop_and_leaves_data_that_every_verb_reads() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let data_text = data.display().to_string();
    let output = program()
        .args(["demo", "--seconds", "20", "--data", &data_text])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for part in [
        "qrc listening on 127.0.0.1:",
        "Core found",
        "Recording",
        "by the clock: ",
        "\"Backup now\" is pressed",
        "by the panel: ",
        "read back and proved",
        "Panel shows",
        "events back and counted",
        "At the end: OK",
    ] {
        assert!(told.contains(part), "no \"{part}\" in:\n{told}");
    }
    assert!(
        told.lines()
            .all(|line| line.chars().count() <= 80 || line.contains(&data_text)),
        "{told}"
    );

    let settings = data.join("qsys-agent.toml").display().to_string();
    for verb in [
        &["list"][..],
        &["events"],
        &["verify"],
        &["restore", "latest", "--dry-run"],
    ] {
        let output = program()
            .args(["--config", &settings])
            .args(verb)
            .output()
            .unwrap();
        assert!(output.status.success(), "{verb:?}: {output:?}");
    }
}

/// What a demo tells until a line that has this in it.
fn told_until(data: &str, part: &str) -> String {
    let mut demo = program()
        .args(["demo", "--data", data])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        told.push_str(&line);
        told.push('\n');
        if line.contains(part) {
            break;
        }
    }
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert!(told.contains(part), "no \"{part}\" in:\n{told}");
    told
}

#[test]
fn a_demo_on_the_data_of_another_tells_what_it_did_itself() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let first = told_until(&data, "events back and counted");
    assert!(!first.contains("Earlier runs"), "{first}");
    assert!(first.contains(" 0 gaps"), "{first}");

    let second = told_until(&data, "events back and counted");
    assert!(
        second.contains(" and 2 backups: this run goes on"),
        "{second}"
    );
    assert!(!second.contains("by the clock: "), "{second}");
    assert!(second.contains("the next by the clock is due"), "{second}");
    assert!(second.contains("by the panel: "), "{second}");
    assert!(!second.contains("overdue"), "{second}");
    assert!(!second.contains(" 1 gaps"), "{second}");
}

#[test]
fn a_second_demo_on_the_same_data_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    for _ in 0..2 {
        let output = program()
            .args(["demo", "--json", "--seconds", "2", "--data", &data])
            .args(["--qrc", "127.0.0.1:0", "--panel", "127.0.0.1:0"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let addresses = String::from_utf8_lossy(&output.stderr);
        assert!(
            addresses.contains("panel on http://127.0.0.1:"),
            "{addresses}"
        );
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(status["core"]["state"], "Active");
    }
}
