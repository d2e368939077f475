//! The script that reads an archive without the program gives the same rows as the reader of the tests.

use std::process::Command;

use serde_json::{Value as Json, json};

use crate::histories_room::Room;
use crate::histories_steps::Step;
use crate::reader::{Content, Row, read};

fn as_printed(row: &Row) -> Json {
    let (kind, value) = match &row.value {
        Content::Nothing => (Json::Null, Json::Null),
        Content::Bool(truth) => (json!("bool"), json!(f64::from(u8::from(*truth)))),
        Content::Number(bits) => (json!("number"), json!(f64::from_bits(*bits))),
        Content::Text(text) => (json!("text"), json!(text)),
    };
    json!([
        row.id,
        row.at_ms,
        row.change_group,
        row.path,
        row.component,
        row.control,
        row.source,
        kind,
        value,
        row.string,
        row.position.map(f64::from_bits),
    ])
}

#[tokio::test]
async fn a_script_reads_the_same_events_from_an_archive_without_the_program() {
    let mut room = Room::new();
    let every = Step::Record((0..9).cycle().take(60).map(|which| (which, 700)).collect());
    let day = Step::Clock(86_400_000);
    for step in [
        every.clone(),
        Step::Backup,
        every.clone(),
        Step::Backup,
        day,
        every.clone(),
        Step::Ship,
        every,
        Step::Ship,
    ] {
        room.take(&step).await;
    }
    room.end().await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reader/read.py");
    let ran = Command::new("python3")
        .arg(script)
        .arg(room.backups())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let printed = String::from_utf8(ran.stdout).unwrap();
    let printed: Vec<Json> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let reading = read(&room.backups());
    assert_eq!(reading.rows.len(), 240);
    assert_eq!(
        printed,
        reading.rows.values().map(as_printed).collect::<Vec<_>>()
    );
    assert_eq!(said.matches("gap [").count(), reading.gaps.len());
}
