//! The job that runs now, as the panel shows it: it is posted when it begins and removed when it ends.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use contract::{Job, JobState};

use super::steps::Steps;

/// Where the running job is posted. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Board {
    posted: Arc<Mutex<Posted>>,
    /// Also told the steps of the jobs that are posted here.
    steps: Steps,
}

#[derive(Debug, Default)]
struct Posted {
    /// The job, and when it last made progress.
    job: Option<(Job, Instant)>,
    begun: u64,
}

impl Board {
    /// The same board, which also tells `steps` how its jobs progress.
    pub(super) fn told_to(&self, steps: Steps) -> Self {
        Self {
            posted: self.posted.clone(),
            steps,
        }
    }

    /// Posts a job that a person asked for; it stays posted until the result is dropped.
    pub(super) fn post(&self, kind: &'static str) -> Running {
        self.post_of(kind, false)
    }

    /// The same for a job that the agent runs by itself.
    pub(super) fn post_own(&self, kind: &'static str) -> Running {
        self.post_of(kind, true)
    }

    fn post_of(&self, kind: &'static str, own: bool) -> Running {
        let id = self.with(|posted| {
            posted.begun += 1;
            let id = format!("{kind}-{}", posted.begun);
            let job = Job {
                id: id.clone(),
                kind: kind.to_owned(),
                state: JobState::Running,
                percent: 0,
                text: String::new(),
                own,
            };
            posted.job = Some((job, Instant::now()));
            id
        });
        Running {
            id,
            board: self.clone(),
        }
    }

    pub(super) fn job(&self) -> Option<Job> {
        self.with(|posted| posted.job.as_ref().map(|(job, _)| job.clone()))
    }

    /// For how long a running job of this kind has made no progress.
    pub(super) fn still_for(&self, kind: &str) -> Option<Duration> {
        self.with(|posted| {
            let running = posted.job.as_ref().filter(|(job, _)| job.kind == kind);
            running.map(|(_, moved)| moved.elapsed())
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Posted) -> T) -> T {
        // Each value behind the lock is whole, even after a panic.
        look(&mut self.posted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A job on the board; its progress is shown there.
#[derive(Debug)]
pub(super) struct Running {
    id: String,
    board: Board,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl backup::Progress for Running {
    fn step(&self, what: &str, done: u64, total: u64) {
        self.board.steps.step(what, done, total);
        self.board.with(|posted| {
            let own = posted.job.as_mut().filter(|(job, _)| job.id == self.id);
            if let Some((job, moved)) = own {
                let percent = (done.saturating_mul(100))
                    .checked_div(total)
                    .unwrap_or(0)
                    .min(100);
                job.percent = u8::try_from(percent).unwrap_or(100);
                what.clone_into(&mut job.text);
                *moved = Instant::now();
            }
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let own = |(job, _): &mut (Job, Instant)| job.id == self.id;
        self.board.with(|posted| drop(posted.job.take_if(own)));
    }
}
