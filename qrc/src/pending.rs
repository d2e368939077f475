//! Requests that wait for their answer: ids, waiters and deadlines; no I/O.

use std::collections::HashMap;
use std::time::Instant;

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::message::RpcError;

/// What the Core answered; `None` is a success without content.
pub(crate) type Answer = Result<Option<Box<RawValue>>, Error>;

/// One request under way.
#[derive(Debug)]
struct Waiter {
    method: String,
    deadline: Instant,
    answer: oneshot::Sender<Answer>,
}

/// All requests under way on one connection. Ids count up from 1 and are never used twice.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    last_id: u64,
    waiters: HashMap<u64, Waiter>,
}

impl Pending {
    /// An id that was never used on this connection.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Takes in who waits for the answer to a request.
    pub(crate) fn add(
        &mut self,
        id: u64,
        method: String,
        deadline: Instant,
        answer: oneshot::Sender<Answer>,
    ) {
        let waiter = Waiter {
            method,
            deadline,
            answer,
        };
        self.waiters.insert(id, waiter);
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Hands an answer to whoever waits for it; a late or repeated one finds nobody. Returns
    /// the method that was answered.
    pub(crate) fn answer(
        &mut self,
        id: u64,
        outcome: Result<Option<&RawValue>, RpcError>,
    ) -> Option<String> {
        let Waiter { method, answer, .. } = self.waiters.remove(&id)?;
        // A waiter that has gone away needs no answer.
        let _ = answer.send(match outcome {
            Ok(result) => Ok(result.map(ToOwned::to_owned)),
            Err(error) => Err(Error::Refused {
                method: method.clone(),
                error,
            }),
        });
        Some(method)
    }

    /// Forgets those whose time is over; their callers keep time themselves.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.waiters
            .retain(|_, waiter| waiter.deadline > now && !waiter.answer.is_closed());
    }

    /// The link is lost: what was under way has an unknown outcome.
    pub(crate) fn fail_all(&mut self, why: &str) {
        for (_, waiter) in self.waiters.drain() {
            let _ = waiter.answer.send(Err(Error::OutcomeUnknown {
                method: waiter.method,
                why: why.to_owned(),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn add(pending: &mut Pending, after: Duration) -> (u64, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        let id = pending.next_id();
        pending.add(id, "NoOp".into(), Instant::now() + after, sender);
        (id, receiver)
    }

    #[test]
    fn each_answer_finds_its_own_waiter_once() {
        let mut pending = Pending::default();
        let (first, mut one) = add(&mut pending, Duration::from_secs(9));
        let (second, mut two) = add(&mut pending, Duration::from_secs(9));
        assert_ne!(first, second);
        pending.answer(second, Ok(None));
        pending.answer(second, Ok(None));
        pending.answer(99, Ok(None));
        assert!(two.try_recv().unwrap().is_ok());
        assert!(one.try_recv().is_err());
        assert_eq!(pending.len(), 1);
    }

    #[test]
    fn a_lost_link_tells_every_waiter_that_the_outcome_is_unknown() {
        let mut pending = Pending::default();
        let (_, mut waiter) = add(&mut pending, Duration::from_secs(9));
        pending.fail_all("cable");
        let outcome = waiter.try_recv().unwrap();
        assert!(outcome.unwrap_err().is_outcome_unknown());
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn those_whose_time_is_over_are_forgotten() {
        let mut pending = Pending::default();
        let (_, _late) = add(&mut pending, Duration::ZERO);
        let (_, waiter) = add(&mut pending, Duration::from_secs(9));
        drop(waiter);
        pending.expire(Instant::now());
        assert_eq!(pending.len(), 0);
    }
}
