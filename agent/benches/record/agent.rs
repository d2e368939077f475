//! The agent as a process: started on a far end, watched from outside, stopped by SIGTERM.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use backup::Store;
use tempfile::TempDir;

use crate::account::peak_rss;

/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(900);

/// Meters are left out unless somebody asks for them.
const SETTINGS: &str = "[record]\nmeters = true\n";

pub(crate) struct Agent {
    child: Child,
    folder: TempDir,
}

/// What the agent has used until a moment.
pub(crate) struct Used {
    pub(crate) at: Instant,
    pub(crate) events: u64,
    /// CPU seconds of the whole process.
    pub(crate) cpu: f64,
    /// CPU seconds of the thread that ships to the archive.
    pub(crate) shipping: f64,
}

impl Agent {
    /// Starts `run` and waits until changes are committed.
    pub(crate) fn start(port: u16) -> Agent {
        let root = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
        let folder = tempfile::tempdir_in(root).unwrap();
        std::fs::write(folder.path().join("qsys-agent.toml"), SETTINGS).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_qsys-agent"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("QSYS_") || text.starts_with("EVENT_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(["run", "--quiet"])
            .current_dir(folder.path())
            .envs([("QSYS_HOST", "127.0.0.1"), ("QSYS_PORT", &port.to_string())])
            .env("EVENT_BACKUP_INTERVAL", "0")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Agent { child, folder };
        agent.wait_for(1);
        agent
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("data/events")
    }

    /// A folder beside the store, on the same disk.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn wait_for(&self, events: u64) {
        let begun = Instant::now();
        while self.events() < events {
            assert!(begun.elapsed() < PATIENCE, "fewer than {events} events");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn used(&self) -> Used {
        let process = self.process();
        Used {
            at: Instant::now(),
            events: self.events(),
            cpu: cpu_of(&process),
            shipping: cpu_of_thread(&process, "shipping"),
        }
    }

    /// MiB.
    pub(crate) fn peak_rss(&self) -> f64 {
        peak_rss(&self.process())
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    fn process(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.child.id()))
    }

    fn events(&self) -> u64 {
        // The folder and the first file are made while we look.
        let summary = Store::open(self.store()).and_then(|store| store.summary());
        summary.map_or(0, |summary| summary.events)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds of a process, of its threads that have ended, too.
pub(crate) fn cpu_of(process: &Path) -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0; // what Linux tells user space, whatever its own clock
    let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    // The name may hold anything, but the last parenthesis ends it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / TICKS_PER_SECOND
}

fn cpu_of_thread(process: &Path, name: &str) -> f64 {
    let tasks = std::fs::read_dir(process.join("task")).unwrap().flatten();
    let wanted = tasks.map(|task| task.path()).find(|task| {
        let comm = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
        comm.trim() == name
    });
    let text = wanted.and_then(|task| std::fs::read_to_string(task.join("schedstat")).ok());
    let nanoseconds = text.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}
