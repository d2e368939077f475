//! A command in a shell that has the store: an agent waits for its end, everybody is told who it is, and what a killed
//! one left goes.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{EmulatedCore, Site, failed, freeze, until};

/// More events than are imported before a test stops the command.
const MANY: u64 = 60_000;

/// An import in a shell, stopped while it has the store.
struct StoppedImport {
    child: Child,
}

impl StoppedImport {
    fn begun(site: &Site) -> Self {
        let file = site.path("many.csv");
        let rows = (0..MANY).map(|n| format!("{},Wall.level,level,{n}\n", 1_700_000_000_000 + n));
        let head = "timestamp,control_path,control_name,value\n".to_owned();
        std::fs::write(&file, head + &rows.collect::<String>()).unwrap();
        let mut command = site.command();
        command.arg("import").arg(file);
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let import = Self { child };
        until("the import to have the store and its scratch", || {
            let lock = std::fs::read_to_string(site.store().join(".lock")).unwrap_or_default();
            (lock.starts_with(&import.id()) && !scratch(site).is_empty()).then_some(())
        });
        freeze(&import.child);
        import
    }

    fn id(&self) -> String {
        self.child.id().to_string()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn go_on(mut self) {
        self.signal(Signal::CONT);
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What imports keep beside the store's files while they work.
fn scratch(site: &Site) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(site.store()) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_scratch = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(".tmp-") || name.starts_with(".import-")
    };
    paths.filter(is_scratch).collect()
}

/// An agent that is not ready yet, with its log.
struct Starting {
    child: Child,
    log: Box<dyn Iterator<Item = String>>,
}

impl Starting {
    fn new(mut command: Command) -> Self {
        let mut child = command
            .arg("run")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self {
            child,
            log: Box::new(lines.map(Result::unwrap)),
        }
    }

    /// The first line of the log with this in it.
    fn line(&mut self, part: &str) -> String {
        let line = self.log.find(|line| line.contains(part));
        line.unwrap_or_else(|| panic!("the agent ended without a line with {part:?}"))
    }

    fn terminate(mut self) -> i32 {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        // It never waits for us to read.
        self.log.for_each(drop);
        self.child.wait().unwrap().code().expect("an exit code")
    }
}

#[test]
fn an_agent_waits_for_an_import_in_a_shell_and_everybody_is_told_who_has_the_store() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let import = StoppedImport::begun(&site);
    let named = format!("process {} imports into the store", import.id());
    let mut agent = Starting::new(site.command());
    let waiting = agent.line("waiting");
    assert!(
        waiting.contains(&named.replace(" the store", "")),
        "{waiting}"
    );

    let check = site.run(&["check"]);
    let said = String::from_utf8(check.stdout).unwrap();
    assert_eq!(check.status.code(), Some(2), "{said}");
    assert!(said.contains(&named), "{said}");
    assert_eq!(site.json(&["status"])["agent"]["running"], false);
    let (code, said) = failed(&site.run(&["import", "many.csv"]));
    assert_eq!(code, 1);
    assert!(said.contains(&named), "{said}");
    assert!(said.contains("try again when it is done"), "{said}");

    import.go_on();
    until("the agent to record", || {
        (site.json(&["status"])["recording"] == true).then_some(())
    });
    assert_eq!(site.count("control_path = 'Wall.level'"), MANY);
    assert_eq!(agent.terminate(), 0);
}

#[test]
fn an_agent_that_waits_stops_when_it_is_asked_to() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    let import = StoppedImport::begun(&site);
    let mut agent = Starting::new(site.command());
    agent.line("waiting");
    assert_eq!(agent.terminate(), 0);
    import.go_on();
}

#[test]
fn what_a_killed_import_left_goes_at_the_next_start_and_the_next_import() {
    let core = EmulatedCore::start(&[]);
    let site = Site::new(core.port);
    StoppedImport::begun(&site).kill();
    assert!(!scratch(&site).is_empty());
    let agent = site.recording_agent();
    assert!(scratch(&site).is_empty());
    assert_eq!(agent.terminate(), 0);

    StoppedImport::begun(&site).kill();
    // As an older version left it.
    std::fs::create_dir(site.store().join(".import-abcdef")).unwrap();
    assert!(site.run(&["import", "many.csv"]).status.success());
    assert!(scratch(&site).is_empty());
    assert_eq!(site.count("control_path = 'Wall.level'"), MANY);
}
