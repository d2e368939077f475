//! How a request can fail: no link, a refusal by the Core, or an unknown outcome.

use std::time::Duration;

use crate::message::{RpcError, code};

/// Why a request has no good answer: the link failed, the Core refused, or the outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There was no link; the request was not sent.
    #[error("no link to the Core: {why}")]
    NoLink {
        /// Why there was no link.
        why: String,
    },
    /// The Core answered with an error.
    #[error("the Core refused {method}: {} (code {})", error.message, error.code)]
    Refused {
        /// The method that was refused.
        method: String,
        /// The Core's code and message.
        error: RpcError,
    },
    /// The link was lost after the request was sent and before its answer came. The Core may have
    /// done it or not, and the client never sends a write again. Read the value back before you
    /// write again.
    #[error("outcome of {method} unknown: {why}; read the value back before writing again")]
    OutcomeUnknown {
        /// The method.
        method: String,
        /// Why the link was lost.
        why: String,
    },
    /// The request was sent and no answer came in time. The Core may have done it or not.
    #[error("no answer to {method} within {} s", after.as_secs_f64())]
    TimedOut {
        /// The method.
        method: String,
        /// How long the call waited.
        after: Duration,
    },
    /// The answer does not have the shape of this method's reply.
    #[error("the Core's answer to {method} is not understood: {why}")]
    BadReply {
        /// The method.
        method: String,
        /// What was found and what was expected.
        why: String,
    },
    /// The request cannot be written as JSON, is longer than a frame may be, or has a pattern that
    /// cannot be read. Nothing was sent.
    #[error("{what}: {why}")]
    BadRequest {
        /// Which request or pattern.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The watches want more change groups than the four of a connection.
    #[error("all {limit} change groups of this connection are in use; end another watch first")]
    TooManyGroups {
        /// The limit.
        limit: usize,
    },
    /// The client was shut down.
    #[error("the client was shut down")]
    Closed,
}

impl Error {
    /// The Core's own code, if the Core refused; see [`code`].
    pub fn code(&self) -> Option<i64> {
        match self {
            Error::Refused { error, .. } => Some(error.code),
            _ => None,
        }
    }

    /// The control, component or group that the Core's refusal names.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Error::Refused { error, .. } => quoted(&error.message),
            _ => None,
        }
    }

    /// True if the Core may have done the request or not.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Error::OutcomeUnknown { .. } | Error::TimedOut { .. })
    }

    /// True if this Core is the inactive one of a pair. Ask the other one.
    pub fn is_standby(&self) -> bool {
        self.code() == Some(code::STANDBY)
    }
}

/// The name between the first pair of single quotes, as in `control 'X' does not exist`.
/// A name may hold quotes itself, so the last one ends it.
fn quoted(message: &str) -> Option<&str> {
    let start = message.find('\'')? + 1;
    let end = message.rfind('\'')?;
    message.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_control_it_is_about() {
        let error = Error::Refused {
            method: "Control.Get".into(),
            error: RpcError {
                code: code::UNKNOWN_CONTROL,
                message: "control 'Bob's mic' does not exist".into(),
            },
        };
        assert_eq!(error.subject(), Some("Bob's mic"));
        assert_eq!(
            error.to_string(),
            "the Core refused Control.Get: control 'Bob's mic' does not exist (code 8)"
        );
    }
}
