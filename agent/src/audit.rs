//! Who asked for what, and what came of it: a row for every request that may change something, kept outside the day
//! files so that no restore rewrites it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::moment;

/// Below the store's folder; no day file is named so.
const FILE: &str = "audit.db";
/// Rows kept; a site makes a few a day.
const MOST_ROWS: i64 = 100_000;
/// Refusals kept, apart from the others: anybody on the network can cause as many as he likes.
const MOST_REFUSALS: i64 = 10_000;
/// Another process may be writing its row.
const PATIENCE: Duration = Duration::from_secs(2);
/// A longer text is no name and no reason.
const LONGEST_TEXT: usize = 1_000;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS audit (
    id       INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,   -- Unix milliseconds
    asker    TEXT NOT NULL,      -- panel, command line, schedule
    place    TEXT NOT NULL,      -- Core and control, or user and process: QRC and the system tell no person's name
    request  TEXT,               -- the panel's id of it
    what     TEXT NOT NULL,
    about    TEXT NOT NULL,
    outcome  TEXT NOT NULL,      -- begun, done, failed, refused, cut short
    said     TEXT NOT NULL,      -- what came of it, or why not
    ended_ms INTEGER
);
PRAGMA user_version = 1;";

/// Who asks, as far as it can be known.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `panel`, `command line` or `schedule`.
    pub(crate) asker: &'static str,
    /// Which Core and control, or which user and process.
    pub(crate) place: String,
    /// The panel's id of the request.
    pub(crate) request: Option<String>,
}

impl Asked {
    /// The schedule asks for itself.
    pub(crate) fn by_schedule() -> Self {
        Self {
            asker: "schedule",
            place: String::new(),
            request: None,
        }
    }

    /// Somebody at a shell of this machine.
    pub(crate) fn by_command_line(user: u32, process: Option<i32>) -> Self {
        let process = process.map_or_else(String::new, |pid| format!(", process {pid}"));
        Self {
            asker: "command line",
            place: format!("user {user}{process}"),
            request: None,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    /// The verb.
    pub(crate) what: &'static str,
    /// What it is about: a backup, a moment, files.
    pub(crate) about: String,
}

/// A row as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) at: String,
    pub(crate) asker: String,
    pub(crate) place: String,
    pub(crate) request: Option<String>,
    pub(crate) what: String,
    pub(crate) about: String,
    pub(crate) outcome: String,
    pub(crate) said: String,
    pub(crate) seconds: Option<f64>,
}

/// Writes rows. Cheap to clone. A row that cannot be written keeps nothing from being done,
/// but is told in the log and by [`Audit::problem`].
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    path: PathBuf,
    problem: Arc<Mutex<Option<String>>>,
}

/// A row that waits for its end; without an id it could not be written yet.
struct Begun {
    id: Option<i64>,
    at_ms: i64,
    asked: Asked,
    act: Act,
}

impl Audit {
    pub(crate) fn of_store(store: &Path) -> Self {
        Self {
            path: store.join(FILE),
            problem: Arc::default(),
        }
    }

    /// Why the last row could not be written.
    pub(crate) fn problem(&self) -> Option<String> {
        self.with(|problem| problem.clone())
    }

    /// Closes the rows that an earlier agent left open when it was killed. Only with the
    /// store's lock: nobody else can be at work.
    pub(crate) fn close_open_rows(&self) {
        let closed = self.connect().and_then(|conn| {
            conn.execute(
                "UPDATE audit SET outcome = 'cut short', ended_ms = ?1 WHERE outcome = 'begun'",
                [moment::now()],
            )
        });
        if let Some(rows @ 1..) = self.told(closed) {
            tracing::warn!(rows, "requests were cut short when the agent ended");
        }
    }

    /// Writes that it begins, does it, and writes what came of it. `said` puts the outcome in words.
    pub(crate) async fn of<T>(
        &self,
        asked: Asked,
        act: Act,
        work: impl Future<Output = Outcome<T>>,
        said: impl FnOnce(&T) -> String,
    ) -> Outcome<T> {
        let audit = self.clone();
        let begun = tokio::task::spawn_blocking(move || audit.begin(asked, act)).await;
        let outcome = work.await;
        let words = outcome.as_ref().map(said).map_err(Failure::to_string);
        let audit = self.clone();
        if let Ok(begun) = begun {
            // It only ends early when it panics, which it tells itself.
            let _ = tokio::task::spawn_blocking(move || audit.end(begun, words)).await;
        }
        outcome
    }

    /// The same for work that blocks.
    pub(crate) fn of_blocking<T>(
        &self,
        asked: Asked,
        act: Act,
        work: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<T> {
        let begun = self.begin(asked, act);
        let outcome = work();
        let words = outcome.as_ref().map(|_| String::new());
        self.end(begun, words.map_err(Failure::to_string));
        outcome
    }

    /// Writes that it was refused, and why.
    pub(crate) async fn refused(&self, asked: Asked, act: Act, why: String) {
        let audit = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            let begun = Begun {
                id: None,
                at_ms: moment::now(),
                asked,
                act,
            };
            audit.insert(&begun, "refused", &why, Some(begun.at_ms));
        });
        // It only ends early when it panics, which it tells itself.
        let _ = written.await;
    }

    fn begin(&self, asked: Asked, act: Act) -> Begun {
        let mut begun = Begun {
            id: None,
            at_ms: moment::now(),
            asked,
            act,
        };
        // On a new machine a restore makes the store's folder; its row is written afterwards.
        if self.path.parent().is_some_and(Path::is_dir) {
            begun.id = self.insert(&begun, "begun", "", None);
        }
        begun
    }

    fn end(&self, begun: Begun, words: Result<String, String>) {
        let (outcome, said) = match &words {
            Ok(said) => ("done", said),
            Err(why) => ("failed", why),
        };
        let now = moment::now();
        match begun.id {
            Some(id) => {
                let updated = self.connect().and_then(|conn| {
                    conn.execute(
                        "UPDATE audit SET outcome = ?2, said = ?3, ended_ms = ?4 WHERE id = ?1",
                        params![id, outcome, short(said), now],
                    )
                });
                self.told(updated);
            }
            None if self.path.parent().is_some_and(Path::is_dir) => {
                self.insert(&begun, outcome, said, Some(now));
            }
            None => {}
        }
    }

    fn insert(&self, row: &Begun, outcome: &str, said: &str, ended_ms: Option<i64>) -> Option<i64> {
        let written = self.connect().and_then(|conn| {
            conn.execute(
                "INSERT INTO audit (at_ms, asker, place, request, what, about, outcome, said, ended_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    row.at_ms,
                    row.asked.asker,
                    short(&row.asked.place),
                    row.asked.request.as_deref().map(short),
                    row.act.what,
                    short(&row.act.about),
                    outcome,
                    short(said),
                    ended_ms
                ],
            )?;
            let id = conn.last_insert_rowid();
            let refused = outcome == "refused";
            let most = if refused { MOST_REFUSALS } else { MOST_ROWS };
            conn.execute(
                "DELETE FROM audit WHERE (outcome = 'refused') = ?1 AND id <= (
                    SELECT id FROM audit WHERE (outcome = 'refused') = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                params![refused, most],
            )?;
            Ok(id)
        });
        self.told(written)
    }

    /// Opened for each row: rows are rare, and the folder may be another one by then.
    fn connect(&self) -> rusqlite::Result<Connection> {
        let conn = Connection::open(&self.path)?;
        conn.busy_timeout(PATIENCE)?;
        let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            conn.execute_batch(SCHEMA)?;
        }
        Ok(conn)
    }

    fn told<T>(&self, written: rusqlite::Result<T>) -> Option<T> {
        match written {
            Ok(written) => {
                self.with(|problem| *problem = None);
                Some(written)
            }
            Err(error) => {
                let why = format!("{}: {error}", self.path.display());
                tracing::error!("a request cannot be written down: {why}");
                self.with(|problem| *problem = Some(why));
                None
            }
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Option<String>) -> T) -> T {
        look(&mut self.problem.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The newest rows at or after a moment, oldest first. None where nothing was ever asked.
pub(crate) fn rows(store: &Path, since_ms: Option<i64>, limit: u64) -> Outcome<Vec<Row>> {
    let path = store.join(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    read(&path, since_ms, limit).map_err(|error| {
        Failure::failed(format!("{}: {error}", path.display()))
            .hint("if the file is damaged, move it away; a new one is begun with the next request")
    })
}

fn read(path: &Path, since_ms: Option<i64>, limit: u64) -> rusqlite::Result<Vec<Row>> {
    let conn = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_timeout(PATIENCE)?;
    let made: Option<i64> = conn
        .query_row(
            "SELECT 1 FROM sqlite_master WHERE name = 'audit'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    if made.is_none() {
        return Ok(Vec::new());
    }
    let mut query = conn.prepare(
        "SELECT * FROM (
            SELECT id, at_ms, asker, place, request, what, about, outcome, said, ended_ms FROM audit
            WHERE at_ms >= ?1 ORDER BY id DESC LIMIT ?2) ORDER BY id",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query.query_map(params![since_ms.unwrap_or(i64::MIN), limit], |row| {
        let (at_ms, ended_ms): (i64, Option<i64>) = (row.get(1)?, row.get(9)?);
        Ok(Row {
            id: row.get(0)?,
            at: moment::rfc3339(at_ms),
            asker: row.get(2)?,
            place: row.get(3)?,
            request: row.get(4)?,
            what: row.get(5)?,
            about: row.get(6)?,
            outcome: row.get(7)?,
            said: row.get(8)?,
            seconds: ended_ms.map(|ended| (ended - at_ms).max(0) as f64 / 1000.0),
        })
    })?;
    rows.collect()
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undo() -> Act {
        Act {
            what: "undo",
            about: String::new(),
        }
    }

    fn outcomes(store: &Path) -> Vec<(String, String)> {
        let rows = rows(store, None, 100).unwrap().into_iter();
        rows.map(|row| (row.outcome, row.said)).collect()
    }

    #[tokio::test]
    async fn a_row_stands_before_the_act_and_says_in_the_end_what_came_of_it() {
        let store = tempfile::tempdir().unwrap();
        let audit = Audit::of_store(store.path());
        let work = async {
            assert_eq!(outcomes(store.path()), [("begun".into(), String::new())]);
            Ok(7)
        };
        let asked = Asked::by_command_line(1000, Some(42));
        let done = audit
            .of(asked.clone(), undo(), work, |n| format!("{n} days"))
            .await;
        assert_eq!(done.unwrap(), 7);
        let work = async { Err::<(), _>(Failure::failed("no room")) };
        audit
            .of(asked.clone(), undo(), work, |()| String::new())
            .await
            .unwrap_err();
        audit
            .refused(asked, undo(), "the PIN is wrong".into())
            .await;
        let expected = [
            ("done", "7 days"),
            ("failed", "no room"),
            ("refused", "the PIN is wrong"),
        ];
        assert_eq!(
            outcomes(store.path()),
            expected.map(|(outcome, said)| (outcome.to_owned(), said.to_owned()))
        );
        assert_eq!(
            rows(store.path(), None, 100).unwrap()[0].place,
            "user 1000, process 42"
        );
        assert_eq!(rows(store.path(), None, 1).unwrap()[0].outcome, "refused");
    }

    #[test]
    fn a_row_left_open_by_a_kill_is_closed_at_the_next_start() {
        let store = tempfile::tempdir().unwrap();
        let audit = Audit::of_store(store.path());
        drop(audit.begin(Asked::by_schedule(), undo()));
        Audit::of_store(store.path()).close_open_rows();
        assert_eq!(outcomes(store.path())[0].0, "cut short");
    }

    #[test]
    fn an_act_is_done_though_its_row_cannot_be_written_and_that_is_told() {
        let store = tempfile::tempdir().unwrap();
        std::fs::create_dir(store.path().join(FILE)).unwrap();
        let audit = Audit::of_store(store.path());
        let done = audit.of_blocking(Asked::by_schedule(), undo(), || Ok(1));
        assert_eq!(done.unwrap(), 1);
        assert!(audit.problem().is_some_and(|why| why.contains(FILE)));
    }

    #[test]
    fn only_so_many_rows_are_kept_and_refusals_push_no_others_out() {
        let store = tempfile::tempdir().unwrap();
        let audit = Audit::of_store(store.path());
        drop(audit.begin(Asked::by_schedule(), undo()));
        let conn = audit.connect().unwrap();
        conn.execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ?1)
             INSERT INTO audit SELECT i, at_ms, asker, place, request, what, about, 'refused', said, ended_ms
             FROM n, (SELECT * FROM audit WHERE id = 1)",
            [MOST_REFUSALS],
        )
        .unwrap();
        let refusal = Begun {
            id: None,
            at_ms: 0,
            asked: Asked::by_schedule(),
            act: undo(),
        };
        audit.insert(&refusal, "refused", "", Some(0)).unwrap();
        let rows = rows(store.path(), None, u64::MAX).unwrap();
        assert_eq!(rows.len() as i64, MOST_REFUSALS + 1);
        assert_eq!((rows[0].id, rows[1].id), (1, 3));
    }
}
