//! The pictures of the guide: the built plugin, run with an example agent's words, drawn page by page.

use std::sync::Arc;
use std::time::Duration;

use crate::host::{Definition, Directory, HostError, Outside, Role, Runtime, RuntimeOptions};
use crate::panel::{Panel, page_picture};
use crate::plugin::built_plugin;

/// What an agent would say at 19:55, five minutes before a show.
const STATE: &str = r#"{"schema":1,"seq":812,"sentAt":"2026-03-01T19:55:00Z","status":0,
"text":"Recording and backed up","agent":{"version":"0.1.0","pid":4711},
"core":{"host":"10.0.0.5","state":"Active","design":"Harbour_Theatre"},"recording":true,
"events":{"total":1234567,"per_second":25.4,"gaps":1},
"backup":{"last":"2026-03-01T19:00:00Z","lastText":"today 19:00, 1 234 102 events, 24 MB","age_seconds":3300,
"next":"2026-03-02T04:00:00Z","count":7,"last_verified":"2026-03-01T19:00:05Z","verifiedText":"today 19:00, read back","ok":true},
"disk":{"text":"212 GB free"},
"recoverable":{"from":"2026-02-22T00:00:00Z","to":"2026-03-01T19:55:00Z",
"gaps":[{"from":"2026-02-25T03:10:00Z","to":"2026-02-25T06:20:00Z"}]},
"points":[{"id":"b4","when":"today 19:00","label":"1 234 102 events"},
{"id":"b3","when":"today 04:00","label":"1 180 770 events"},{"id":"b2","when":"yesterday 19:00","label":"1 093 001 events"},
{"id":"b1","when":"yesterday 04:00","label":"1 000 412 events"}],"pinRequired":true,"undo":{"available":false}}"#;

/// File name and SVG text of each page, and of the states worth showing. The same bytes every time.
pub fn example_pictures() -> Result<Vec<(String, String)>, HostError> {
    let source = built_plugin();
    let definition = Definition::read("plugin", &source, &[])?;
    let panel = Panel::of(&definition);
    let start = || start(&source, &definition);
    let mut pictures = Vec::new();

    let mut healthy = start()?;
    healthy.outside("AgentStateJson", &Outside::String(STATE));
    healthy.frame(Duration::ZERO);
    pictures.push(("status.svg", page(&panel, 0, &healthy)));
    pictures.push(("setup.svg", page(&panel, 2, &healthy)));

    healthy.outside(
        "RestorePoint",
        &Outside::String("today 19:00  1 234 102 events"),
    );
    healthy.frame(Duration::ZERO);
    healthy.outside("PreviewRestore", &Outside::Press);
    healthy.frame(Duration::ZERO);
    healthy.outside("AckJson", &Outside::String(&preview_for(&healthy)));
    healthy.outside("Pin", &Outside::String("****"));
    healthy.frame(Duration::ZERO);
    healthy.outside("ArmRestore", &Outside::Press);
    healthy.frame(Duration::from_secs(1));
    for second in 2..=3 {
        let beat = f64::from(second);
        healthy.outside("Heartbeat", &Outside::Value(beat));
        healthy.frame(Duration::from_secs_f64(beat));
    }
    pictures.push(("restore-armed.svg", page(&panel, 1, &healthy)));

    let mut silent = start()?;
    silent.outside("AgentStateJson", &Outside::String(STATE));
    silent.frame(Duration::ZERO);
    silent.frame(Duration::from_secs(5));
    pictures.push(("status-offline.svg", page(&panel, 0, &silent)));

    Ok(pictures
        .into_iter()
        .map(|(name, svg)| (name.to_owned(), svg.unwrap_or_default()))
        .collect())
}

/// The agent's answer to the preview that the panel has just asked for.
fn preview_for(runtime: &Runtime) -> String {
    let asked = runtime.control("RequestJson");
    let asked = asked.and_then(|request| serde_json::from_str(&request.string).ok());
    let asked: serde_json::Value = asked.unwrap_or_default();
    let text = "Loses 465 events of the last 55 min; nothing else changes.";
    serde_json::json!({"id": asked["id"], "result": "done", "text": text}).to_string()
}

fn start(source: &str, definition: &Definition) -> Result<Runtime, HostError> {
    let role = Role::Plugin {
        controls: definition.controls.clone(),
        properties: definition.property_values(),
    };
    let options = RuntimeOptions {
        seed: Some(1),
        wall: Arc::new(|| 1_772_394_900.0),
        ..RuntimeOptions::default()
    };
    Runtime::start(
        "plugin",
        source,
        &role,
        &Directory::default(),
        &[],
        &options,
    )
}

fn page(panel: &Panel, index: usize, runtime: &Runtime) -> Option<String> {
    page_picture(panel, index, &|name| runtime.control(name))
}
