//! The plugin's Lua against the crate `contract`: what one side adds, renames or drops, the other must know of.

use std::borrow::Cow;
use std::collections::BTreeSet;

use contract::{
    Ack, AckResult, Agent, Backup, Core, Disk, Events, Job, JobState, Message, Point, Range,
    Request, RequestKind, SCHEMA, Span, State, Undo, control,
};
use qsys_designs::built_plugin;
use qsys_designs::host::Definition;
use serde_json::Value as Json;

use crate::bench::{Bench, healthy};

const SNAPSHOT: &str = include_str!("../../plugin/snapshot.lua");
const SHOW: &str = include_str!("../../plugin/show.lua");
const REQUEST: &str = include_str!("../../plugin/request.lua");
const RESTORE: &str = include_str!("../../plugin/restore.lua");
const RUNTIME: &str = include_str!("../../plugin/runtime.lua");
const SOURCES: [&str; 5] = [SNAPSHOT, SHOW, REQUEST, RESTORE, RUNTIME];

/// Where each Lua source has parts of a document, by its own names for them: source, name, document and place.
const READERS: [(&str, &str, Document, &str); 19] = [
    (SNAPSHOT, "doc", Document::State, ""),
    (SNAPSHOT, "point", Document::State, "/points/0"),
    (SNAPSHOT, "recoverable", Document::State, "/recoverable"),
    (SNAPSHOT, "gap", Document::State, "/recoverable/gaps/0"),
    (SHOW, "agent", Document::State, "/agent"),
    (SHOW, "core", Document::State, "/core"),
    (SHOW, "events", Document::State, "/events"),
    (SHOW, "backup", Document::State, "/backup"),
    (SHOW, "seen.backup", Document::State, "/backup"),
    (SHOW, "seen.disk", Document::State, "/disk"),
    (SHOW, "seen.recoverable", Document::State, "/recoverable"),
    (SHOW, "job", Document::State, "/job"),
    (RESTORE, "job", Document::State, "/job"),
    (RESTORE, "seen and seen.job", Document::State, "/job"),
    (RESTORE, "seen.job", Document::State, "/job"),
    (RESTORE, "seen.undo", Document::State, "/undo"),
    (RUNTIME, "seen.job", Document::State, "/job"),
    (RUNTIME, "seen.undo", Document::State, "/undo"),
    (REQUEST, "ack", Document::Ack, ""),
];

/// Members that are for people who look into the mailbox; the plugin reads all others.
const UNREAD: [&str; 4] = ["/agent/pid", "/job/id", "/sentAt", "/undo/text"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Document {
    State,
    Ack,
}

/// A document with every member that there can be.
fn full(document: Document) -> Json {
    let text = || "x".to_owned();
    if document == Document::Ack {
        let ack = Ack {
            id: text(),
            result: AckResult::Done,
            text: text(),
        };
        return serde_json::to_value(ack).unwrap();
    }
    let state = State {
        schema: SCHEMA,
        status: 0,
        text: text(),
        agent: Agent {
            version: text(),
            pid: Some(1),
        },
        core: Core {
            host: Some(text()),
            state: text(),
            design: Some(text()),
        },
        recording: true,
        events: Events {
            total: 1,
            per_second: 1.0,
            gaps: 1,
        },
        backup: Backup {
            last: Some(text()),
            last_text: text(),
            age_seconds: Some(1),
            next: Some(text()),
            next_text: Some(text()),
            count: 1,
            last_verified: Some(text()),
            verified_text: text(),
            ok: true,
        },
        recoverable: Range {
            from: Some(text()),
            to: Some(text()),
            from_text: Some(text()),
            to_text: Some(text()),
            gaps: vec![Span {
                from: text(),
                to: text(),
            }],
        },
        points: vec![Point {
            id: text(),
            when: text(),
            label: text(),
        }],
        job: Some(Job {
            id: text(),
            kind: text(),
            state: JobState::Running,
            percent: 1,
            text: text(),
            own: false,
        }),
        can: RequestKind::ALL.into(),
        pin_required: true,
        undo: Undo {
            available: true,
            text: text(),
        },
        disk: Some(Disk { text: text() }),
    };
    let message = Message {
        state: Cow::Owned(state),
        seq: 1,
        sent_at: text(),
    };
    serde_json::to_value(message).unwrap()
}

/// The path of every member of a document, and its type by Lua's name for it.
fn members(document: &Json, at: &str, found: &mut BTreeSet<(String, &'static str)>) {
    match document {
        Json::Object(inner) => {
            for (name, value) in inner {
                let path = format!("{at}/{name}");
                found.insert((path.clone(), lua_type(value)));
                members(value, &path, found);
            }
        }
        Json::Array(list) => members(&list[0], &format!("{at}/0"), found),
        _ => {}
    }
}

fn lua_type(value: &Json) -> &'static str {
    match value {
        Json::Null => "nil",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) | Json::Object(_) => "table",
    }
}

/// What the Lua sources read of a document: the arguments of each call of `Member`.
fn read_by_lua(document: Document) -> BTreeSet<(String, &'static str)> {
    let mut found = BTreeSet::new();
    for source in SOURCES {
        for call in source.split("Member(").skip(1) {
            let arguments = call.split(')').next().unwrap();
            let arguments: Vec<_> = arguments.split(", ").collect();
            let [part, name, kind] = arguments[..] else {
                panic!("Member({arguments:?})");
            };
            let (Some(name), Some(kind)) = (quoted(name), quoted(kind)) else {
                assert_eq!(arguments, ["doc", "name", "kind"], "only its definition");
                continue;
            };
            let reader = READERS.iter().find(|r| (r.0, r.1) == (source, part));
            let (.., of, place) = reader.unwrap_or_else(|| panic!("what is {part} in Lua?"));
            if *of == document {
                let kind = ["boolean", "number", "string", "table"]
                    .into_iter()
                    .find(|known| *known == kind)
                    .unwrap();
                found.insert((format!("{place}/{name}"), kind));
            }
        }
    }
    found
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// The texts that Lua compares the variables of one of these names with.
fn compared_with(names: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in SOURCES {
        for name in names {
            for sign in [" == \"", " ~= \""] {
                for rest in source.split(&format!("{name}{sign}")).skip(1) {
                    found.insert(rest.split('"').next().unwrap().to_owned());
                }
            }
        }
    }
    found
}

fn set(names: impl IntoIterator<Item = &'static str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_plugin_has_the_controls_of_the_contract_and_no_others() {
    let definition = Definition::read("built", &built_plugin(), &[]).unwrap();
    let plugin: BTreeSet<_> = definition.controls.into_iter().map(|c| c.name).collect();
    assert_eq!(plugin, control::all().collect());
    assert_eq!(control::all().count(), plugin.len(), "one name twice");
}

#[test]
fn the_plugin_reads_every_member_of_the_state_but_those_for_people_and_no_others() {
    let mut there = BTreeSet::new();
    members(&full(Document::State), "", &mut there);
    let unread = |member: &(String, &str)| UNREAD.contains(&member.0.as_str());
    assert_eq!(there.iter().filter(|member| unread(member)).count(), 4);
    there.retain(|member| !unread(member));
    assert_eq!(read_by_lua(Document::State), there);
}

#[test]
fn the_plugin_reads_every_member_of_an_answer_and_no_others() {
    let mut there = BTreeSet::new();
    members(&full(Document::Ack), "", &mut there);
    assert_eq!(read_by_lua(Document::Ack), there);
}

#[test]
fn the_plugin_reads_members_by_the_one_function_that_checks_their_types() {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    for (source, part, ..) in READERS {
        let code = source.lines().filter(|line| !line.contains("= doc[name]"));
        for line in code.map(|line| line.split("--").next().unwrap()) {
            for access in [format!("{part}."), format!("{part}[")] {
                for (at, _) in line.match_indices(&access) {
                    let inside_a_word = line[..at].ends_with(is_word);
                    assert!(inside_a_word, "{part} is read without Member: {line}");
                }
            }
        }
    }
}

#[test]
fn the_plugin_knows_the_schema_the_kinds_and_the_words_of_jobs_and_answers() {
    assert!(SNAPSHOT.contains(&format!("local Schema = {SCHEMA}\n")));

    let kinds = REQUEST.split("local Kinds = {").nth(1).unwrap();
    let kinds = kinds.split('}').next().unwrap().split(", ");
    let kinds: BTreeSet<_> = kinds
        .map(|pair| pair.split(" = ").next().unwrap().trim().to_owned())
        .collect();
    assert_eq!(kinds, set(RequestKind::ALL.map(RequestKind::name)));

    let states = compared_with(&["state", "Member(job, \"state\", \"string\")"]);
    let known = [JobState::Running, JobState::Done, JobState::Failed];
    let known = known.map(|state| serde_json::to_value(state).unwrap());
    let known = known.map(|state| state.as_str().unwrap().to_owned());
    assert_eq!(states, BTreeSet::from(known));

    // It shows the other two as they are.
    let results = compared_with(&["result"]);
    let special = [AckResult::Accepted, AckResult::Failed];
    assert_eq!(results, set(special.map(AckResult::name)));
}

#[test]
fn the_plugin_writes_requests_of_every_kind_with_the_members_of_the_contract_and_no_others() {
    let mut kinds = BTreeSet::new();
    let mut written = BTreeSet::new();
    let mut bench = Bench::plugin(false);
    let mut state = healthy();
    state["undo"] = serde_json::json!({"available": true, "text": ""});
    bench.write(control::STATE, &state.to_string());
    bench.set(control::HEARTBEAT, 1.0);

    let mut ask = |bench: &mut Bench, typed: &[(&str, &str)], presses: &[&str]| {
        for (name, text) in typed {
            bench.write(name, text);
        }
        presses.iter().for_each(|name| bench.press(name));
        let document = bench.request().unwrap();
        let request: Request = serde_json::from_value(document.clone()).unwrap();
        assert!(RequestKind::named(&request.kind).is_some(), "{request:?}");
        let pin = typed.iter().find(|(name, _)| *name == "Pin");
        assert_eq!(request.pin_proof, pin.map(|(_, pin)| request.proof(pin)));
        // Nothing that the contract does not know: the same comes out again.
        assert_eq!(serde_json::to_value(&request).unwrap(), document);
        written.extend(document.as_object().unwrap().keys().cloned());
        let ack = Ack {
            id: request.id,
            result: AckResult::Done,
            text: String::new(),
        };
        bench.write(control::ACK, &serde_json::to_string(&ack).unwrap());
        kinds.insert(request.kind);
    };
    let point = ("RestorePoint", "today 20:00  1 234 567 events");
    let moment = ("RestoreMoment", "2026-03-01 19:00:00");
    let pin = ("Pin", "4071");
    let confirmed = ["ArmRestore", "ConfirmRestore"];
    ask(&mut bench, &[], &[control::BACKUP_NOW]);
    ask(&mut bench, &[], &[control::VERIFY_NOW]);
    ask(&mut bench, &[point], &["PreviewRestore"]);
    ask(&mut bench, &[point, pin], &confirmed);
    ask(&mut bench, &[moment], &confirmed);
    ask(&mut bench, &[pin], &["ArmUndo", "ConfirmRestore"]);

    assert_eq!(kinds, set(RequestKind::ALL.map(RequestKind::name)));
    // Without a default, so that none is forgotten.
    let every_member = Request {
        id: String::new(),
        kind: String::new(),
        at: String::new(),
        point_id: Some(String::new()),
        moment: Some(String::new()),
        armed: Some(true),
        pin_proof: Some(String::new()),
    };
    let every_member = serde_json::to_value(every_member).unwrap();
    let every_member = every_member.as_object().unwrap().keys().cloned();
    assert_eq!(written, every_member.collect());
}
