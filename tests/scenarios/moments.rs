//! A moment that happened twice, as the clock was set back: every verb means the same one, says so, and takes the other.

use serde_json::{Value, json};

use crate::stage::Site;

/// 2026-03-01T12:00:00Z.
const NOON: i64 = 1_772_366_400_000;
const MINUTE: i64 = 60_000;

/// An hour from noon on, a change a minute; then the clock is set back by half an hour, and another hour passes.
fn import(site: &Site) {
    let first = (0..=60).map(|n| (NOON + n * MINUTE, NOON + n * MINUTE));
    // Ids go on in their order, whatever the clock shows.
    let second = (0..60).map(|n| (NOON + 60 * MINUTE + 1 + n, NOON + (30 + n) * MINUTE));
    let lines = first.chain(second).enumerate().map(|(n, (id_ms, at_ms))| {
        let event = json!({
            "id": id_ms << 12, "timestamp": at_ms, "change_group_id": "main", "control_path": "Master.gain",
            "component_name": "Master", "control_name": "gain", "value": n, "string_value": null, "source": "qrc",
            "created_at": null, "position": null, "kind": "number",
        });
        format!("{event}\n")
    });
    let file = site.path("set-back.jsonl");
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    let report = site.json(&["import", file.to_str().unwrap()]);
    assert_eq!(report["added"], 121, "{report}");
}

fn value(state: &Value) -> &Value {
    &state["controls"][0]["value"]
}

#[test]
fn every_verb_means_the_last_time_says_so_and_takes_the_first() {
    let site = Site::new(1).set("EVENT_MONITORING_RETENTION_DAYS", "36500");
    import(&site);
    site.json(&["backup"]);
    let at = (NOON + 45 * MINUTE).to_string();
    let first = format!("{at}@1");

    let last_time = site.json(&["state", "--at", &at]);
    assert_eq!(*value(&last_time), json!(61.0 + 15.0));
    let told = last_time["notes"][0].as_str().unwrap();
    assert!(
        told.starts_with("2026-03-01 12:45:00 UTC happened 2 times"),
        "{told}"
    );
    let first_time = site.json(&["state", "--at", &first]);
    assert_eq!(*value(&first_time), json!(45.0));
    let between = site.json(&["diff", "--from", &first, "--to", &at]);
    assert_eq!(between["controls"][0]["before"], json!(45.0));
    assert_eq!(between["notes"].as_array().unwrap().len(), 2);

    // Everything up to the moment, and what came in between, although it is later by the clock.
    let events = site.json(&["events", "--until", &at, "--limit", "1000"]);
    assert_eq!(events.as_array().unwrap().len(), 61 + 16);
    let said = site.run(&["events", "--until", &at]);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("happened 2 times"), "{said}");
    let out = site.path("out.jsonl");
    let exported = site.json(&["export", "--end", &at, "--output", out.to_str().unwrap()]);
    assert_eq!(exported["events"], 61 + 16);

    for (at, events) in [(&at, 61 + 16), (&first, 46)] {
        let plan = site.json(&["restore", "latest", "--at", at, "--dry-run"]);
        assert_eq!(plan["events"], events, "{plan}");
        let notes = plan["notes"].as_array().unwrap();
        assert!(
            notes
                .iter()
                .any(|note| note.as_str().unwrap().contains("happened 2 times"))
        );
        let target = site.path(&format!("restored-{events}"));
        let target = target.to_str().unwrap();
        let done = site.json(&["restore", "latest", "--at", at, "--target", target]);
        assert_eq!(done["events"], events, "{done}");
        assert!(
            done["notes"][0]
                .as_str()
                .unwrap()
                .contains("happened 2 times")
        );
    }
    let wrong = site.run(&["state", "--at", &format!("{at}@3")]);
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("one of the 2 times"), "{said}");
}
