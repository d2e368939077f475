//! The JSON-RPC envelope as the Core reads and writes it. Ids come back byte for byte; members have a real Core's
//! order.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::groups::ConnectionId;
use crate::number::{push_integer, push_text};
use crate::options::{OpenPoints, Reply};

/// A request whose method was read; id and params are still raw.
pub(super) struct Request<'a> {
    pub(super) id: Option<&'a RawValue>,
    pub(super) method: Cow<'a, str>,
    pub(super) params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

impl<'a> Request<'a> {
    /// Reads a frame. Err(None): the Core does not answer.
    pub(super) fn read(
        frame: &'a [u8],
        points: &OpenPoints,
    ) -> Result<Request<'a>, Option<Refusal>> {
        let refuse = |answer: bool, code, message: String| {
            Err(answer.then_some(Refusal {
                code,
                message,
                id: None,
            }))
        };
        let text = match std::str::from_utf8(frame) {
            Ok(text) => text.trim(),
            Err(error) => {
                return refuse(
                    points.answer_not_json,
                    -32700,
                    format!("parse error: {error}"),
                );
            }
        };
        // Only an object is a request. serde would accept an array, with the members in the order of the fields.
        let envelope = if text.starts_with('{') {
            serde_json::from_str::<Envelope<'a>>(text)
        } else {
            match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => {
                    let message = "invalid request: an object was expected".into();
                    return refuse(points.answer_batch, -32600, message);
                }
                Err(error) => Err(error),
            }
        };
        let envelope = match envelope {
            Ok(envelope) => envelope,
            Err(error) => {
                return refuse(
                    points.answer_not_json,
                    -32700,
                    format!("parse error: {error}"),
                );
            }
        };
        let id = envelope.id.filter(|id| id.get() != "null");
        let invalid = |message: &str| {
            let answer = id.is_some() || points.errors_without_id;
            Err(answer.then(|| Refusal {
                code: -32600,
                message: message.into(),
                id: id.map(|id| id.get().into()),
            }))
        };
        let version = envelope.jsonrpc.map(RawValue::get);
        if !points.lenient_jsonrpc && version != Some("\"2.0\"") {
            return invalid("invalid request: \"jsonrpc\":\"2.0\" was expected");
        }
        let method = envelope.method.and_then(|raw| {
            let text: Text<'a> = serde_json::from_str(raw.get()).ok()?;
            Some(text.0)
        });
        let Some(mut method) = method else {
            return invalid("invalid request: a text as \"method\" was expected");
        };
        if points.methods_in_any_case {
            let known = METHODS
                .iter()
                .find(|known| known.eq_ignore_ascii_case(&method));
            method = known.map_or(method, |known| Cow::Borrowed(*known));
        }
        Ok(Request {
            id,
            method,
            params: envelope.params,
        })
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// All methods, for a Core that accepts them in any case.
const METHODS: [&str; 44] = [
    "Logon",
    "NoOp",
    "StatusGet",
    "Control.Get",
    "Control.Set",
    "Component.GetComponents",
    "Component.GetControls",
    "Component.Get",
    "Component.Set",
    "ChangeGroup.AddControl",
    "ChangeGroup.AddComponentControl",
    "ChangeGroup.Remove",
    "ChangeGroup.Poll",
    "ChangeGroup.AutoPoll",
    "ChangeGroup.Invalidate",
    "ChangeGroup.Clear",
    "ChangeGroup.Destroy",
    "Mixer.SetCrossPointGain",
    "Mixer.SetCrossPointDelay",
    "Mixer.SetCrossPointMute",
    "Mixer.SetCrossPointSolo",
    "Mixer.SetInputGain",
    "Mixer.SetInputMute",
    "Mixer.SetInputSolo",
    "Mixer.SetOutputGain",
    "Mixer.SetOutputMute",
    "Mixer.SetCueGain",
    "Mixer.SetCueMute",
    "Mixer.SetInputCueEnable",
    "Mixer.SetInputCueAfl",
    "LoopPlayer.Start",
    "LoopPlayer.Stop",
    "LoopPlayer.Cancel",
    "Snapshot.Load",
    "Snapshot.Save",
    "PA.PageSubmit",
    "PA.PageStart",
    "PA.PageStop",
    "PA.PageCancel",
    "PA.PageProceed",
    "PA.ZoneStatusConfigure",
    "PA.GetConfig",
    "PA.SourceWatchdog",
    "EngineStatus",
];

/// A call: its connection and its params.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) connection: ConnectionId,
    pub(super) params: Option<&'a RawValue>,
}

impl<'a> Call<'a> {
    /// The params, an object, as `T`. Otherwise a refusal with code -32602 that says what is wrong.
    pub(super) fn read<T: Deserialize<'a>>(&self) -> Result<T, Refusal> {
        // serde would accept an array, with the members in the order of the fields.
        if !self
            .params
            .is_some_and(|params| params.get().starts_with('{'))
        {
            return Err(Refusal::params("an object was expected"));
        }
        self.read_any()
    }

    /// Like [`Call::read`], for params that need not be an object.
    pub(super) fn read_any<T: Deserialize<'a>>(&self) -> Result<T, Refusal> {
        let params = self.params.map_or("null", RawValue::get);
        serde_json::from_str(params).map_err(|error| {
            let text = error.to_string();
            let text = text
                .rfind(" at line ")
                .map_or(text.as_str(), |end| &text[..end]);
            Refusal::params(text)
        })
    }
}

/// The answer of a method that succeeded.
pub(super) enum Answer {
    /// The method wrote its result itself.
    Written,
    /// `false`
    False,
    /// `"OK"`, as the paging methods answer.
    Ok,
    /// A result without content.
    Plain(Reply),
}

impl Answer {
    /// The whole reply; `frame` holds everything before the result.
    pub(super) fn frame(self, mut frame: Vec<u8>, id: &RawValue) -> Vec<u8> {
        match self {
            Answer::Written => {}
            Answer::Ok => frame.extend_from_slice(b"\"OK\""),
            Answer::False => frame.extend_from_slice(b"false"),
            Answer::Plain(Reply::True) => frame.extend_from_slice(b"true"),
            Answer::Plain(Reply::Object) => frame.extend_from_slice(b"{}"),
            Answer::Plain(Reply::Array) => frame.extend_from_slice(b"[]"),
            Answer::Plain(Reply::Ok) => frame.extend_from_slice(b"\"OK\""),
            Answer::Plain(Reply::Nothing) => {
                frame.truncate(frame.len() - b",\"result\":".len());
            }
        }
        frame.extend_from_slice(b",\"id\":");
        frame.extend_from_slice(id.get().as_bytes());
        frame.push(b'}');
        finish(frame)
    }
}

/// Why the Core refuses a request.
#[derive(Debug)]
pub(super) struct Refusal {
    code: i64,
    message: String,
    /// The request's id, if its method could not be read.
    id: Option<Box<str>>,
}

impl Refusal {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Refusal {
        Refusal {
            code,
            message: message.into(),
            id: None,
        }
    }

    pub(super) fn params(problem: &str) -> Refusal {
        Refusal::new(-32602, format!("invalid params: {problem}"))
    }

    pub(super) fn component(name: &str) -> Refusal {
        Refusal::new(7, format!("component '{name}' does not exist"))
    }

    pub(super) fn control(name: &str) -> Refusal {
        Refusal::new(8, format!("control '{name}' does not exist"))
    }

    /// The error reply.
    pub(super) fn frame(self, id: Option<&RawValue>) -> Vec<u8> {
        let mut frame = b"{\"jsonrpc\":\"2.0\",\"id\":".to_vec();
        let id = id
            .map(RawValue::get)
            .or(self.id.as_deref())
            .unwrap_or("null");
        frame.extend_from_slice(id.as_bytes());
        frame.extend_from_slice(b",\"error\":{\"code\":");
        push_integer(&mut frame, self.code);
        frame.extend_from_slice(b",\"message\":");
        push_text(&mut frame, &self.message);
        frame.extend_from_slice(b"}}");
        finish(frame)
    }
}

/// Ends a frame.
pub(super) fn finish(mut frame: Vec<u8>) -> Vec<u8> {
    frame.push(0);
    frame
}
