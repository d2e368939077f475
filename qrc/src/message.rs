//! Frames to JSON-RPC 2.0 messages and back, told apart by their shape.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::value::WireText;

/// A request as it is written: `id` left out makes it a notification, which is
/// executed and never answered.
#[derive(Debug, Serialize)]
pub struct Request<'a, P: ?Sized> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    params: &'a P,
}

impl<'a, P: Serialize + ?Sized> Request<'a, P> {
    /// A request that is answered under `id`.
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
    /// Where `params` cannot be written as JSON.
    pub fn to_frame(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

/// What the Core refused, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, thiserror::Error)]
#[error("the Core refused: {message} (code {code})")]
pub struct RpcError {
    /// JSON-RPC's codes, -32604 for a Core on standby, 1 to 10 for QRC's own.
    pub code: i64,
    /// The Core's sentence.
    #[serde(default)]
    pub message: String,
}

/// QRC's own error codes (protocol reference, error codes).
pub mod code {
    /// The text is no JSON.
    pub const PARSE_ERROR: i64 = -32700;
    /// The JSON is no request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// There is no such method.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// A parameter is missing or of the wrong type.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The Core failed inside.
    pub const SERVER_ERROR: i64 = -32603;
    /// This Core of a redundant pair is not the active one.
    pub const STANDBY: i64 = -32604;
    /// A fifth change group on one connection.
    pub const CHANGE_GROUPS_EXHAUSTED: i64 = 5;
    /// No such change group on this connection.
    pub const UNKNOWN_CHANGE_GROUP: i64 = 6;
    /// No such component, or none that external control may see.
    pub const UNKNOWN_COMPONENT: i64 = 7;
    /// No such control.
    pub const UNKNOWN_CONTROL: i64 = 8;
    /// A mixer channel outside the mixer.
    pub const ILLEGAL_INDEX: i64 = 9;
    /// The design asks for a log-on first.
    pub const LOGON_REQUIRED: i64 = 10;
}

/// A frame from the Core, told apart by what it holds.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// Unasked for: `EngineStatus`, a change group's push, …
    Notification {
        /// The method's name.
        method: Cow<'a, str>,
        /// Its payload, where there is one.
        params: Option<&'a RawValue>,
    },
    /// An answer to one of our requests.
    Response {
        /// Our number, echoed.
        id: u64,
        /// The result; `None` where the Core sent neither result nor error, which an
        /// emulator does for success.
        outcome: Result<Option<&'a RawValue>, RpcError>,
    },
    /// An error for no request in particular.
    StrayError(RpcError),
    /// A result for no request in particular: a push in the shape that the Help prints.
    StrayResult(&'a RawValue),
    /// JSON that is none of the above; it is passed over.
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
    /// One sample of the documentation answers `Logon` so.
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

impl<'a> Incoming<'a> {
    /// Reads a frame.
    ///
    /// # Errors
    /// Where the frame is no JSON object of this shape; the link can go on.
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

/// Our ids are whole numbers; a Core that echoes one as text or as 17.0 is understood too.
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
