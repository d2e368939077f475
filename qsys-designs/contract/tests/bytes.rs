//! The documents byte by byte: a plugin in a design is not updated with the agent.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::borrow::Cow;

use contract::{
    Ack, AckResult, Agent, Backup, Core, Disk, Events, Job, JobState, Message, Point, Range,
    Request, RequestKind, SCHEMA, Span, State, Undo,
};

fn message(state: State, seq: u64, sent_at: &str) -> Message<'static> {
    Message {
        state: Cow::Owned(state),
        seq,
        sent_at: sent_at.into(),
    }
}

fn state() -> State {
    State {
        schema: SCHEMA,
        status: 1,
        text: "No proved \"backup\" yet".into(),
        agent: Agent {
            version: "0.1.0".into(),
            pid: Some(4711),
        },
        core: Core {
            host: Some("10.0.0.5".into()),
            state: "Active".into(),
            design: None,
        },
        recording: true,
        events: Events {
            total: 1_234_567,
            per_second: 25.4,
            gaps: 1,
        },
        backup: Backup {
            last: Some("2026-03-01T19:00:00Z".into()),
            last_text: "2026-03-01 20:00, 7 events, 24 MB".into(),
            age_seconds: Some(3300),
            next: None,
            next_text: None,
            count: 7,
            last_verified: Some("2026-03-01T19:00:05Z".into()),
            verified_text: "read back 2026-03-01 20:00".into(),
            ok: true,
        },
        recoverable: Range {
            from: Some("2026-02-22T00:00:00Z".into()),
            to: Some("2026-03-01T19:55:00Z".into()),
            from_text: Some("2026-02-22 01:00".into()),
            to_text: None,
            gaps: vec![Span {
                from: "2026-02-25T03:10:00Z".into(),
                to: "2026-02-25T06:20:00Z".into(),
            }],
        },
        points: vec![Point {
            id: "b1".into(),
            when: "2026-03-01 20:00".into(),
            label: "7 events".into(),
        }],
        job: Some(Job {
            id: "backup-1".into(),
            kind: "backup".into(),
            state: JobState::Running,
            percent: 42,
            text: "packing".into(),
            own: false,
        }),
        can: RequestKind::ALL.into(),
        pin_required: true,
        undo: Undo {
            available: true,
            text: "the restore of 19:00".into(),
        },
        disk: Some(Disk {
            text: "212 GB free".into(),
        }),
    }
}

/// Checks the text of a document, and that the same document is read from it.
fn both_ways<T>(document: &T, text: &str)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    assert_eq!(serde_json::to_string(document).unwrap(), text);
    assert_eq!(serde_json::from_str::<T>(text).unwrap(), *document);
}

#[test]
fn a_full_state() {
    both_ways(
        &message(state(), 812, "2026-03-01T19:55:00.000Z"),
        concat!(
            r#"{"schema":1,"status":1,"text":"No proved \"backup\" yet","#,
            r#""agent":{"version":"0.1.0","pid":4711},"#,
            r#""core":{"host":"10.0.0.5","state":"Active","design":null},"recording":true,"#,
            r#""events":{"total":1234567,"per_second":25.4,"gaps":1},"#,
            r#""backup":{"last":"2026-03-01T19:00:00Z","#,
            r#""lastText":"2026-03-01 20:00, 7 events, 24 MB","age_seconds":3300,"#,
            r#""next":null,"nextText":null,"count":7,"last_verified":"2026-03-01T19:00:05Z","#,
            r#""verifiedText":"read back 2026-03-01 20:00","ok":true},"#,
            r#""recoverable":{"from":"2026-02-22T00:00:00Z","to":"2026-03-01T19:55:00Z","#,
            r#""fromText":"2026-02-22 01:00","toText":null,"#,
            r#""gaps":[{"from":"2026-02-25T03:10:00Z","to":"2026-02-25T06:20:00Z"}]},"#,
            r#""points":[{"id":"b1","when":"2026-03-01 20:00","label":"7 events"}],"#,
            r#""job":{"id":"backup-1","kind":"backup","state":"running","percent":42,"#,
            r#""text":"packing","own":false},"can":["backup","verify","preview","restore","undo"],"#,
            r#""pinRequired":true,"undo":{"available":true,"text":"the restore of 19:00"},"#,
            r#""disk":{"text":"212 GB free"},"seq":812,"sentAt":"2026-03-01T19:55:00.000Z"}"#
        ),
    );
}

#[test]
fn a_state_that_has_little_to_tell_names_every_member_all_the_same() {
    let state = State {
        job: None,
        disk: None,
        points: Vec::new(),
        events: Events {
            per_second: 0.0,
            total: 0,
            gaps: 0,
        },
        ..state()
    };
    both_ways(
        &message(state, 0, "2026-03-01T19:55:00.250Z"),
        concat!(
            r#"{"schema":1,"status":1,"text":"No proved \"backup\" yet","#,
            r#""agent":{"version":"0.1.0","pid":4711},"#,
            r#""core":{"host":"10.0.0.5","state":"Active","design":null},"recording":true,"#,
            r#""events":{"total":0,"per_second":0.0,"gaps":0},"#,
            r#""backup":{"last":"2026-03-01T19:00:00Z","#,
            r#""lastText":"2026-03-01 20:00, 7 events, 24 MB","age_seconds":3300,"#,
            r#""next":null,"nextText":null,"count":7,"last_verified":"2026-03-01T19:00:05Z","#,
            r#""verifiedText":"read back 2026-03-01 20:00","ok":true},"#,
            r#""recoverable":{"from":"2026-02-22T00:00:00Z","to":"2026-03-01T19:55:00Z","#,
            r#""fromText":"2026-02-22 01:00","toText":null,"#,
            r#""gaps":[{"from":"2026-02-25T03:10:00Z","to":"2026-02-25T06:20:00Z"}]},"#,
            r#""points":[],"job":null,"#,
            r#""can":["backup","verify","preview","restore","undo"],"#,
            r#""pinRequired":true,"undo":{"available":true,"text":"the restore of 19:00"},"#,
            r#""disk":null,"seq":0,"sentAt":"2026-03-01T19:55:00.250Z"}"#
        ),
    );
}

#[test]
fn an_answer() {
    let ack = |result, text: &str| Ack {
        id: "a-1".into(),
        result,
        text: text.into(),
    };
    both_ways(
        &ack(AckResult::Refused, "it was not armed"),
        r#"{"id":"a-1","result":"refused","text":"it was not armed"}"#,
    );
    both_ways(
        &ack(AckResult::Accepted, ""),
        r#"{"id":"a-1","result":"accepted","text":""}"#,
    );
    for result in [
        AckResult::Accepted,
        AckResult::Refused,
        AckResult::Done,
        AckResult::Failed,
    ] {
        assert_eq!(serde_json::to_value(result).unwrap(), result.name());
    }
}

#[test]
fn a_request() {
    let request = Request {
        id: "a-1".into(),
        kind: RequestKind::Backup.name().into(),
        at: "2026-03-01T19:55:00Z".into(),
        ..Request::default()
    };
    both_ways(
        &request,
        r#"{"id":"a-1","kind":"backup","at":"2026-03-01T19:55:00Z"}"#,
    );
    both_ways(
        &Request {
            kind: RequestKind::Restore.name().into(),
            point_id: Some("b1".into()),
            armed: Some(true),
            pin_proof: Some("00ff".into()),
            ..request.clone()
        },
        concat!(
            r#"{"id":"a-1","kind":"restore","at":"2026-03-01T19:55:00Z","#,
            r#""pointId":"b1","armed":true,"pinProof":"00ff"}"#
        ),
    );
    both_ways(
        &Request {
            kind: RequestKind::Preview.name().into(),
            moment: Some("2026-03-01 19:50:00".into()),
            ..request
        },
        concat!(
            r#"{"id":"a-1","kind":"preview","at":"2026-03-01T19:55:00Z","#,
            r#""moment":"2026-03-01 19:50:00"}"#
        ),
    );
    for kind in RequestKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        assert_eq!(RequestKind::named(kind.name()), Some(kind));
    }
    assert_eq!(RequestKind::named("selfdestruct"), None);
}

#[test]
fn members_of_a_later_plugin_are_no_obstacle() {
    let text = r#"{"id":"a","kind":"undo","at":"now","later":[1,{"x":null}]}"#;
    assert_eq!(serde_json::from_str::<Request>(text).unwrap().kind, "undo");
}

#[test]
fn a_proof_covers_the_chosen_backup_or_moment() {
    let request = Request {
        id: "a".into(),
        kind: "restore".into(),
        at: "t".into(),
        point_id: Some("b2".into()),
        ..Request::default()
    };
    let proof = contract::pin_proof("4071", "a", "restore", "b2", "t");
    assert_eq!(request.proof("4071"), proof);
    let moment = Request {
        point_id: None,
        moment: Some("b2".into()),
        ..request.clone()
    };
    assert_eq!(moment.proof("4071"), proof);
    let none = Request {
        point_id: None,
        ..request
    };
    let proof = contract::pin_proof("4071", "a", "restore", "", "t");
    assert_eq!(none.proof("4071"), proof);
}
