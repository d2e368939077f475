//! The steps of a job, for the caller who asked for it.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// `done` of `total` units of `what`; `total` is 0 where it is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) what: String,
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// Where a job tells its steps. Only the latest is kept, so the job never waits. By default nobody
/// listens. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps(watch::Sender<Option<Step>>);

impl Steps {
    /// The reading end; it ends once all clones of these are dropped.
    pub(crate) fn listen(&self) -> watch::Receiver<Option<Step>> {
        self.0.subscribe()
    }
}

impl backup::Progress for Steps {
    fn step(&self, what: &str, done: u64, total: u64) {
        self.0.send_replace(Some(Step {
            what: what.to_owned(),
            done,
            total,
        }));
    }
}
