//! Questions from a shell: events page by page, as they come, as a table and as a picture; the room at a moment.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use qrc::method::component::{Set, SetControl};
use serde_json::Value;

use crate::stage::{EmulatedCore, Site, failed, until};

/// Moves a fader so often, each time to another level, and waits until all that is stored.
async fn move_fader(core: &EmulatedCore, site: &Site, levels: impl Iterator<Item = i32>) {
    let wall = core.client();
    let mut last = None;
    for level in levels {
        let set = Set::new("Master", vec![SetControl::value("gain", f64::from(level))]);
        wall.call(&set).await.unwrap();
        until("the level to be stored", || {
            (site.count(&format!("control_path = 'Master.gain' AND value = {level}")) > 0)
                .then_some(())
        });
        last = Some(level);
    }
    assert!(last.is_some());
}

/// A process that would go on for ever, killed with its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ids(page: &Value) -> Vec<i64> {
    let id = |event: &Value| event["id"].as_i64().unwrap();
    page.as_array().unwrap().iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_from_either_end_hold_every_event_once() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();
    move_fader(&core, &site, -30..-23).await;

    let all = ids(&site.json(&["events", "--limit", "1000", "--order", "oldest"]));
    assert!(all.len() >= 7 && all.is_sorted());
    for order in ["oldest", "newest"] {
        let mut paged = Vec::new();
        loop {
            let after = paged.last().map(i64::to_string);
            let mut arguments = vec!["events", "--order", order, "--limit", "3"];
            if let Some(after) = &after {
                arguments.extend(["--after", after]);
            }
            let page = ids(&site.json(&arguments));
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        if order == "newest" {
            paged.reverse();
        }
        assert_eq!(paged, all, "{order}");
    }

    let table = site.run(&["events", "--csv", "--limit", "1000"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert_eq!(table.matches("\r\n").count(), all.len() + 1);
    assert!(
        table.starts_with("id,time,timestamp,control_path,"),
        "{table}"
    );

    let plot = site.json(&["events", "--plot"]);
    let rows = plot["rows"].as_array().unwrap();
    let shown: u64 = rows.iter().map(|row| row["events"].as_u64().unwrap()).sum();
    assert_eq!(shown, all.len() as u64);
    let in_columns: u64 = rows
        .iter()
        .flat_map(|row| row["counts"].as_array().unwrap())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(in_columns, shown);

    let (code, said) = failed(&site.run(&["events", "--control", "a["]));
    assert_eq!(code, 1);
    assert!(said.contains("a["), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_at_a_moment_and_what_changed_since() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let _agent = site.recording_agent();
    move_fader(&core, &site, [-31].into_iter()).await;
    let events = site.json(&["events", "--control", "Master.gain"]);
    let before = events.as_array().unwrap().last().unwrap()["timestamp"].to_string();
    move_fader(&core, &site, [-12].into_iter()).await;

    let then = site.json(&["state", "--at", &before]);
    let gain = |state: &Value| {
        let controls = state["controls"].as_array().unwrap();
        let gain = controls.iter().find(|c| c["control_path"] == "Master.gain");
        gain.unwrap()["value"].clone()
    };
    assert_eq!(gain(&then), -31.0);
    assert!(
        then["controls"].as_array().unwrap().len() > 300,
        "the whole room"
    );
    assert!(then["read_in_full"].is_string());
    let now = site.json(&["state", "--control", "Master.*"]);
    assert_eq!(gain(&now), -12.0);
    for control in now["controls"].as_array().unwrap() {
        assert_eq!(control["component_name"], "Master");
    }

    let diff = site.json(&["diff", "--from", &before]);
    let changed = diff["controls"].as_array().unwrap();
    let fader: Vec<_> = changed
        .iter()
        .filter(|c| c["control_path"] == "Master.gain")
        .collect();
    assert_eq!(fader.len(), 1, "{diff}");
    assert_eq!(
        (&fader[0]["before"], &fader[0]["after"]),
        (&(-31.0).into(), &(-12.0).into())
    );
    let (code, _) = failed(&site.run(&["diff", "--from", "now", "--to", "-1h"]));
    assert_eq!(code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_rows_is_a_whole_document_all_the_same() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    assert_eq!(agent.terminate(), 0);

    let none = ["--control", "Nobody.*"];
    let table = |verb: &[&str], arguments: &[&str]| {
        let output = site.run(&[verb, arguments].concat());
        assert!(output.status.success(), "{verb:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for (verb, header) in [
        (
            &["events"][..],
            "id,time,timestamp,control_path,component_name,control_name,value,string_value,position,source",
        ),
        (&["events", "--plot"], "name,time,events"),
        (
            &["state"],
            "control_path,component_name,control_name,value,string_value,position,since",
        ),
        (
            &["diff", "--from", "-1h"],
            "control_path,before,before_string,after,after_string,changed",
        ),
    ] {
        let csv = table(verb, &[&none[..], &["--csv"]].concat());
        assert_eq!(csv, format!("{header}\r\n"), "{verb:?}");
        let json = site.json(&[verb, &none[..]].concat());
        assert!(json.is_array() || json.is_object(), "{verb:?}: {json}");
    }
    assert_eq!(
        table(&["audit"], &["--csv"]),
        "id,at,asker,place,request,what,about,outcome,said,seconds,design,design_code,asked_at\r\n"
    );
    assert_eq!(site.json(&["audit"]), serde_json::json!([]));
    assert_eq!(site.json(&["list"]), serde_json::json!([]));
    let later = ["export", "--start", "2999-01-01 00:00", "--output", "-"];
    let csv = table(&later, &["--format", "csv"]);
    assert!(
        csv.starts_with("id,timestamp,") && csv.lines().count() == 1,
        "{csv}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn following_shows_each_change_as_it_is_recorded_over_a_restart_of_the_agent() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    let mut follower = Killed(
        site.command()
            .args(["events", "--follow", "--json", "--control", "Master.gain"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let (send, lines) = mpsc::channel();
    let output = BufReader::new(follower.0.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap();
            let _ = send.send(event["value"].as_f64().unwrap());
        }
    });
    let next = || lines.recv_timeout(Duration::from_secs(30)).unwrap();

    move_fader(&core, &site, [-41, -42].into_iter()).await;
    assert_eq!([next(), next()], [-41.0, -42.0]);
    assert_eq!(agent.terminate(), 0);
    let _agent = site.recording_agent();
    move_fader(&core, &site, [-43].into_iter()).await;
    assert_eq!(next(), -43.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_in_a_gap_that_has_not_ended_is_named_as_that() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let agent = site.recording_agent();
    move_fader(&core, &site, -30..-28).await;
    assert_eq!(site.json(&["state"])["gaps"], serde_json::json!([]));
    core.process.kill();
    let open = || site.json(&["status"])["events"]["open_gap"]["why"].clone();
    let why = until("the gap to open", || {
        Some(open()).filter(|why| !why.is_null())
    });
    let tells = |document: &Value, why: &Value| {
        let mut gaps = document["gaps"].as_array().unwrap().iter();
        gaps.any(|gap| gap["why"] == *why)
    };
    let now = site.json(&["state"]);
    assert!(tells(&now, &why), "{now}");
    let since = site.json(&["diff", "--from", "-1m"]);
    assert!(tells(&since, &why), "{since}");
    // A moment before it is not in it.
    let then = site.json(&["status"])["events"]["open_gap"]["from"].clone();
    let then = site.json(&["state", "--at", then.as_str().unwrap()]);
    assert!(!tells(&then, &why), "{then}");
    assert_eq!(agent.terminate(), 0);
    let none = Value::from("no agent was recording");
    let now = site.json(&["state"]);
    assert!(tells(&now, &none), "{now}");
}

#[test]
fn steps_of_the_clock_are_listed_in_the_status() {
    let site = Site::new(1);
    let file = site.path("one.csv");
    std::fs::write(
        &file,
        "timestamp,control_path,value\n1772366400000,Bar.gain,6\n",
    )
    .unwrap();
    site.json(&["import", &file.display().to_string()]);
    let steps = || site.json(&["status"])["events"]["clock_steps"].clone();
    assert_eq!(steps(), serde_json::json!([]));
    let day = crate::stage::day_files(&site.store()).pop().unwrap();
    let row = "INSERT INTO clock_steps (id, from_ms, to_ms, how) VALUES (1, 1772366460000, 1772362860000, 'test')";
    rusqlite::Connection::open(&day)
        .unwrap()
        .execute_batch(row)
        .unwrap();
    let expected = serde_json::json!([
        { "from": "2026-03-01T12:01:00.000Z", "to": "2026-03-01T11:01:00.000Z", "how": "test" }
    ]);
    assert_eq!(steps(), expected);
}
