//! The two ends of one request. The caller always gets exactly one outcome, as a value, whatever
//! happens to the other end.
//!
//! Only the caller keeps the deadline. The connection asks [`Due::send`] before it writes, and
//! forgets a request whose caller has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::Error;

/// The outcome of a request; `None` is a success without content.
pub(crate) type Outcome = Result<Option<Box<RawValue>>, Error>;

/// The two ends of a request.
pub(crate) fn pair(method: &str) -> (Caller, Due) {
    let stage = Arc::new(Stage(AtomicU8::new(Stage::QUEUED)));
    let (outcome, awaited) = oneshot::channel();
    let caller = Caller {
        method: method.to_owned(),
        stage: stage.clone(),
        outcome: awaited,
    };
    let due = Due {
        method: method.to_owned(),
        stage,
        outcome: Some(outcome),
    };
    (caller, due)
}

/// How far the request got. It leaves `QUEUED` once: the connection sends it, or the caller gives it up.
#[derive(Debug)]
struct Stage(AtomicU8);

impl Stage {
    const QUEUED: u8 = 0;
    const SENT: u8 = 1;
    const GIVEN_UP: u8 = 2;

    /// True for the end that took it out of the queue.
    fn leave_queue(&self, to: u8) -> bool {
        self.0
            .compare_exchange(Self::QUEUED, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    fn is_sent(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::SENT
    }
}

/// The caller's end. Dropping it gives the request up.
#[derive(Debug)]
pub(crate) struct Caller {
    method: String,
    stage: Arc<Stage>,
    outcome: oneshot::Receiver<Outcome>,
}

impl Caller {
    /// Waits for the outcome until `deadline`. `timeout` is the whole time allowed, for the error.
    pub(crate) async fn outcome(mut self, deadline: Instant, timeout: Duration) -> Outcome {
        match tokio::time::timeout_at(deadline, &mut self.outcome).await {
            Ok(Ok(outcome)) => outcome,
            // The other end always leaves an outcome. Without one, nobody knows what happened.
            Ok(Err(_)) => Err(unknown(&self.method, "the connection ended without a word")),
            Err(_) if self.stage.leave_queue(Stage::GIVEN_UP) => {
                Err(not_sent(&self.method, timeout))
            }
            Err(_) => Err(Error::TimedOut {
                method: self.method.clone(),
                after: timeout,
            }),
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.stage.leave_queue(Stage::GIVEN_UP);
    }
}

/// The connection's end. Dropping it tells the caller what is known of the request.
#[derive(Debug)]
pub(crate) struct Due {
    method: String,
    stage: Arc<Stage>,
    outcome: Option<oneshot::Sender<Outcome>>,
}

impl Due {
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// Claims the request for the socket. False if the caller has given it up: then it must not be
    /// sent.
    #[must_use]
    pub(crate) fn send(&self) -> bool {
        self.stage.leave_queue(Stage::SENT)
    }

    /// True while the caller waits.
    pub(crate) fn is_wanted(&self) -> bool {
        self.outcome
            .as_ref()
            .is_some_and(|outcome| !outcome.is_closed())
    }

    /// Gives the caller the outcome, if it still waits.
    pub(crate) fn settle(mut self, outcome: Outcome) {
        if let Some(awaited) = self.outcome.take() {
            let _ = awaited.send(outcome);
        }
    }

    /// Tells the caller that the link was lost during the request.
    pub(crate) fn lost(self, why: &str) {
        let outcome = Err(unknown(&self.method, why));
        self.settle(outcome);
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        if let Some(awaited) = self.outcome.take() {
            let outcome = if self.stage.is_sent() {
                unknown(&self.method, "the client was shut down")
            } else {
                Error::Closed
            };
            let _ = awaited.send(Err(outcome));
        }
    }
}

/// The request could not be sent in time.
pub(crate) fn not_sent(method: &str, timeout: Duration) -> Error {
    Error::NoLink {
        why: format!("{method} was not sent within {timeout:?}"),
    }
}

fn unknown(method: &str, why: &str) -> Error {
    Error::OutcomeUnknown {
        method: method.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(1);

    async fn wait(caller: Caller) -> Error {
        caller
            .outcome(Instant::now() + SHORT, SHORT)
            .await
            .unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_given_up_in_the_queue_is_never_sent() {
        let (caller, due) = pair("Control.Set");
        assert!(matches!(wait(caller).await, Error::NoLink { .. }));
        assert!(!due.send() && !due.is_wanted());
        let (caller, due) = pair("Control.Set");
        drop(caller);
        assert!(!due.send());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_was_sent_times_out_whichever_clock_is_first() {
        let (caller, due) = pair("Control.Set");
        assert!(due.send());
        assert!(matches!(wait(caller).await, Error::TimedOut { .. }));
        assert!(!due.is_wanted());
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_is_dropped_says_what_is_known_of_the_request() {
        let (caller, due) = pair("Control.Set");
        drop(due);
        assert_eq!(wait(caller).await, Error::Closed);
        let (caller, due) = pair("Control.Set");
        assert!(due.send());
        drop(due);
        assert!(wait(caller).await.is_outcome_unknown());
    }

    #[tokio::test(start_paused = true)]
    async fn an_outcome_in_time_is_taken() {
        let (caller, due) = pair("Control.Set");
        assert!(due.send());
        due.settle(Ok(None));
        assert!(caller.outcome(Instant::now(), SHORT).await.is_ok());
    }
}
