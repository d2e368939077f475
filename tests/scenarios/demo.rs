//! The demo, as a newcomer runs it.

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
