//! What `status`, `check` and `list` say of an agent that runs on a simulated Core, in each state that it can be in.

use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::stage::{Stage, same_as};

/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that does not outlive its test.
struct Process(Child);

impl Process {
    /// Starts it and gives the rest of the first line of its output that begins so.
    fn start(mut command: Command, beginning: &str) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let process = Self(child);
        let told = lines.find_map(|line| Some(line.unwrap().strip_prefix(beginning)?.to_owned()));
        // Its pipe is kept empty, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let told = told.unwrap_or_else(|| panic!("it ended without a line \"{beginning}\""));
        (process, told)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A still room on a port of its own.
fn core() -> (Process, String) {
    let still = ["emulate", "--churn", "0", "--qrc", "127.0.0.1:0"];
    let (core, address) = Process::start(Stage::new().command(&still), "qrc listening on ");
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    (core, port)
}

/// Asks until there is an answer.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

impl Stage {
    /// An agent on the Core at this port; `more` stands below the settings of the Core.
    fn agent(&self, port: &str, more: &str) -> Process {
        let core = format!("[core]\nhost = \"127.0.0.1\"\nport = {port}\n");
        self.write("qsys-agent.toml", &(core + more));
        Process::start(self.command(&["run", "--quiet"]), "connecting to ").0
    }

    fn until_status(&self, what: &str, reached: impl Fn(&Value) -> bool) {
        until(what, || {
            let output = self.run(&["status", "--json"]);
            let status: Value = serde_json::from_slice(&output.stdout).ok()?;
            reached(&status).then_some(())
        });
    }

    /// An agent that makes no backup by itself, records, and has counted these events and the gap before its start.
    fn recording_agent(&self, port: &str, events: u64) -> Process {
        let agent = self.agent(port, "[backup]\nevery = \"off\"\n");
        self.until_status("the events to be counted", |status| {
            status["recording"] == true
                && status["panel"]["state"] == "found"
                && status["events"]["total"] == events
                && status["events"]["gaps"] == 1
        });
        agent
    }

    fn until_all_is_safe(&self) {
        self.until_status("all to be in the archive", |status| {
            status["rpo_seconds"] == 0.0
        });
    }

    /// Compares what the verbs that look say now.
    fn same_as_all(&self, name: &str) {
        for verb in ["status", "check", "list"] {
            same_as(&format!("{verb}_{name}"), &self.says(&[verb]));
        }
    }

    /// Puts a file in the place of the archive's days, so that no backup can be made.
    fn spoil_archive(&self) {
        std::fs::remove_dir_all(self.path("data/backups/days")).unwrap();
        self.write("data/backups/days", "");
    }
}

#[test]
fn it_records_and_a_backup_is_proved() {
    let (stage, (_core, port)) = (Stage::new(), core());
    stage.record("some", &[1, 2, 3]);
    let _agent = stage.recording_agent(&port, 3);
    stage.same_as_all("of_no_proved_backup_yet");
    let status = stage.says(&["status", "--json"]);
    same_as("status_of_no_proved_backup_yet_json", &status);

    stage.done(&["backup"]);
    stage.until_all_is_safe();
    stage.same_as_all("of_a_proved_backup");
    let status = stage.says(&["status", "--json"]);
    same_as("status_of_a_proved_backup_json", &status);
    same_as(
        "check_of_a_proved_backup_json",
        &stage.says(&["check", "--json"]),
    );
}

#[test]
fn its_last_backup_failed() {
    let (stage, (_core, port)) = (Stage::with_a_backup(), core());
    let _agent = stage.recording_agent(&port, 3);
    stage.until_all_is_safe();
    stage.spoil_archive();
    same_as("backup_that_fails", &stage.says(&["backup"]));
    stage.same_as_all("of_a_failed_backup");
}

#[test]
fn somebody_else_is_at_work_in_its_archive() {
    let (stage, (_core, port)) = (Stage::with_a_backup(), core());
    let _agent = stage.recording_agent(&port, 3);
    stage.until_all_is_safe();
    let lock = std::fs::File::open(stage.path("data/backups/.lock")).unwrap();
    lock.lock().unwrap();
    same_as("backup_of_a_busy_archive", &stage.says(&["backup"]));
    stage.same_as_all("of_a_busy_archive");
}

#[test]
fn it_has_no_link() {
    let stage = Stage::with_a_backup();
    let _agent = stage.agent("1", "[backup]\nevery = \"off\"\n");
    stage.until_status("the link to fail", |status| {
        status["core"]["problem"] != Value::Null
    });
    stage.same_as_all("of_no_link");
}

#[test]
fn its_backup_is_overdue() {
    let (stage, (_core, port)) = (Stage::with_a_backup(), core());
    // Of an empty store none is made until the new file is counted, or a while after the start.
    std::fs::remove_dir_all(stage.path("data/events")).unwrap();
    let _agent = stage.agent(&port, "[backup]\nevery = \"1s\"\njitter = \"off\"\n");
    // It does not stay overdue: what said so is what is compared.
    let said = until("the backup to be overdue", || {
        let said = stage.says(&["check"]);
        said.contains("overdue").then_some(said)
    });
    same_as("check_of_an_overdue_backup", &said);
}

#[test]
fn a_day_of_its_store_is_damaged() {
    let (stage, (_core, port)) = (Stage::new(), core());
    for (name, backed_up) in [
        ("of_a_damaged_day_of_no_backup", false),
        ("of_a_damaged_day", true),
    ] {
        stage.record("some", &[1, 2, 3]);
        if backed_up {
            stage.done(&["backup"]);
        }
        let day = stage.path("data/events/events-2026-03-01.db");
        let mut file = std::fs::File::options().write(true).open(day).unwrap();
        let bytes = file.metadata().unwrap().len();
        file.seek(SeekFrom::Start(4096)).unwrap();
        let rubbish = vec![0xa5; usize::try_from(bytes - 4096).unwrap()];
        file.write_all(&rubbish).unwrap();
        let agent = stage.recording_agent(&port, 0);
        stage.until_status("the damage to be told", |status| {
            status["store"]["damaged"][0]["command"].is_string() == backed_up
                && status["store"]["damaged"][0].is_object()
        });
        stage.same_as_all(name);
        drop(agent);
        std::fs::remove_dir_all(stage.path("data/events")).unwrap();
    }
}

#[test]
fn its_archive_is_another_stores() {
    let (hall, foyer) = (Stage::with_a_backup(), Stage::new());
    let (_core, port) = core();
    foyer.record("some", &[1, 2, 3]);
    let archive = hall.path("data/backups");
    std::fs::create_dir_all(foyer.path("data")).unwrap();
    std::os::unix::fs::symlink(archive, foyer.path("data/backups")).unwrap();
    let _agent = foyer.recording_agent(&port, 3);
    foyer.until_status("the refusal", |status| {
        status["backup"]["problem"] != Value::Null
    });
    foyer.same_as_all("of_another_stores_archive");
    same_as(
        "backup_into_another_stores_archive",
        &foyer.says(&["backup"]),
    );
}
