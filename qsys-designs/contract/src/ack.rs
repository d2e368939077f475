//! The answer to a request: the document in [`control::ACK`](crate::control::ACK).

use serde::{Deserialize, Serialize};

/// The answer to one request. A request that is accepted has a second one when its job ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The request's.
    pub id: String,
    /// What became of it.
    pub result: AckResult,
    /// Why, or what was done; may be empty.
    pub text: String,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AckResult {
    /// Its job runs.
    Accepted,
    /// Nothing was done.
    Refused,
    /// Its job is done.
    Done,
    /// Its job has failed.
    Failed,
}

impl AckResult {
    /// As it is written in an answer.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}
