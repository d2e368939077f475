//! How the system is: the document behind `status --json`, and the one sentence drawn from it.

use serde::{Deserialize, Serialize};

use crate::documents::{Damaged, Gap};
use crate::moment;

/// The whole status. Members named in the contract stay; more may be added.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) agent: Agent,
    pub(crate) core: Core,
    pub(crate) recording: bool,
    pub(crate) events: Events,
    pub(crate) store: Store,
    pub(crate) backup: Backup,
    pub(crate) recoverable: Recoverable,
    /// Seconds of writing that would be lost if the store's disk died now; `null`
    /// where no backup holds anything yet.
    pub(crate) rpo_seconds: Option<f64>,
    pub(crate) drill: Drill,
    pub(crate) panel: Panel,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) running: bool,
    pub(crate) pid: Option<u32>,
    pub(crate) version: String,
    pub(crate) sqlite: String,
    /// Why requests cannot be written down, if they cannot.
    pub(crate) audit_problem: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Core {
    pub(crate) host: Option<String>,
    /// `Active`, `Standby` or `Idle` as the Core says; `connecting`, `refused` or
    /// `unknown` as the agent says.
    pub(crate) state: String,
    pub(crate) design: Option<String>,
    /// Why there is no link, in the words of the last failure.
    pub(crate) problem: Option<String>,
    pub(crate) controls: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Events {
    pub(crate) total: u64,
    pub(crate) per_second: f64,
    pub(crate) gaps: u64,
    /// Changes received and not yet committed.
    pub(crate) queued: u64,
    /// Changes set aside because the store could not take them.
    pub(crate) quarantined: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// Free space on the store's disk.
    pub(crate) free_bytes: Option<u64>,
    /// Why nothing can be written, since when.
    pub(crate) problem: Option<String>,
    /// Days whose files were damaged, until a restore has brought them back or the files are removed.
    #[serde(default)]
    pub(crate) damaged: Vec<Damaged>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Backup {
    pub(crate) path: String,
    pub(crate) last: Option<String>,
    pub(crate) age_seconds: Option<f64>,
    pub(crate) next: Option<String>,
    pub(crate) count: usize,
    /// When the newest proved backup was made.
    pub(crate) last_verified: Option<String>,
    pub(crate) problem: Option<String>,
    /// When the clock makes them: `every 24h`, `at 03:00, 23:30` or `off`.
    pub(crate) schedule: String,
    /// When the last one was made, or was proved again because there was nothing new.
    pub(crate) last_good: Option<String>,
    /// The one after it should have been made long ago.
    pub(crate) overdue: bool,
    /// Failures in a row since the last good one.
    pub(crate) failures: u32,
    /// Why the last prune failed, if it did: old backups and days stay.
    #[serde(default)]
    pub(crate) prune_problem: Option<String>,
}

/// Every moment between `from` and `to`, save in `gaps`, can be restored now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Recoverable {
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) gaps: Vec<Gap>,
}

/// Drills come later; until one has run, its members are `null`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Drill {
    pub(crate) last: Option<String>,
    pub(crate) ok: Option<bool>,
    pub(crate) rto_seconds: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Panel {
    pub(crate) component: String,
    /// `found`, `absent` or `unknown`.
    pub(crate) state: String,
    /// Plain Named Controls that show the status, too, or ask for something.
    #[serde(default)]
    pub(crate) named_controls: usize,
}

/// How good or bad it is; the numbers are the exit codes of `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Ok = 0,
    Warning = 1,
    Critical = 2,
    Unknown = 3,
}

impl Level {
    /// The word that monitoring plugins print.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The value of a Q-SYS Status control: 0 OK, 1 Compromised, 2 Fault, 4 Missing.
    pub(crate) fn qsys(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 4,
        }
    }
}

/// The worst thing that is true now, and one sentence for it.
pub(crate) fn verdict(status: &Status) -> (Level, String) {
    if let Some(problem) = &status.store.problem {
        return (Level::Critical, format!("Not recording: {problem}"));
    }
    if !status.agent.running {
        return (
            Level::Critical,
            "Not recording: no agent is running".to_owned(),
        );
    }
    if !status.recording {
        let why = match (&status.core.problem, &status.core.design) {
            (Some(problem), _) => problem,
            (None, Some(_)) => "its controls are still being read",
            (None, None) => "no link yet",
        };
        return (
            Level::Critical,
            format!("Not recording: Core {} ({why})", status.core.state),
        );
    }
    if let Some(problem) = &status.backup.problem {
        return (
            Level::Critical,
            format!("Recording, but the last backup failed: {problem}"),
        );
    }
    if let Some(damaged) = status.store.damaged.first() {
        return (
            Level::Warning,
            format!("Recording; {}", offer(damaged, status.store.damaged.len())),
        );
    }
    if let Some(problem) = &status.agent.audit_problem {
        return (
            Level::Warning,
            format!("Recording; requests cannot be written down: {problem}"),
        );
    }
    if let Some(problem) = &status.backup.prune_problem {
        return (
            Level::Warning,
            format!(
                "Recording; old days or backups stay ({problem}): `qsys-agent prune` tries again"
            ),
        );
    }
    match (&status.backup.last_verified, status.backup.age_seconds) {
        (None, _) => (Level::Warning, "Recording; no proved backup yet".to_owned()),
        (Some(_), Some(age)) if status.backup.overdue => (
            Level::Warning,
            format!(
                "Recording; last backup {} ago is overdue",
                moment::span((age * 1000.0) as i64)
            ),
        ),
        (Some(_), age) => {
            let age = age.map_or_else(String::new, |age| {
                format!(", {} ago", moment::span((age * 1000.0) as i64))
            });
            (Level::Ok, format!("Recording; last backup proved{age}"))
        }
    }
}

/// What became of a damaged day and what to do, and how many more there are.
fn offer(damaged: &Damaged, all: usize) -> String {
    let file = std::path::Path::new(&damaged.moved_to).file_name();
    let file = file.unwrap_or_default().to_string_lossy();
    // A panel has room for the beginning only.
    let what = format!("day {} was damaged and is set aside", damaged.day);
    let more = match all {
        0 | 1 => String::new(),
        _ => format!("; {} more", all - 1),
    };
    match &damaged.command {
        Some(command) => {
            format!("{what}; a proved backup puts it back: `{command}` (the file is {file}{more})")
        }
        None => format!("{what}; no proved backup holds it (the file is {file}{more})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Status {
        Status {
            agent: Agent {
                running: true,
                pid: Some(7),
                version: "0".into(),
                sqlite: "3".into(),
                audit_problem: None,
            },
            core: Core {
                host: Some("core".into()),
                state: "Active".into(),
                design: Some("Hall".into()),
                problem: None,
                controls: 400,
            },
            recording: true,
            events: Events {
                total: 1,
                per_second: 1.0,
                gaps: 0,
                queued: 0,
                quarantined: 0,
            },
            store: Store {
                path: "e".into(),
                bytes: 1,
                from: None,
                to: None,
                free_bytes: None,
                problem: None,
                damaged: Vec::new(),
            },
            backup: Backup {
                path: "b".into(),
                last: Some("x".into()),
                age_seconds: Some(60.0),
                next: None,
                count: 1,
                last_verified: Some("x".into()),
                problem: None,
                schedule: "every 24h".into(),
                last_good: Some("x".into()),
                overdue: false,
                failures: 0,
                prune_problem: None,
            },
            recoverable: Recoverable::default(),
            rpo_seconds: Some(0.1),
            drill: Drill::default(),
            panel: Panel {
                component: contract::control::CODE_NAME.into(),
                state: "found".into(),
                named_controls: 0,
            },
        }
    }

    #[test]
    fn ok_is_said_only_when_recording_and_proved() {
        let good = healthy();
        assert_eq!(verdict(&good).0, Level::Ok);

        let worse: [fn(&mut Status); 9] = [
            |s| s.store.damaged.push(damaged(None)),
            |s| s.agent.audit_problem = Some("disk full".into()),
            |s| s.recording = false,
            |s| s.agent.running = false,
            |s| s.store.problem = Some("disk full".into()),
            |s| s.backup.problem = Some("disk full".into()),
            |s| s.backup.last_verified = None,
            |s| s.backup.overdue = true,
            |s| s.backup.prune_problem = Some("disk full".into()),
        ];
        for spoil in worse {
            let mut status = good.clone();
            spoil(&mut status);
            assert_ne!(verdict(&status).0, Level::Ok, "{}", verdict(&status).1);
        }
    }

    fn damaged(command: Option<&str>) -> Damaged {
        Damaged {
            day: "2026-03-01".into(),
            at: "2026-03-01T12:00:00.000Z".into(),
            moved_to: "/s/events-2026-03-01.db.corrupt-17".into(),
            backup: None,
            reaches: None,
            command: command.map(str::to_owned),
        }
    }

    #[test]
    fn a_damaged_day_is_said_with_the_command_that_puts_it_back() {
        let mut status = healthy();
        status.store.damaged = vec![damaged(Some("qsys-agent restore b")), damaged(None)];
        let (level, sentence) = verdict(&status);
        assert_eq!(level, Level::Warning);
        assert_eq!(
            sentence,
            "Recording; day 2026-03-01 was damaged and is set aside; a proved backup puts it back: \
             `qsys-agent restore b` (the file is events-2026-03-01.db.corrupt-17; 1 more)"
        );
    }

    #[test]
    fn a_store_that_cannot_write_outranks_everything() {
        let mut status = healthy();
        status.backup.last_verified = None;
        status.store.problem = Some("database or disk is full".into());
        assert_eq!(
            verdict(&status),
            (
                Level::Critical,
                "Not recording: database or disk is full".to_owned()
            )
        );
    }
}
