//! Typed calls into the queue of the task that owns the socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::method::Method;
use crate::pending::Answer;

/// A request on its way to the socket.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) params: Box<RawValue>,
    pub(crate) deadline: Instant,
    /// Set once it has been handed to the socket.
    pub(crate) sent: Arc<AtomicBool>,
    pub(crate) answer: oneshot::Sender<Answer>,
}

impl Call {
    /// True while the caller still waits: one that has given up must not be sent late.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.answer.is_closed() && self.deadline > Instant::now()
    }
}

/// Puts requests into a queue and waits for the answers.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    calls: mpsc::Sender<Call>,
    timeout: Duration,
}

impl Requester {
    pub(crate) fn new(calls: mpsc::Sender<Call>, timeout: Duration) -> Self {
        Self { calls, timeout }
    }

    /// Sends a request once.
    pub(crate) async fn call<M: Method>(&self, params: &M) -> Result<M::Reply, Error> {
        let result = self.raw(M::NAME, params).await?;
        M::reply(result.as_deref()).map_err(|error| Error::BadReply {
            method: M::NAME.to_owned(),
            why: error.to_string(),
        })
    }

    /// Sends a request once and gives the result as it came.
    pub(crate) async fn raw(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
    ) -> Result<Option<Box<RawValue>>, Error> {
        let params = to_raw_value(params).map_err(|error| Error::BadRequest {
            what: method.to_owned(),
            why: error.to_string(),
        })?;
        let sent = Arc::new(AtomicBool::new(false));
        let (answer, answered) = oneshot::channel();
        let call = Call {
            method: method.to_owned(),
            params,
            deadline: Instant::now() + self.timeout,
            sent: sent.clone(),
            answer,
        };
        let exchange = async {
            self.calls.send(call).await.map_err(|_| Error::Closed)?;
            answered.await.map_err(|_| Error::Closed)?
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_) if sent.load(Ordering::Acquire) => Err(Error::TimedOut {
                method: method.to_owned(),
                after: self.timeout,
            }),
            Err(_) => Err(Error::NoLink {
                why: format!("{method} was not sent within {:?}", self.timeout),
            }),
        }
    }
}
