//! One job at a time: what a person asks for waits for the agent's own job, and is refused only where another person's
//! comes first.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use contract::control;
use qrc::method::component::{Get, Set, SetControl};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::{EmulatedCore, Process, Site, until};

const PANEL: &str = control::CODE_NAME;
const SETTINGS: &str = "qsys-agent.toml";
/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(40);

/// A room with a backup at -20 dB and a later event at -21 dB.
struct Room {
    _core: EmulatedCore,
    wall: qrc::Client,
    site: Site,
    agent: Process,
    /// The backup at -20 dB.
    backup: String,
}

impl Room {
    async fn with_backups_every(milliseconds: &str) -> Self {
        let core = EmulatedCore::start(&[]);
        let site = Site::new(core.port).set("EVENT_BACKUP_INTERVAL", milliseconds);
        std::fs::write(site.path(SETTINGS), "").unwrap();
        let agent = site.recording_agent();
        let wall = core.client();
        core.until_agent_online(&wall).await;
        fader(&wall, &site, -20.0).await;
        let made = site.json(&["backup"]);
        fader(&wall, &site, -21.0).await;
        Self {
            backup: made["id"].as_str().unwrap().to_owned(),
            _core: core,
            wall,
            site,
            agent,
        }
    }

    /// From now on a backup stands still at the settings file, which is a pipe. Until it is let go no verb may be
    /// typed in the site's folder.
    fn hold_the_next_backup(&self) {
        let pipe = self.site.path("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        std::fs::rename(pipe, self.site.path(SETTINGS)).unwrap();
    }

    /// The backup that stands still.
    fn held_backup(&self) -> HeldBackup {
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        // Such a pipe can be opened only once somebody reads it.
        let open = || {
            let mut options = File::options();
            options.write(true).custom_flags(nonblocking);
            options.open(self.site.path(SETTINGS)).ok()
        };
        let pipe = until("a backup at the settings file", open);
        HeldBackup {
            settings: self.site.path(SETTINGS),
            pipe,
        }
    }

    /// Asks through the plugin's mailbox, as a script can.
    async fn ask(&self, id: &str, kind: &str) {
        let request = json!({
            "id": id, "kind": kind, "at": jiff::Timestamp::now().to_string(), "armed": true,
            "pointId": (kind == "restore").then_some(&self.backup),
        });
        let text = request.to_string();
        let set = Set::new(
            PANEL,
            vec![SetControl::value(control::REQUEST, text.as_str())],
        );
        self.wall.call(&set).await.unwrap();
    }

    /// The text of the answer to a request, once it has this result.
    async fn answer(&self, id: &str, result: &str) -> String {
        let (found, text) = self
            .answer_of(id, |found| found == result || found == "refused")
            .await;
        assert_eq!(found, result, "{text}");
        text
    }

    /// How a request ended, and the text.
    async fn end(&self, id: &str) -> (String, String) {
        self.answer_of(id, |found| found != "accepted").await
    }

    async fn answer_of(&self, id: &str, wanted: impl Fn(&str) -> bool) -> (String, String) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let get = Get::new(PANEL, [control::ACK]);
        loop {
            let read = self.wall.call(&get).await.unwrap();
            let text = read.controls[0].reading.string.as_deref();
            let ack: Value = serde_json::from_str(text.unwrap_or_default()).unwrap_or_default();
            let result = ack["result"].as_str().unwrap_or_default();
            if ack["id"] == id && wanted(result) {
                return (result.to_owned(), ack["text"].as_str().unwrap().to_owned());
            }
            assert!(tokio::time::Instant::now() < deadline, "{id}: {ack}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Calls the agent as a verb does.
    fn call(&self, request: &Value) -> impl Iterator<Item = Value> + use<> {
        let mut socket = UnixStream::connect(self.site.store().join(".agent.sock")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        writeln!(socket, "{request}").unwrap();
        let lines = BufReader::new(socket).lines().map(Result::unwrap);
        lines.map(|line| serde_json::from_str(&line).unwrap())
    }

    /// The rows about what this asker asked for, each as its outcome and what was said; typed in another folder.
    fn rows(&self, asker: &str, what: &str) -> Vec<(String, String)> {
        let mut audit = self.site.command();
        audit
            .current_dir(self.site.store())
            .args(["audit", "--json"]);
        let output = audit.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let rows = rows
            .iter()
            .filter(|row| row["asker"] == asker && row["what"] == what);
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.map(|row| (text(row, "outcome"), text(row, "said")))
            .collect()
    }
}

/// A backup in the midst of its work.
struct HeldBackup {
    settings: PathBuf,
    pipe: File,
}

impl HeldBackup {
    /// Lets it go on; later ones are not held.
    fn let_go(self) {
        let file = self.settings.with_extension("new");
        std::fs::write(&file, "").unwrap();
        std::fs::rename(file, &self.settings).unwrap();
        drop(self.pipe);
    }
}

async fn fader(wall: &qrc::Client, site: &Site, value: f64) {
    let set = Set::new("Master", vec![SetControl::value("gain", value)]);
    wall.call(&set).await.unwrap();
    until("the fader's event", || {
        (site.count(&format!("value = {value:.1}")) == 1).then_some(())
    });
}

const WAITS: &str = "waiting for the backup that is running";

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_from_the_panel_waits_for_the_agents_own_backup_and_is_done_after_it() {
    let room = Room::with_backups_every("200").await;
    room.hold_the_next_backup();
    let backup = room.held_backup();

    room.ask("r-1", "restore").await;
    assert_eq!(room.answer("r-1", "accepted").await, WAITS);
    // Whoever comes second is told who was first.
    room.ask("v-1", "verify").await;
    let why = room.answer("v-1", "refused").await;
    let first = "the restore from the panel has been waiting since ";
    assert!(
        why.starts_with(first) && why.contains("wait for it to end"),
        "{why}"
    );
    let replies: Vec<Value> = room.call(&json!({"verb": "undo"})).collect();
    let why = replies[0]["failed"]["message"].as_str().unwrap();
    assert!(why.starts_with(first), "{replies:?}");
    let refused = room.rows("command line", "undo");
    assert_eq!(refused[0].0, "refused", "{refused:?}");
    assert_eq!(room.site.count("value = -21.0"), 1, "it has not begun");

    backup.let_go();
    let done = room.answer("r-1", "done").await;
    assert!(done.starts_with("Restored to"), "{done}");
    assert_eq!(room.site.count("value = -21.0"), 0);
    assert_eq!(room.agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_asks_waits_in_the_same_way_and_is_told_so() {
    let room = Room::with_backups_every("200").await;
    room.hold_the_next_backup();
    let backup = room.held_backup();

    let restore = json!({
        "verb": "restore", "from": {"backup": room.backup}, "at": null, "keep_newer": false, "force": true, "progress": true,
    });
    let mut replies = room.call(&restore);
    let step = replies.next().unwrap();
    assert_eq!(step["progress"]["what"], WAITS, "{step}");
    room.ask("b-1", "backup").await;
    let why = room.answer("b-1", "refused").await;
    let first = "the restore from the command line (user ";
    let state = format!(", process {}) has been waiting since ", std::process::id());
    assert!(why.starts_with(first) && why.contains(&state), "{why}");

    backup.let_go();
    let last = replies.last().unwrap();
    assert!(last["done"]["events"].is_u64(), "{last}");
    assert_eq!(room.site.count("value = -21.0"), 0);
    assert_eq!(room.agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_persons_job_runs_the_next_person_is_told_whose_it_is_and_since_when() {
    let room = Room::with_backups_every("0").await;
    room.hold_the_next_backup();
    let before = jiff::Timestamp::now();
    room.ask("b-1", "backup").await;
    assert_eq!(room.answer("b-1", "accepted").await, "");
    let backup = room.held_backup();

    let first = "the backup from the panel has been running since ";
    for verb in [
        json!({"verb": "backup"}),
        json!({"verb": "prune", "dry_run": false}),
    ] {
        let replies: Vec<Value> = room.call(&verb).collect();
        let failed = &replies[0]["failed"];
        let why = failed["message"].as_str().unwrap();
        assert!(why.starts_with(first), "{replies:?}");
        assert_eq!(failed["hint"], "wait for it to end, then ask again");
        let since: jiff::civil::DateTime = why[first.len()..].parse().unwrap();
        let since = since
            .to_zoned_datetime(jiff::tz::TimeZone::system())
            .unwrap();
        let waited = since.timestamp().as_second() - before.as_second();
        assert!((0..40).contains(&waited), "{why}");
    }
    room.ask("r-1", "restore").await;
    let why = room.answer("r-1", "refused").await;
    assert!(why.starts_with(first), "{why}");

    backup.let_go();
    room.answer("b-1", "done").await;
    assert_eq!(room.site.count("value = -21.0"), 1);
    assert_eq!(room.agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_waited_when_the_agent_was_killed_is_never_done() {
    let mut room = Room::with_backups_every("200").await;
    room.hold_the_next_backup();
    let backup = room.held_backup();
    room.ask("r-1", "restore").await;
    room.answer("r-1", "accepted").await;

    room.agent.kill();
    backup.let_go();
    room.agent = room.site.recording_agent();
    // The mailbox still holds the request. Once another one is done, the new agent has seen it.
    for n in 1.. {
        let id = format!("v-{n}");
        room.ask(&id, "verify").await;
        let (result, text) = room.end(&id).await;
        if result == "done" {
            break;
        }
        assert!(text.contains("when the agent connected"), "{text}");
    }
    let rows = room.rows("panel", "restore").into_iter();
    let mut outcomes: Vec<String> = rows.map(|(outcome, _)| outcome).collect();
    // A slow start refuses it as one that lay there.
    outcomes.retain(|outcome| outcome != "refused");
    assert_eq!(outcomes, ["cut short"]);
    assert_eq!(room.site.count("value = -21.0"), 1);
    assert_eq!(room.agent.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_waits_when_the_agent_is_stopped_does_not_begin() {
    let room = Room::with_backups_every("200").await;
    room.hold_the_next_backup();
    let backup = room.held_backup();
    room.ask("r-1", "restore").await;
    room.answer("r-1", "accepted").await;

    room.agent.signal(Signal::TERM);
    let said = until("the restore to be given up", || {
        let rows = room.rows("panel", "restore");
        (rows[0].0 == "failed").then(|| rows[0].1.clone())
    });
    assert!(said.contains("the agent stops"), "{said}");
    backup.let_go();
    assert_eq!(room.agent.terminate(), 0);
    assert_eq!(room.site.count("value = -21.0"), 1);
}
