//! The stage: the program as a process, a simulated Core as another, a folder that goes away, and patience.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use contract::control;
use qrc::method::component::{Set, SetControl};
use qrc_sim::{Core, Pair};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(40);

/// The program with all its features, with nothing of the caller's environment that could set it.
pub(crate) fn program() -> Command {
    program_at(env!("CARGO_BIN_EXE_qsys-agent-under-test").as_ref())
}

/// The agent under test: the same program, or the one that the environment names.
pub(crate) fn agent_program() -> Command {
    match std::env::var_os("AGENT_UNDER_TEST") {
        Some(path) => program_at(&path),
        None => program(),
    }
}

/// A program, with nothing of the caller's environment that could set the agent.
pub(crate) fn program_at(path: &OsStr) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("QSYS_") || text.starts_with("EVENT_") || text == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Stops a process where it is. Returns once all its threads stand still: a busy machine takes a moment for that.
pub(crate) fn freeze(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let threads = PathBuf::from(format!("/proc/{}/task", child.id()));
    until("the process to stand still", || {
        let stands_still = |thread: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
            // The state comes behind the name, which is in brackets.
            let state = stat.rsplit_once(") ")?.1;
            state.starts_with('T').then_some(())
        };
        std::fs::read_dir(&threads)
            .unwrap()
            .map(stands_still)
            .collect::<Option<()>>()
    });
}

/// A process that does not outlive its test.
pub(crate) struct Process {
    child: Child,
    /// What it said on standard output until it was ready.
    said: Vec<String>,
}

impl Process {
    /// Starts a process and waits for a line of its standard output that begins with `ready`.
    pub(crate) fn start(mut command: Command, ready: &str) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said: Vec<String> = Vec::new();
        let is_ready = |said: &[String]| said.last().is_some_and(|line| line.starts_with(ready));
        for line in lines.by_ref() {
            said.push(line.unwrap());
            if is_ready(&said) {
                break;
            }
        }
        // Its pipe is kept empty, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        assert!(
            is_ready(&said),
            "the process ended before it said \"{ready}\": {said:?}"
        );
        Self { child, said }
    }

    /// The rest of the line that begins so.
    fn told(&self, beginning: &str) -> &str {
        let mut rests = self.said.iter().filter_map(|l| l.strip_prefix(beginning));
        rests
            .next()
            .unwrap_or_else(|| panic!("no \"{beginning}\" in {:?}", self.said))
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Stops it where it is, until it gets the signal to go on.
    pub(crate) fn freeze(&self) {
        freeze(&self.child);
    }

    /// Asks it to stop and gives its exit code.
    pub(crate) fn terminate(mut self) -> i32 {
        self.signal(rustix::process::Signal::TERM);
        self.child
            .wait()
            .unwrap()
            .code()
            .expect("an exit code, not a signal")
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A simulated Core in a process of its own.
pub(crate) struct EmulatedCore {
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl EmulatedCore {
    /// A still room on a port of its own.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_on(0, arguments)
    }

    pub(crate) fn start_on(port: u16, arguments: &[&str]) -> Self {
        let mut command = program();
        command.args([
            "emulate",
            "--churn",
            "0",
            "--qrc",
            &format!("127.0.0.1:{port}"),
        ]);
        command.args(arguments);
        let process = Process::start(command, "design ");
        let address = process.told("qrc listening on ");
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        Self { process, port }
    }

    /// Where its panel page is; it was started with `--panel`.
    pub(crate) fn panel(&self) -> String {
        self.process.told("panel on ").to_owned()
    }

    /// Waits until the plugin shows an agent; before that it passes no press on.
    pub(crate) async fn until_agent_online(&self, wall: &qrc::Client) {
        let online = qrc::method::component::Get::new(control::CODE_NAME, ["AgentOnline"]);
        let deadline = Instant::now() + PATIENCE;
        while wall.call(&online).await.unwrap().controls[0].reading.value
            != Some(qrc::Value::Number(1.0))
        {
            assert!(Instant::now() < deadline, "the plugin shows no agent");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A QRC client of its own, as a third party would be.
    pub(crate) fn client(&self) -> qrc::Client {
        qrc::Client::start(qrc::Options::new("127.0.0.1", self.port))
    }
}

/// Somebody in the room turns a knob.
pub(crate) async fn turn_a_knob(core: &EmulatedCore) {
    let knob = SetControl::value("gain", -17.25);
    let set = Set::new("Master", vec![knob]);
    core.client().call(&set).await.unwrap();
}

/// Serves a Core of this process, on a port of its own where 0 is given, until the token is cancelled.
pub(crate) async fn serve(core: &Core, port: u16) -> (u16, CancellationToken) {
    let stop = CancellationToken::new();
    let port = serve_on(core, Ipv4Addr::LOCALHOST, port, &stop).await;
    (port, stop)
}

/// Serves both Cores of a pair: on the same port, the second at 127.0.0.2.
pub(crate) async fn serve_pair(pair: &Pair) -> (u16, CancellationToken) {
    let (port, stop) = serve(&pair.first, 0).await;
    serve_on(&pair.second, Ipv4Addr::new(127, 0, 0, 2), port, &stop).await;
    (port, stop)
}

async fn serve_on(core: &Core, at: Ipv4Addr, port: u16, stop: &CancellationToken) -> u16 {
    let listener = TcpListener::bind((at, port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (core, stop) = (core.clone(), stop.clone());
    tokio::spawn(async move { core.serve(listener, stop).await });
    port
}

/// A site: settings, a store and an archive in a folder that goes away.
pub(crate) struct Site {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Site {
    pub(crate) fn new(port: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let settings = vec![
            ("QSYS_HOST", "127.0.0.1".to_owned()),
            ("QSYS_PORT", port.to_string()),
            ("EVENT_MONITORING_DB_PATH", path("events")),
            ("EVENT_BACKUP_PATH", path("backups")),
            ("EVENT_BACKUP_INTERVAL", "0".to_owned()),
        ];
        Self { folder, settings }
    }

    /// Leaves a variable unset, so that a settings file speaks.
    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.settings.retain(|(known, _)| *known != name);
        self
    }

    pub(crate) fn set(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("events")
    }

    /// The program, set up for this site.
    pub(crate) fn command(&self) -> Command {
        self.set_up(agent_program())
    }

    fn set_up(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a verb to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs `emulate`, which only the full program has, to its end.
    pub(crate) fn emulate(&self, arguments: &[&str]) -> Output {
        let mut command = self.set_up(program());
        command.arg("emulate").args(arguments).output().unwrap()
    }

    /// Runs a verb that must succeed and gives its JSON document.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Starts the service.
    pub(crate) fn agent(&self) -> Process {
        let mut command = self.command();
        command.args(["run", "--quiet"]);
        Process::start(command, "connecting to ")
    }

    /// Starts the service and waits until it records.
    pub(crate) fn recording_agent(&self) -> Process {
        let agent = self.agent();
        until("the agent to record", || {
            (self.json(&["status"])["recording"] == true).then_some(())
        });
        agent
    }

    /// Events in the store, read as anybody with SQLite would: through the view.
    pub(crate) fn count(&self, filter: &str) -> u64 {
        let in_day = |day: &PathBuf| -> rusqlite::Result<u64> {
            let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
            let database = rusqlite::Connection::open_with_flags(day, flags)?;
            let sql = format!("SELECT count(*) FROM events WHERE {filter}");
            match database.query_row(&sql, [], |row| row.get(0)) {
                // The file is just being made.
                Err(error) if error.to_string().contains("no such table") => Ok(0),
                counted => counted,
            }
        };
        // A restore that swaps the files under a strange reader may fail it once.
        until("the store to be readable", || {
            let counts = day_files(&self.store());
            counts
                .iter()
                .map(in_day)
                .sum::<rusqlite::Result<u64>>()
                .ok()
        })
    }
}

/// The store's day files.
pub(crate) fn day_files(store: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(store) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_day = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("events-") && name.ends_with(".db")
    };
    paths.filter(is_day).collect()
}

/// What a failed verb said, exit code and standard error.
pub(crate) fn failed(output: &Output) -> (i32, String) {
    let code = output.status.code().expect("an exit code, not a signal");
    assert_ne!(code, 0, "{output:?}");
    (code, String::from_utf8(output.stderr.clone()).unwrap())
}
