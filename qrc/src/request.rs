//! Typed calls, put into the queue of the task that owns the socket.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::error::Error;
use crate::method::Method;
use crate::outcome::{self, Due, Outcome};

/// A request on its way to the socket.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) params: Box<RawValue>,
    pub(crate) due: Due,
}

/// Puts requests into a queue and waits for their outcome.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    calls: mpsc::Sender<Call>,
    timeout: Duration,
}

impl Requester {
    pub(crate) fn new(calls: mpsc::Sender<Call>, timeout: Duration) -> Self {
        Self { calls, timeout }
    }

    /// The deadline of a request that begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// Sends a request once.
    pub(crate) async fn call<M: Method>(&self, params: &M) -> Result<M::Reply, Error> {
        self.call_by(params, self.deadline()).await
    }

    /// Sends a request once, as a part of something that must end by `deadline`.
    pub(crate) async fn call_by<M: Method>(
        &self,
        params: &M,
        deadline: Instant,
    ) -> Result<M::Reply, Error> {
        let result = self.raw_by(M::NAME, params, deadline).await?;
        M::reply(result.as_deref()).map_err(|error| Error::BadReply {
            method: M::NAME.to_owned(),
            why: error.to_string(),
        })
    }

    /// Sends a request once and returns the result as it came.
    pub(crate) async fn raw(&self, method: &str, params: &(impl Serialize + ?Sized)) -> Outcome {
        self.raw_by(method, params, self.deadline()).await
    }

    async fn raw_by(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
        deadline: Instant,
    ) -> Outcome {
        let params = to_raw_value(params).map_err(|error| Error::BadRequest {
            what: method.to_owned(),
            why: error.to_string(),
        })?;
        let (caller, due) = outcome::pair(method);
        let queued = self.calls.send(Call { params, due });
        match tokio::time::timeout_at(deadline, queued).await {
            Ok(queued) => {
                // A closed queue gives the call back; dropping it tells the caller.
                drop(queued);
                caller.outcome(deadline, self.timeout).await
            }
            Err(_) => Err(outcome::not_sent(method, self.timeout)),
        }
    }
}
