//! The requests of a connection that wait for their answers, by id; no I/O and no clock.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::error::Error;
use crate::message::RpcError;
use crate::outcome::Due;

/// All requests under way on one connection. Ids count up from 1 and are never reused.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    last_id: u64,
    due: HashMap<u64, Due>,
}

impl Pending {
    /// A new id.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Adds a request that was sent; it stays until its answer comes.
    pub(crate) fn add(&mut self, id: u64, due: Due) {
        self.due.insert(id, due);
    }

    /// How many requests wait.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// Gives an answer to the caller that waits for it, and returns the method. `None` for a late
    /// or repeated answer, which nobody waits for.
    pub(crate) fn answer(
        &mut self,
        id: u64,
        outcome: Result<Option<&RawValue>, RpcError>,
    ) -> Option<String> {
        let due = self.due.remove(&id)?;
        let method = due.method().to_owned();
        due.settle(match outcome {
            Ok(result) => Ok(result.map(ToOwned::to_owned)),
            Err(error) => Err(Error::Refused {
                method: method.clone(),
                error,
            }),
        });
        Some(method)
    }

    /// Forgets the requests whose caller no longer waits.
    pub(crate) fn forget_unwanted(&mut self) {
        self.due.retain(|_, due| due.is_wanted());
    }

    /// The link is lost: the outcome of every request under way is unknown.
    pub(crate) fn fail_all(&mut self, why: &str) {
        for (_, due) in self.due.drain() {
            due.lost(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::outcome::{self, Caller, Outcome};

    fn add(pending: &mut Pending) -> (u64, Caller) {
        let (caller, due) = outcome::pair("NoOp");
        assert!(due.send());
        let id = pending.next_id();
        pending.add(id, due);
        (id, caller)
    }

    async fn outcome_of(caller: Caller) -> Outcome {
        caller.outcome(Instant::now(), Duration::ZERO).await
    }

    #[tokio::test]
    async fn each_answer_finds_its_own_waiter_once() {
        let mut pending = Pending::default();
        let (first, one) = add(&mut pending);
        let (second, two) = add(&mut pending);
        assert_ne!(first, second);
        pending.answer(second, Ok(None));
        pending.answer(second, Ok(None));
        pending.answer(99, Ok(None));
        assert!(outcome_of(two).await.is_ok());
        assert_eq!(pending.len(), 1);
        assert!(outcome_of(one).await.is_err());
    }

    #[tokio::test]
    async fn a_lost_link_tells_every_waiter_that_the_outcome_is_unknown() {
        let mut pending = Pending::default();
        let (_, waiter) = add(&mut pending);
        pending.fail_all("cable");
        let error = outcome_of(waiter).await.unwrap_err();
        assert!(error.is_outcome_unknown());
        assert!(error.to_string().contains("cable"), "{error}");
        assert_eq!(pending.len(), 0);
    }

    #[tokio::test]
    async fn those_whose_time_is_over_are_forgotten() {
        let mut pending = Pending::default();
        let (_, late) = add(&mut pending);
        let (_, waiter) = add(&mut pending);
        assert!(outcome_of(late).await.is_err());
        drop(waiter);
        pending.forget_unwanted();
        assert_eq!(pending.len(), 0);
    }
}
