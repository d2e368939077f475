//! The program in a folder of its own, and what differs from run to run taken out of what it says.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// What differs from run to run; a longer one stands before one that would take a part of it.
const FILTERS: [(&str, &str); 19] = [
    (r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z", "[backup]"),
    (
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:\d\d)?)?",
        "[time]",
    ),
    (r"\d+(\.\d)? (kB|MB|GB|TB)\b", "[size]"),
    (
        r#""(free_bytes|bytes|freed_bytes|bytes_needed)": \d+"#,
        "\"$1\": [number]",
    ),
    (r#""([a-z_]*seconds)": [0-9.e-]+"#, "\"$1\": [seconds]"),
    (r"backup_age=\d+s", "backup_age=[seconds]"),
    (r"rpo=[1-9]\d*s", "rpo=[seconds]"),
    (r#""pid": \d+"#, "\"pid\": [pid]"),
    (r"\.corrupt-\d+", ".corrupt-[number]"),
    (r"(\d{4}-\d\d-\d\d)-[0-9a-f]{16}", "$1-[digest]"),
    (r"store [0-9a-f]{16,}", "store [id]"),
    (r"\d+ s ago", "[span] ago"),
    (r"process \d+", "process [pid]"),
    (r"user \d+( \(\S+\))?", "user [uid]"),
    (r"about \d+\.\d s", "about [seconds] s"),
    (r#""version": "[^"]*""#, "\"version\": \"[version]\""),
    (r#""sqlite": "[^"]*""#, "\"sqlite\": \"[version]\""),
    (r"127\.0\.0\.1:\d{4,}", "127.0.0.1:[port]"),
    (r"in \d+\.\d+ s", "in [seconds] s"),
];

/// A folder with whatever the test puts there.
pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    /// The program, called in the folder, with nothing of the caller's environment that could set it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qsys-agent"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("QSYS_") || text.starts_with("EVENT_") || text == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command
            .env("TZ", "UTC")
            .env_remove("COLUMNS")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs a verb to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a verb that must succeed.
    pub(crate) fn done(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    /// A store of three events and a backup of them.
    pub(crate) fn with_a_backup() -> Self {
        let stage = Self::new();
        stage.record("first", &[1, 2, 3]);
        stage.done(&["backup"]);
        stage
    }

    /// Puts events into the store, a level a second.
    pub(crate) fn record(&self, name: &str, levels: &[i64]) {
        let event = |level: &i64| {
            let at = 1_772_366_400_000 + level * 1000;
            format!(
                "{{\"timestamp\":{at},\"control_path\":\"Master.gain\",\"component_name\":\"Master\",\
                 \"control_name\":\"gain\",\"value\":{level}}}\n"
            )
        };
        let file = format!("{name}.jsonl");
        self.write(&file, &levels.iter().map(event).collect::<String>());
        self.done(&["import", &file]);
    }

    /// What a verb says, with its exit code and whatever differs from run to run taken out.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let real = self.folder.path().canonicalize().unwrap();
        let said = format!("{out}{err}")
            .replace(real.to_str().unwrap(), "[folder]")
            .replace(self.folder.path().to_str().unwrap(), "[folder]");
        let code = output.status.code().expect("an exit code, not a signal");
        format!(
            "$ qsys-agent {}\n{said}exit code {code}\n",
            arguments.join(" ")
        )
    }
}

/// Compares with the text in the file of this name.
pub(crate) fn same_as(name: &str, said: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (found, shown) in FILTERS {
        settings.add_filter(found, shown);
    }
    settings.bind(|| insta::assert_snapshot!(name, said));
}
