//! Who asked for what, and what came of it: a row for every request that may change or prove something, kept outside
//! the day files so that no restore rewrites it.

mod user;

mod asked;
mod table;

mod rows;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::params;

pub(crate) use asked::{Act, Asked, Design};
pub(crate) use rows::{Row, rows};

use crate::failure::{Failure, Outcome};
use crate::moment;

/// Rows kept; a site makes a few a day.
const MOST_ROWS: i64 = 100_000;
/// Refusals kept. They are counted separately: anybody on the network can cause as many as they like.
const MOST_REFUSALS: i64 = 10_000;
/// Longer texts are cut.
const LONGEST_TEXT: usize = 1_000;

/// Writes rows. Cheap to clone. If a row cannot be written, what was asked for is done all the same;
/// the agent's log and [`Audit::problem`] tell of it.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    path: PathBuf,
    problem: Arc<Mutex<Option<String>>>,
    /// A command tells its user, without a log.
    logs: bool,
}

/// A row that waits for its end; it has no id if it could not be written yet.
struct Begun {
    id: Option<i64>,
    at_ms: i64,
    asked: Asked,
    act: Act,
}

impl Audit {
    pub(crate) fn of_store(store: &Path) -> Self {
        Self {
            path: table::path(store),
            problem: Arc::default(),
            logs: true,
        }
    }

    /// The audit as a single command writes it: the command asks for [`Audit::problem`] in the end.
    pub(crate) fn of_command(store: &Path) -> Self {
        Self {
            logs: false,
            ..Self::of_store(store)
        }
    }

    /// Why the last row could not be written.
    pub(crate) fn problem(&self) -> Option<String> {
        self.with(|problem| problem.clone())
    }

    /// Closes the rows that an earlier agent left open when it was killed. Call it only with the
    /// store's lock: then no other process has an open row.
    pub(crate) fn close_open_rows(&self) {
        let closed = table::open(&self.path).and_then(|conn| {
            conn.execute(
                "UPDATE audit SET outcome = 'cut short', ended_ms = ?1 WHERE outcome = 'begun'",
                [moment::now()],
            )
        });
        if let Some(rows @ 1..) = self.told(closed) {
            tracing::warn!(rows, "requests were cut short when the agent ended");
        }
    }

    /// Writes down that the operation begins, runs it, and writes down how it ended. `said` puts its
    /// result in words.
    pub(crate) async fn of<T>(
        &self,
        asked: Asked,
        act: Act,
        operation: impl Future<Output = Outcome<T>>,
        said: impl FnOnce(&T) -> String,
    ) -> Outcome<T> {
        let audit = self.clone();
        let begun = tokio::task::spawn_blocking(move || audit.begin(asked, act)).await;
        let outcome = operation.await;
        let words = outcome.as_ref().map(said).map_err(Failure::to_string);
        let audit = self.clone();
        if let Ok(begun) = begun {
            // It ends early only by a panic, which reports itself.
            let _ = tokio::task::spawn_blocking(move || audit.end(begun, words)).await;
        }
        outcome
    }

    /// The same for an operation that blocks. If `said` returns an error, it counts as failed.
    pub(crate) fn of_blocking<T>(
        &self,
        asked: Asked,
        act: Act,
        operation: impl FnOnce() -> Outcome<T>,
        said: impl FnOnce(&T) -> Result<String, String>,
    ) -> Outcome<T> {
        let begun = self.begin(asked, act);
        let outcome = operation();
        let words = match &outcome {
            Ok(done) => said(done),
            Err(failure) => Err(failure.to_string()),
        };
        self.end(begun, words);
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
        // It ends early only by a panic, which reports itself.
        let _ = written.await;
    }

    fn begin(&self, asked: Asked, act: Act) -> Begun {
        let mut begun = Begun {
            id: None,
            at_ms: moment::now(),
            asked,
            act,
        };
        // On a new machine the restore itself makes the store's folder; its row is then written at the end.
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
                let updated = table::open(&self.path).and_then(|conn| {
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
        let design = row.asked.design.as_ref();
        // Opened for each row: rows are rare, and the folder may be a different one by now.
        let written = table::open(&self.path).and_then(|conn| {
            conn.execute(
                "INSERT INTO audit (at_ms, asker, place, request, what, about, outcome, said, ended_ms,
                    design, design_code, asked_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    row.at_ms,
                    row.asked.asker,
                    short(&row.asked.place),
                    row.asked.request.as_deref().map(short),
                    row.act.what,
                    short(&row.act.about),
                    outcome,
                    short(said),
                    ended_ms,
                    design.map(|design| short(&design.name)),
                    design.map(|design| short(&design.code)),
                    row.asked.asked_ms,
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

    fn told<T>(&self, written: rusqlite::Result<T>) -> Option<T> {
        match written {
            Ok(written) => {
                self.with(|problem| *problem = None);
                Some(written)
            }
            Err(error) => {
                let (path, error) = (self.path.display().to_string(), error.to_string());
                // SQLite names the file too, where it cannot be opened.
                let error = error.strip_suffix(&format!(": {path}")).unwrap_or(&error);
                let why = format!("{path}: {error}");
                self.with(|problem| {
                    // Each request is written down when it begins and when it ends: say it once.
                    if self.logs && problem.as_ref() != Some(&why) {
                        tracing::error!("a request cannot be written down: {why}");
                    }
                    *problem = Some(why);
                });
                None
            }
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Option<String>) -> T) -> T {
        look(&mut self.problem.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
        let operation = async {
            assert_eq!(outcomes(store.path()), [("begun".into(), String::new())]);
            Ok(7)
        };
        let asked = Asked::by_command_line(1000, Some(42), None);
        let done = audit
            .of(asked.clone(), undo(), operation, |n| format!("{n} days"))
            .await;
        assert_eq!(done.unwrap(), 7);
        let operation = async { Err::<(), _>(Failure::failed("no room")) };
        audit
            .of(asked.clone(), undo(), operation, |()| String::new())
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
        let place = rows(store.path(), None, 100).unwrap()[0].place.clone();
        assert_eq!(place, format!("user {}, process 42", user::named(1000)));
        assert_eq!(rows(store.path(), None, 1).unwrap()[0].outcome, "refused");
    }

    #[test]
    fn a_row_left_open_by_a_kill_is_closed_at_the_next_start() {
        let store = tempfile::tempdir().unwrap();
        let audit = Audit::of_store(store.path());
        drop(audit.begin(Asked::by_schedule(None), undo()));
        Audit::of_store(store.path()).close_open_rows();
        assert_eq!(outcomes(store.path())[0].0, "cut short");
    }

    #[test]
    fn an_act_is_done_though_its_row_cannot_be_written_and_that_is_told() {
        let store = tempfile::tempdir().unwrap();
        std::fs::create_dir(table::path(store.path())).unwrap();
        let audit = Audit::of_store(store.path());
        let fine = |_: &i32| Ok(String::new());
        let done = audit.of_blocking(Asked::by_schedule(None), undo(), || Ok(1), fine);
        assert_eq!(done.unwrap(), 1);
        assert!(audit.problem().is_some_and(|why| why.contains("audit.db")));
    }

    #[test]
    fn what_was_done_and_found_wanting_has_failed() {
        let store = tempfile::tempdir().unwrap();
        let audit = Audit::of_store(store.path());
        let wanting = |findings: &i32| Err(format!("{findings} findings"));
        let done = audit.of_blocking(Asked::by_schedule(None), undo(), || Ok(2), wanting);
        assert_eq!(done.unwrap(), 2);
        assert_eq!(
            outcomes(store.path()),
            [("failed".to_owned(), "2 findings".to_owned())]
        );
    }

    #[test]
    fn an_older_versions_rows_are_read_and_go_on() {
        let store = tempfile::tempdir().unwrap();
        let path = table::path(store.path());
        let old = rusqlite::Connection::open(&path).unwrap();
        old.execute_batch(
            "CREATE TABLE audit (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, asker TEXT NOT NULL,
                place TEXT NOT NULL, request TEXT, what TEXT NOT NULL, about TEXT NOT NULL,
                outcome TEXT NOT NULL, said TEXT NOT NULL, ended_ms INTEGER);
             INSERT INTO audit VALUES (1, 0, 'panel', 'Core hall', 'a-1', 'undo', '', 'begun', '', NULL);
             PRAGMA user_version = 1;",
        )
        .unwrap();
        drop(old);
        let read = rows(store.path(), None, 100).unwrap();
        assert_eq!((read[0].what.as_str(), &read[0].design), ("undo", &None));

        let audit = Audit::of_store(store.path());
        audit.close_open_rows();
        let design = Design {
            name: "Hall".to_owned(),
            code: "zT4m".to_owned(),
        };
        let asked = Asked {
            asked_ms: Some(1000),
            ..Asked::by_schedule(Some(design))
        };
        drop(audit.begin(asked, undo()));
        let read = rows(store.path(), None, 100).unwrap();
        assert_eq!(read[0].outcome, "cut short");
        assert_eq!(read[1].design.as_deref(), Some("Hall"));
        assert_eq!(read[1].design_code.as_deref(), Some("zT4m"));
        assert_eq!(
            read[1].asked_at.map(|at| at.to_string()).as_deref(),
            Some("1970-01-01T00:00:01.000Z")
        );
        assert_eq!(audit.problem(), None);
    }

    #[test]
    fn only_so_many_rows_are_kept_and_refusals_push_no_others_out() {
        let store = tempfile::tempdir().unwrap();
        let audit = Audit::of_store(store.path());
        drop(audit.begin(Asked::by_schedule(None), undo()));
        let conn = table::open(&audit.path).unwrap();
        conn.execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ?1)
             INSERT INTO audit (id, at_ms, asker, place, request, what, about, outcome, said, ended_ms)
             SELECT i, at_ms, asker, place, request, what, about, 'refused', said, ended_ms
             FROM n, (SELECT * FROM audit WHERE id = 1)",
            [MOST_REFUSALS],
        )
        .unwrap();
        let refusal = Begun {
            id: None,
            at_ms: 0,
            asked: Asked::by_schedule(None),
            act: undo(),
        };
        audit.insert(&refusal, "refused", "", Some(0)).unwrap();
        let rows = rows(store.path(), None, u64::MAX).unwrap();
        assert_eq!(rows.len() as i64, MOST_REFUSALS + 1);
        assert_eq!((rows[0].id, rows[1].id), (1, 3));
    }
}
