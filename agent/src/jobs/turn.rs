//! Whose turn it is: one job at a time. What a person asks for waits for the agent's own job and is refused where another
//! person's comes first; the agent's own job waits for any.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, Kind, Outcome};
use crate::moment::{self, Moment};

/// Who asked for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asker {
    Schedule,
    Panel,
    /// At a shell, with the user and the process in words.
    CommandLine(String),
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule => f.write_str("the schedule"),
            Self::Panel => f.write_str("the panel"),
            Self::CommandLine(who) => write!(f, "the command line ({who})"),
        }
    }
}

/// The turns of an agent's jobs. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    /// Held while a job runs. Who waits for it gets it in the order of asking.
    free: Arc<tokio::sync::Mutex<()>>,
    book: Arc<Mutex<Book>>,
    stopped: CancellationToken,
}

#[derive(Debug, Default)]
struct Book {
    /// What a person asked for, until it has ended.
    persons: Option<Asked>,
    /// The agent's own job that runs.
    own: Option<&'static str>,
}

#[derive(Debug)]
struct Asked {
    what: &'static str,
    asker: Asker,
    /// When it began to wait, then when it began to run.
    since: i64,
    runs: bool,
}

/// The right to run a job; dropping it lets the next one start.
#[derive(Debug)]
pub(crate) struct Turn {
    // Dropped in this order: whoever gets the turn finds the book without this job.
    entry: Entry,
    _free: OwnedMutexGuard<()>,
}

impl Turn {
    /// Who asked for the job.
    pub(super) fn asker(&self) -> &Asker {
        &self.entry.asker
    }
}

/// A person's place before the turn: nobody else is let in until it is dropped, or the turn that it becomes.
#[derive(Debug)]
pub(crate) struct Place {
    entry: Entry,
    waits_for: Option<&'static str>,
}

impl Turns {
    /// A place for a person, if no other person's job runs or waits.
    pub(super) fn place(&self, what: &'static str, asker: Asker) -> Outcome<Place> {
        self.with(|book| {
            if let Some(first) = &book.persons {
                return Err(first.refuses());
            }
            book.persons = Some(Asked {
                what,
                asker: asker.clone(),
                since: moment::now(),
                runs: false,
            });
            Ok(Place {
                waits_for: book.own,
                entry: self.entry(asker),
            })
        })
    }

    /// The turn for a job of the agent's own, once the jobs before have ended. `None` where the agent stops.
    pub(super) async fn own(&self, what: &'static str) -> Option<Turn> {
        let free = self.free().await?;
        self.with(|book| book.own = Some(what));
        Some(Turn {
            entry: self.entry(Asker::Schedule),
            _free: free,
        })
    }

    fn entry(&self, asker: Asker) -> Entry {
        Entry {
            turns: self.clone(),
            asker,
        }
    }

    /// No job begins any more.
    pub(super) fn stop(&self) {
        self.stopped.cancel();
    }

    async fn free(&self) -> Option<OwnedMutexGuard<()>> {
        tokio::select! {
            biased;
            () = self.stopped.cancelled() => None,
            free = self.free.clone().lock_owned() => Some(free),
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        // Each value behind the lock is whole, even after a panic.
        look(&mut self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    /// The agent's own job that has to end first, in words.
    pub(crate) fn waits(&self) -> Option<String> {
        let own = self.waits_for?;
        Some(format!("waiting for the {own} that is running"))
    }

    /// The turn, once the agent's own job has ended.
    pub(crate) async fn turn(self) -> Outcome<Turn> {
        let turns = &self.entry.turns;
        let Some(free) = turns.free().await else {
            return Err(Failure::failed(
                "the agent stops; this had not begun, and nothing was done",
            )
            .hint("ask again when it runs"));
        };
        turns.with(|book| {
            if let Some(asked) = &mut book.persons {
                asked.runs = true;
                asked.since = moment::now();
            }
        });
        Ok(Turn {
            entry: self.entry,
            _free: free,
        })
    }
}

impl Asked {
    /// To whoever comes second.
    fn refuses(&self) -> Failure {
        let Self { what, asker, .. } = self;
        let state = if self.runs { "running" } else { "waiting" };
        let since = Moment::at(self.since).local();
        Failure::failed(format!(
            "the {what} from {asker} has been {state} since {since}"
        ))
        .of_kind(Kind::Busy)
        .hint("wait for it to end, then ask again")
    }
}

/// A line in the book; dropping it takes it out.
#[derive(Debug)]
struct Entry {
    turns: Turns,
    asker: Asker,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.turns.with(|book| match self.asker {
            Asker::Schedule => book.own = None,
            Asker::Panel | Asker::CommandLine(_) => book.persons = None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell() -> Asker {
        Asker::CommandLine("user 1000, process 42".to_owned())
    }

    fn why(refused: Outcome<Place>) -> String {
        refused.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_person_waits_for_the_agents_own_job_and_comes_before_its_next_one() {
        let turns = Turns::default();
        let own = turns.own("backup").await.unwrap();
        let place = turns.place("restore", Asker::Panel).unwrap();
        assert_eq!(
            place.waits().as_deref(),
            Some("waiting for the backup that is running")
        );
        let mut person = Box::pin(place.turn());
        let mut next = Box::pin(turns.own("prune"));
        tokio::select! {
            biased;
            _ = &mut person => panic!("two at a time"),
            _ = &mut next => panic!("two at a time"),
            () = std::future::ready(()) => {}
        }
        drop(own);
        let turn = tokio::select! {
            biased;
            _ = &mut next => panic!("the agent's own before a person"),
            turn = &mut person => turn.unwrap(),
        };
        // And it comes, whoever else asks.
        assert!(turns.place("verify", shell()).is_err());
        drop(turn);
        let _own = next.await.unwrap();
        let place = turns.place("verify", shell()).unwrap();
        assert_eq!(
            place.waits().as_deref(),
            Some("waiting for the prune that is running")
        );
    }

    #[tokio::test]
    async fn a_second_person_is_told_who_comes_first() {
        let turns = Turns::default();
        let own = turns.own("backup").await.unwrap();
        let place = turns.place("restore", shell()).unwrap();
        let said = why(turns.place("backup", Asker::Panel));
        let first =
            "the restore from the command line (user 1000, process 42) has been waiting since ";
        assert!(said.starts_with(first), "{said}");
        drop(own);
        let turn = place.turn().await.unwrap();
        let said = why(turns.place("backup", Asker::Panel));
        assert!(
            said.starts_with(&first.replace("waiting", "running")),
            "{said}"
        );
        assert!(
            said.ends_with("; wait for it to end, then ask again"),
            "{said}"
        );
        drop(turn);
        let place = turns.place("backup", Asker::Panel).unwrap();
        assert_eq!(place.waits(), None);
        // Who gives up makes room.
        drop(place);
        turns.place("backup", Asker::Panel).unwrap();
    }

    #[tokio::test]
    async fn nothing_begins_once_the_agent_stops() {
        let turns = Turns::default();
        let own = turns.own("backup").await.unwrap();
        let place = turns.place("restore", Asker::Panel).unwrap();
        turns.stop();
        assert!(
            place
                .turn()
                .await
                .unwrap_err()
                .to_string()
                .contains("stops")
        );
        drop(own);
        assert!(turns.own("prune").await.is_none());
        let late = turns.place("restore", Asker::Panel).unwrap();
        assert!(late.turn().await.is_err());
    }
}
