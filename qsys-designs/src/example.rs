//! The pictures of the guide: the built plugin with the state of an example agent, drawn page by page.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use contract::control::{ACK, HEARTBEAT, REQUEST, STATE};
use contract::{
    Ack, AckResult, Agent, Backup, Core, Disk, Events, Message, Point, Range, Request, RequestKind,
    SCHEMA, Span, State, Undo,
};

use crate::host::{Definition, Directory, HostError, Outside, Role, Runtime, RuntimeOptions};
use crate::panel::{Panel, page_picture};
use crate::plugin::built_plugin;

/// What an agent would say at 19:55, five minutes before a show.
fn state() -> State {
    let text = |text: &str| Some(text.to_owned());
    let point = |id: &str, when: &str, label: &str| Point {
        id: id.into(),
        when: when.into(),
        label: label.into(),
    };
    State {
        schema: SCHEMA,
        status: 0,
        text: "Recording and backed up".into(),
        agent: Agent {
            version: "0.1.0".into(),
            pid: Some(4711),
        },
        core: Core {
            host: text("10.0.0.5"),
            state: "Active".into(),
            design: text("Harbour_Theatre"),
        },
        recording: true,
        events: Events {
            total: 1_234_567,
            per_second: 25.4,
            gaps: 1,
        },
        backup: Backup {
            last: text("2026-03-01T19:00:00Z"),
            last_text: "today 19:00, 1 234 102 events, 24 MB".into(),
            age_seconds: Some(3300),
            next: text("2026-03-02T04:00:00Z"),
            next_text: None,
            count: 7,
            last_verified: text("2026-03-01T19:00:05Z"),
            verified_text: "today 19:00, read back".into(),
            ok: true,
        },
        recoverable: Range {
            from: text("2026-02-22T00:00:00Z"),
            to: text("2026-03-01T19:55:00Z"),
            from_text: None,
            to_text: None,
            gaps: vec![Span {
                from: "2026-02-25T03:10:00Z".into(),
                to: "2026-02-25T06:20:00Z".into(),
            }],
        },
        points: vec![
            point("b4", "today 19:00", "1 234 102 events"),
            point("b3", "today 04:00", "1 180 770 events"),
            point("b2", "yesterday 19:00", "1 093 001 events"),
            point("b1", "yesterday 04:00", "1 000 412 events"),
        ],
        job: None,
        can: RequestKind::ALL.into(),
        pin_required: true,
        undo: Undo {
            available: false,
            text: String::new(),
        },
        disk: Some(Disk {
            text: "212 GB free".into(),
        }),
    }
}

fn message() -> Message<'static> {
    Message {
        state: Cow::Owned(state()),
        seq: 812,
        sent_at: "2026-03-01T19:55:00Z".into(),
    }
}

/// File name and SVG text of each page, and of the states worth showing. The same bytes every time.
pub fn example_pictures() -> Result<Vec<(String, String)>, HostError> {
    let source = built_plugin();
    let definition = Definition::read("plugin", &source, &[])?;
    let panel = Panel::of(&definition);
    let message =
        serde_json::to_string(&message()).expect("texts and numbers always have a JSON form");
    let start = || start(&source, &definition);
    let mut pictures = Vec::new();

    let mut healthy = start()?;
    healthy.outside(STATE, &Outside::String(&message));
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
    healthy.outside(ACK, &Outside::String(&preview_for(&healthy)));
    healthy.outside("Pin", &Outside::String("****"));
    healthy.frame(Duration::ZERO);
    healthy.outside("ArmRestore", &Outside::Press);
    healthy.frame(Duration::from_secs(1));
    for second in 2..=3 {
        let beat = f64::from(second);
        healthy.outside(HEARTBEAT, &Outside::Value(beat));
        healthy.frame(Duration::from_secs_f64(beat));
    }
    pictures.push(("restore-armed.svg", page(&panel, 1, &healthy)));

    let mut silent = start()?;
    silent.outside(STATE, &Outside::String(&message));
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
    let asked = runtime.control(REQUEST);
    let asked = asked.and_then(|request| serde_json::from_str(&request.string).ok());
    let asked: Request = asked.unwrap_or_default();
    let ack = Ack {
        id: asked.id,
        result: AckResult::Done,
        text: "Loses 465 events of the last 55 min; nothing else changes.".into(),
    };
    serde_json::to_string(&ack).expect("texts always have a JSON form")
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
