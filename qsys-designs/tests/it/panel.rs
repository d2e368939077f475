//! The built plugin against an agent that speaks well, badly, or not at all. In both event modes.

use contract::control;
use qsys_designs::host::LogKind;
use serde_json::json;

use crate::bench::{Bench, healthy};

fn in_both_modes(story: impl Fn(&mut Bench)) {
    for own_writes_fire in [false, true] {
        let mut bench = Bench::plugin(own_writes_fire);
        story(&mut bench);
        bench.assert_clean();
    }
}

/// An agent that is there: one snapshot and a heartbeat.
fn agent_arrives(bench: &mut Bench) {
    bench.write(control::STATE, &healthy().to_string());
    bench.set(control::HEARTBEAT, 1.0);
}

fn beat(bench: &mut Bench) {
    let next = bench.value(control::HEARTBEAT) + 1.0;
    bench.set(control::HEARTBEAT, next);
}

/// Time passes with a heartbeat each second.
fn live(bench: &mut Bench, seconds: u32) {
    for _ in 0..seconds {
        bench.pass(1.0);
        beat(bench);
    }
}

#[test]
fn it_waits_at_first_then_says_that_no_agent_answered() {
    in_both_modes(|bench| {
        assert_eq!(bench.value("Status"), 5.0);
        assert_eq!(
            bench.text("StatusText"),
            "INITIALIZING: Waiting for the recovery agent"
        );
        bench.pass(5.0);
        assert_eq!(bench.value("Status"), 4.0);
        assert!(bench.text("StatusText").starts_with("MISSING: "));
        assert!(bench.disabled(control::BACKUP_NOW));
    });
}

#[test]
fn a_snapshot_is_shown() {
    in_both_modes(|bench| {
        agent_arrives(bench);
        assert_eq!(bench.value("Status"), 0.0);
        assert_eq!(bench.text("Status"), "Everything is recorded and backed up");
        assert_eq!(
            bench.text("StatusText"),
            "OK: Everything is recorded and backed up"
        );
        assert_eq!(bench.text("CoreText"), "Harbour_Theatre, Active, 10.0.0.5");
        assert_eq!(bench.text("EventsRate"), "25 per second");
        assert_eq!(bench.text("EventsTotal"), "1 234 567 events");
        assert_eq!(bench.text("LastBackup"), "today 20:00");
        assert_eq!(bench.text("BackupAge"), "55 min");
        assert_eq!(bench.text("GapsText"), "none");
        for led in [
            "AgentOnline",
            "Recording",
            "BackupOk",
            "RangeSlot1",
            "RangeSlot24",
        ] {
            assert_eq!(bench.value(led), 1.0, "{led}");
        }
        assert_eq!(bench.value("RecoveryRunning"), 0.0);
        assert!(!bench.disabled(control::BACKUP_NOW));
    });
}

#[test]
fn backup_ok_is_what_the_agent_says_of_the_backup_alone() {
    in_both_modes(|bench| {
        agent_arrives(bench);
        for (status, ok, lit) in [(1, true, 1.0), (0, false, 0.0)] {
            let mut state = healthy();
            state["status"] = status.into();
            state["backup"]["ok"] = ok.into();
            bench.write(control::STATE, &state.to_string());
            assert_eq!(bench.value("BackupOk"), lit, "{state}");
        }
    });
}

#[test]
fn a_hole_in_the_recoverable_range_is_an_empty_square() {
    in_both_modes(|bench| {
        let mut state = healthy();
        state["recoverable"] = json!({
            "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z",
            "gaps": [{"from": "2026-03-01T12:10:00Z", "to": "2026-03-01T12:20:00+00:00"}]
        });
        bench.write(control::STATE, &state.to_string());
        let lit: Vec<usize> = (1..=24)
            .filter(|i| bench.value(&format!("RangeSlot{i}")) == 0.0)
            .collect();
        assert_eq!(lit, [13]);
    });
}

#[test]
fn the_agent_is_offline_after_three_missed_heartbeats_and_comes_back() {
    in_both_modes(|bench| {
        agent_arrives(bench);
        live(bench, 3);
        bench.pass(3.0);
        assert_eq!(bench.value("Status"), 0.0, "two beats late is not silence");
        bench.take_log();
        bench.pass(1.1);
        assert_eq!(bench.value("Status"), 4.0);
        assert_eq!(bench.value("AgentOnline"), 0.0);
        assert_eq!(bench.value("Recording"), 0.0);
        assert_eq!(
            bench.text("LastBackup"),
            "today 20:00",
            "the last news stays, marked as old"
        );
        assert!(bench.text("AgentText").starts_with("OFFLINE"));
        assert_eq!(
            bench
                .take_log()
                .iter()
                .filter(|l| l.kind == LogKind::Error)
                .count(),
            1
        );
        beat(bench);
        assert_eq!(bench.value("Status"), 0.0);
    });
}

#[test]
fn a_press_latches_one_request_until_the_agent_answers() {
    in_both_modes(|bench| {
        agent_arrives(bench);
        bench.press(control::BACKUP_NOW);
        let request = bench.request().unwrap();
        assert_eq!(request["kind"], "backup");
        assert_eq!(request["at"], "2026-03-01T19:55:00Z");
        let id = request["id"].as_str().unwrap().to_owned();
        let grey = |bench: &Bench| {
            [control::BACKUP_NOW, control::VERIFY_NOW].map(|name| bench.disabled(name))
        };
        assert_eq!(grey(bench), [true; 2], "the press is seen to be taken");
        // A wire or a script does not mind.
        bench.press(control::BACKUP_NOW);
        assert_eq!(
            bench.request().unwrap()["id"],
            id.as_str(),
            "a second press is ignored"
        );
        assert!(bench.text("RequestText").contains("already"));

        bench.write(
            control::ACK,
            &json!({"id": "another", "result": "accepted"}).to_string(),
        );
        assert!(
            bench.request().is_some(),
            "an answer to another id is not ours"
        );
        bench.write(
            control::ACK,
            &json!({"id": id, "result": "accepted", "text": ""}).to_string(),
        );
        assert_eq!(bench.request(), None);
        assert_eq!(bench.text("RequestText"), "Backup accepted");
        assert_eq!(grey(bench), [false; 2]);
        bench.write(
            control::ACK,
            &json!({"id": id, "result": "done", "text": "7 files"}).to_string(),
        );
        assert_eq!(bench.text("RequestText"), "Backup done: 7 files");

        bench.press(control::VERIFY_NOW);
        let next = bench.request().unwrap();
        assert_eq!(next["kind"], "verify");
        assert_ne!(next["id"], id.as_str());
    });
}

#[test]
fn a_request_nobody_answers_expires_and_says_so() {
    in_both_modes(|bench| {
        agent_arrives(bench);
        bench.press(control::BACKUP_NOW);
        live(bench, 11);
        assert_eq!(bench.request(), None);
        assert_eq!(
            bench.text("RequestText"),
            "Backup: no answer from the agent within 10 s"
        );
        assert!(
            !bench.disabled(control::BACKUP_NOW),
            "no answer leaves no button grey"
        );
    });
}

#[test]
fn a_request_from_before_a_restart_is_expired_not_sent() {
    in_both_modes(|bench| {
        agent_arrives(bench);
        bench.press(control::BACKUP_NOW);
        assert!(bench.request().is_some());
        bench.restart();
        assert_eq!(bench.request(), None);
        let answer = bench.text("RequestText");
        assert!(answer.contains("expired"), "{answer:?}");
        assert_eq!(
            bench.value("Status"),
            5.0,
            "yesterday's news is not today's"
        );
        beat(bench);
        assert_eq!(
            bench.value("Status"),
            0.0,
            "recomputed with the first sign of life"
        );
    });
}

#[test]
fn a_press_while_the_agent_is_offline_sends_nothing() {
    in_both_modes(|bench| {
        bench.pass(5.0);
        bench.press(control::BACKUP_NOW);
        assert_eq!(bench.request(), None);
        assert_eq!(
            bench.text("RequestText"),
            "Backup not sent: the agent is offline"
        );
    });
}

#[test]
fn bad_messages_are_survived_and_shown() {
    in_both_modes(|bench| {
        agent_arrives(bench);
        let deep = "[".repeat(5000);
        for bad in [
            "{",
            "null",
            "[]",
            "42",
            "\"x\"",
            "{}",
            "{\"schema\":\"1\"}",
            deep.as_str(),
            "{\"schema\":1e999}",
        ] {
            bench.write(control::STATE, bad);
            assert_eq!(bench.value("Status"), 1.0, "{bad:.20}");
            assert!(
                bench
                    .text("StatusText")
                    .starts_with("COMPROMISED: Bad data from agent"),
                "{}",
                bench.text("StatusText")
            );
        }
        let huge = json!({"schema": 1, "status": 0, "text": "x".repeat(100_000)}).to_string();
        bench.write(control::STATE, &huge);
        assert!(
            bench.text("Status").contains("more than 65536"),
            "{}",
            bench.text("Status")
        );
        for bad in ["{", "null", "[1]", "{\"id\":1,\"result\":[]}"] {
            bench.write(control::ACK, bad);
        }
        bench.write(control::STATE, &healthy().to_string());
        assert_eq!(bench.value("Status"), 0.0, "good news heals");
    });
}

#[test]
fn members_that_are_missing_null_or_mistyped_are_not_told() {
    in_both_modes(|bench| {
        let odd = json!({
            "schema": 1, "status": 9, "text": ["no"], "agent": 3, "core": null, "events": {"total": "many", "per_second": null},
            "backup": {"age_seconds": "old", "count": -1.5}, "recoverable": {"from": "yesterday", "gaps": [1, null, {}]},
            "points": [1, null, {"id": 3}, {"id": "ok"}], "job": {"percent": "half", "state": 3}, "extra": {"new": [1, 2]}
        });
        bench.write(control::STATE, &odd.to_string());
        assert_eq!(bench.value("Status"), 1.0);
        assert_eq!(bench.text("EventsTotal"), "not told");
        assert_eq!(bench.text("CoreText"), "not told");
    });
}

#[test]
fn other_schema_versions_are_named_with_what_to_do() {
    in_both_modes(|bench| {
        for (schema, told) in [(2, "update the plugin"), (0, "update the agent")] {
            bench.write(
                control::STATE,
                &json!({"schema": schema, "status": 0}).to_string(),
            );
            assert_eq!(bench.value("Status"), 1.0);
            assert!(
                bench.text("Status").contains(told),
                "{}",
                bench.text("Status")
            );
        }
    });
}

#[test]
fn long_and_strange_text_is_cut_to_one_line() {
    in_both_modes(|bench| {
        let mut state = healthy();
        state["text"] = json!(format!("line one\nline two {}", "é".repeat(500)));
        bench.write(control::STATE, &state.to_string());
        let text = bench.text("Status");
        assert!(
            text.starts_with("line one line two é") && text.ends_with('…') && text.len() < 220,
            "{text}"
        );
        assert!(!text.contains('\u{fffd}'));
    });
}

#[test]
fn a_running_job_is_shown_with_its_progress() {
    in_both_modes(|bench| {
        let mut state = healthy();
        state["job"] = json!({"id": "j", "kind": "restore", "state": "running", "percent": 41.6, "text": "Building"});
        bench.write(control::STATE, &state.to_string());
        assert_eq!(bench.text("JobText"), "42 %  Building");
        assert_eq!(bench.value("RecoveryRunning"), 1.0);
    });
}

#[test]
fn an_unchanged_panel_is_not_written_again() {
    in_both_modes(|bench| {
        agent_arrives(bench);
        bench.runtime.take_changes();
        beat(bench);
        bench.pass(1.0);
        beat(bench);
        assert_eq!(bench.runtime.take_changes().len(), 0);
    });
}
