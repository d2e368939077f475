//! Frames to JSON-RPC 2.0 messages and back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::value::WireText;

/// A request to write. Without an `id` it is a notification: the Core does it and never answers.
#[derive(Debug, Serialize)]
pub struct Request<'a, P: ?Sized> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    params: &'a P,
}

impl<'a, P: Serialize + ?Sized> Request<'a, P> {
    /// A request that the Core answers under `id`.
    pub fn new(id: u64, method: &'a str, params: &'a P) -> Self {
        Self {
            jsonrpc: "2.0",
            id: Some(id),
            method,
            params,
        }
    }

    /// The JSON text, without the NUL.
    ///
    /// # Errors
    /// If `params` cannot be written as JSON.
    pub fn to_frame(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

/// A refusal by the Core, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, thiserror::Error)]
#[error("the Core refused: {message} (code {code})")]
pub struct RpcError {
    /// A code of JSON-RPC, -32604 for a Core on standby, or one of QRC's own from 1 to 10; see
    /// [`code`].
    pub code: i64,
    /// The Core's message.
    #[serde(default)]
    pub message: String,
}

/// The error codes that QRC documents.
pub mod code {
    /// The text is no JSON.
    pub const PARSE_ERROR: i64 = -32700;
    /// The JSON is no request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// There is no such method.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// A parameter is missing or of the wrong type.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The Core had an internal error.
    pub const SERVER_ERROR: i64 = -32603;
    /// This Core of a redundant pair is not the active one.
    pub const STANDBY: i64 = -32604;
    /// The connection already has four change groups.
    pub const CHANGE_GROUPS_EXHAUSTED: i64 = 5;
    /// No such change group on this connection.
    pub const UNKNOWN_CHANGE_GROUP: i64 = 6;
    /// No such component, or external control may not see it.
    pub const UNKNOWN_COMPONENT: i64 = 7;
    /// No such control.
    pub const UNKNOWN_CONTROL: i64 = 8;
    /// The mixer has no such channel.
    pub const ILLEGAL_INDEX: i64 = 9;
    /// The design asks for a log-on first.
    pub const LOGON_REQUIRED: i64 = 10;
}

/// A frame from the Core, by its shape.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// A notification: `EngineStatus`, a change group's push, …
    Notification {
        /// The method's name.
        method: Cow<'a, str>,
        /// Its payload, if it has one.
        params: Option<&'a RawValue>,
    },
    /// An answer to one of our requests.
    Response {
        /// The request's id.
        id: u64,
        /// The result. `None` if the Core sent neither a result nor an error: an emulator means
        /// success by that.
        outcome: Result<Option<&'a RawValue>, RpcError>,
    },
    /// An error that belongs to no request.
    StrayError(RpcError),
    /// A result that belongs to no request: a push in the shape that the Help prints.
    StrayResult(&'a RawValue),
    /// Other JSON; the client ignores it.
    Other,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    method: Option<WireText<'a>>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    /// One sample in the documentation answers `Logon` with this member.
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

impl<'a> Incoming<'a> {
    /// Reads a frame.
    ///
    /// # Errors
    /// If the frame is no JSON object of this shape. The link can go on.
    pub fn parse(frame: &'a [u8]) -> serde_json::Result<Self> {
        let envelope: Envelope<'a> = serde_json::from_slice(frame.trim_ascii())?;
        if let Some(WireText(method)) = envelope.method {
            let params = envelope.params.or(envelope.result);
            return Ok(Self::Notification { method, params });
        }
        let id = envelope.id.and_then(|id| number_of(id.get()));
        Ok(match (id, envelope.error) {
            (Some(id), Some(error)) => Self::Response {
                id,
                outcome: Err(error),
            },
            (Some(id), None) => Self::Response {
                id,
                outcome: Ok(envelope.result.or(envelope.response)),
            },
            (None, Some(error)) => Self::StrayError(error),
            (None, None) => envelope.result.map_or(Self::Other, Self::StrayResult),
        })
    }
}

/// The client's ids are whole numbers. Some Cores may echo 17 as "17" or 17.0; both are accepted.
fn number_of(id: &str) -> Option<u64> {
    let id = id.trim_matches('"');
    id.parse().ok().or_else(|| {
        let number: f64 = id.parse().ok()?;
        (number >= 0.0 && number.fract() == 0.0 && number < 9e15).then_some(number as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_compact_and_in_order() {
        let frame = Request::new(2, "StatusGet", &0).to_frame().unwrap();
        assert_eq!(
            frame,
            br#"{"jsonrpc":"2.0","id":2,"method":"StatusGet","params":0}"#
        );
    }

    #[test]
    fn a_result_is_matched_in_any_key_order() {
        for frame in [
            &br#"{"jsonrpc":"2.0","result":true,"id":17}"#[..],
            br#" {"id":"17","result":true}"#,
            br#"{"id":17.0,"response":true}"#,
        ] {
            match Incoming::parse(frame).unwrap() {
                Incoming::Response {
                    id: 17,
                    outcome: Ok(Some(result)),
                } => {
                    assert_eq!(result.get(), "true");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_response_with_neither_result_nor_error_is_success() {
        let frame = br#"{"jsonrpc":"2.0","id":21}"#;
        assert!(matches!(
            Incoming::parse(frame).unwrap(),
            Incoming::Response {
                id: 21,
                outcome: Ok(None)
            }
        ));
    }

    #[test]
    fn an_error_keeps_code_and_sentence() {
        let frame = br#"{"jsonrpc":"2.0","id":4,"error":{"code":8,"message":"control 'NoSuch' does not exist"}}"#;
        match Incoming::parse(frame).unwrap() {
            Incoming::Response {
                id: 4,
                outcome: Err(error),
            } => {
                assert_eq!(error.code, code::UNKNOWN_CONTROL);
                assert_eq!(error.message, "control 'NoSuch' does not exist");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_push_is_a_notification() {
        let frame =
            br#"{"jsonrpc":"2.0","method":"ChangeGroup.Poll","params":{"Id":"a","Changes":[]}}"#;
        assert!(matches!(
            Incoming::parse(frame).unwrap(),
            Incoming::Notification { method, params: Some(_) } if method == "ChangeGroup.Poll"
        ));
    }

    #[test]
    fn json_that_is_no_message_does_not_end_the_link() {
        assert!(matches!(
            Incoming::parse(br#"{"id":null}"#).unwrap(),
            Incoming::Other
        ));
        assert!(Incoming::parse(b"null").is_err());
        assert!(Incoming::parse(b"\xff\xfe").is_err());
    }
}
