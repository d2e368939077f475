//! Design files: what is read, what is refused, and the words of each refusal.

#![allow(clippy::unwrap_used)] // only tests call these

use qrc_sim::Design;

const EXAMPLE: &str = include_str!("../../examples/harbour_hall.json");

#[test]
fn the_example_is_read_and_written_back_alike() {
    let design = Design::from_json(EXAMPLE).unwrap();
    assert_eq!(design.control_count(), 22);
    assert_eq!(Design::from_json(&design.to_json()).unwrap(), design);
}

#[test]
fn every_mistake_is_reported_with_its_place_and_what_was_expected() {
    for (found, put, told) in [
        (
            "\"code\":",
            "\"cod\":",
            "line 3, column 7: unknown field `cod`, expected one of `name`, `code`",
        ),
        (
            "\"value\": -6 }",
            "\"value\": \"x\" }",
            "invalid type: string \"x\", expected f64",
        ),
        ("{\n", "{,\n", "line 1, column 2: key must be a string"),
        (
            "\"type\": \"combo\"",
            "\"type\": \"combi\"",
            "component \"Panel\", control \"source\": the type \"combi\"; one of gain, float",
        ),
        (
            "\"type\": \"led\"",
            "\"type\": \"text\", \"max\": 3",
            "component \"Panel\", control \"lamp\": a control of type \"text\" has no \"max\"",
        ),
        (
            "\"max\": 100, \"value\": 3",
            "\"max\": 100, \"value\": 300",
            "control \"count\": the value 300; 0 to 100 was expected",
        ),
        (
            "\"min\": -100, \"max\": 20",
            "\"min\": 100, \"max\": 20",
            "control \"gain\": the range 100 to 20; min below max was expected",
        ),
        (
            "\"name\": \"Locked_Gain\"",
            "\"name\": \"Panel\"",
            "component \"Panel\": the design has a component of this name already",
        ),
        (
            "\"component\": \"Lobby_Gain\", \"control\": \"mute\"",
            "\"component\": \"Lobby_Gain\", \"control\": \"mut\"",
            "Named Control \"LobbyMute\": component \"Lobby_Gain\" has no control \"mut\"",
        ),
        (
            "\"count\": 2",
            "\"count\": 25",
            "snapshot bank \"Scenes\": 25 snapshots; 1 to 24 were expected",
        ),
        (
            "\"script_access\": \"script\"",
            "\"script_access\": \"some\"",
            "unknown variant `some`, expected one of `none`, `script`, `external`, `all`",
        ),
    ] {
        assert!(EXAMPLE.contains(found), "the example has no {found}");
        let error = Design::from_json(&EXAMPLE.replacen(found, put, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{put} gave {error}");
    }
}

#[test]
fn a_file_is_named_in_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hall.json");
    let error = Design::load(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot read the design {}: ", path.display())),
        "{error}"
    );
    std::fs::write(&path, "[]").unwrap();
    let error = Design::load(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{}: line 1, column ", path.display())),
        "{error}"
    );
}

proptest::proptest! {
    #[test]
    fn no_damage_to_a_design_panics(at in 0..EXAMPLE.len(), byte: u8) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            let _ = Design::from_json(&text);
        }
    }
}
