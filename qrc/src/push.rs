//! A push's bytes to its changes, in one pass for the shape that Cores send.

use std::borrow::Cow;

use serde::Deserialize;

use crate::value::{Reading, Value, WireControl, WireText};

/// How every push of a Core begins (captures of a Core 24f, a Core 110f and the emulator agree).
const HEAD: &str = r#"{"jsonrpc":"2.0","method":"ChangeGroup.Poll","params":{"Id":"#;

/// What a change group reported.
#[derive(Debug, PartialEq)]
pub(crate) struct Push<'a> {
    pub(crate) group: Cow<'a, str>,
    pub(crate) changes: Vec<PushedChange<'a>>,
}

/// A control that changed, its names borrowed from the frame.
#[derive(Debug, PartialEq)]
pub(crate) struct PushedChange<'a> {
    /// Empty for a Named Control.
    pub(crate) component: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) reading: Reading,
}

impl<'a> From<WireControl<'a>> for PushedChange<'a> {
    fn from(mut control: WireControl<'a>) -> Self {
        let component = control.component.take();
        Self {
            component: component.map(|WireText(text)| text).unwrap_or_default(),
            name: std::mem::take(&mut control.name),
            reading: control.into_reading(),
        }
    }
}

impl<'a> Push<'a> {
    /// Reads a frame that is a push of the usual shape. `None`: the frame may be anything else, and
    /// must be read as a message.
    pub(crate) fn from_frame(frame: &'a [u8]) -> Option<Self> {
        if !frame.starts_with(HEAD.as_bytes()) {
            return None;
        }
        let mut input = Input {
            text: std::str::from_utf8(frame.trim_ascii_end()).ok()?,
            at: HEAD.len(),
        };
        let group = input.string()?;
        input.literal(r#","Changes":["#)?;
        let mut changes = Vec::new();
        if input.literal("]").is_none() {
            loop {
                changes.push(input.change()?);
                if input.literal(",").is_none() {
                    break;
                }
            }
            input.literal("]")?;
        }
        input.literal("}}")?;
        (input.at == input.text.len()).then_some(Self {
            group: Cow::Borrowed(group),
            changes,
        })
    }

    /// Reads the payload of a push, with its members in any order and with unknown members.
    pub(crate) fn from_params(params: &'a str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(rename = "Id", borrow)]
            id: WireText<'a>,
            #[serde(rename = "Changes", borrow, default)]
            changes: Vec<WireControl<'a>>,
        }
        let params: Params<'a> = serde_json::from_str(params)?;
        Ok(Self {
            group: params.id.0,
            changes: params.changes.into_iter().map(Into::into).collect(),
        })
    }
}

struct Input<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Input<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn literal(&mut self, literal: &str) -> Option<()> {
        self.rest().starts_with(literal.as_bytes()).then(|| {
            self.at += literal.len();
        })
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.literal("\"")?;
        let start = self.at;
        // Most strings are so short that a plain loop is faster than a call.
        let length = self
            .rest()
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        self.at += length;
        self.literal("\"")?;
        self.text.get(start..start + length)
    }

    /// A JSON number. Rust's own parser accepts more (`5.`, `5.e3`, `.5`, `01`) and turns too large
    /// a number into infinity, which no control has.
    fn number(&mut self) -> Option<f64> {
        let bytes = self.rest();
        let digits = |from: usize| {
            let rest = bytes.get(from..).unwrap_or_default();
            rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let whole = usize::from(bytes.first() == Some(&b'-'));
        let mut end = match digits(whole) {
            0 => return None,
            more if more > 1 && bytes[whole] == b'0' => return None,
            more => whole + more,
        };
        if bytes.get(end) == Some(&b'.') {
            end += match digits(end + 1) {
                0 => return None,
                more => 1 + more,
            };
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            end += match digits(end + 1 + sign) {
                0 => return None,
                more => 1 + sign + more,
            };
        }
        let number: f64 = self.text.get(self.at..self.at + end)?.parse().ok()?;
        self.at += end;
        number.is_finite().then_some(number)
    }

    fn change(&mut self) -> Option<PushedChange<'a>> {
        let start = self.at;
        match self.short_change() {
            Some(change) => Some(change),
            // A member beside the four usual ones, or a text with escapes.
            None => {
                self.at = start;
                let rest = self.text.get(start..)?;
                let mut objects = serde_json::Deserializer::from_str(rest).into_iter();
                let control: WireControl<'a> = objects.next()?.ok()?;
                self.at += objects.byte_offset();
                Some(control.into())
            }
        }
    }

    fn short_change(&mut self) -> Option<PushedChange<'a>> {
        let component = match self.literal(r#"{"Component":"#) {
            Some(()) => {
                let component = self.string()?;
                self.literal(r#","Name":"#)?;
                component
            }
            None => {
                self.literal(r#"{"Name":"#)?;
                ""
            }
        };
        let name = self.string()?;
        self.literal(r#","String":"#)?;
        let string = self.string()?;
        self.literal(r#","Value":"#)?;
        let value = self.number()?;
        self.literal(r#","Position":"#)?;
        let position = self.number()?;
        self.literal("}")?;
        Some(PushedChange {
            component: Cow::Borrowed(component),
            name: Cow::Borrowed(name),
            reading: Reading {
                value: Some(Value::Number(value)),
                string: Some(string.into()),
                position: Some(position),
                looks: None,
            },
        })
    }
}

/// A push read as any message is: [`Push::from_frame`] must give the same.
#[cfg(any(test, fuzzing))]
pub(crate) fn slowly(frame: &[u8]) -> Option<Push<'_>> {
    match crate::message::Incoming::parse(frame).ok()? {
        crate::message::Incoming::Notification {
            params: Some(params),
            ..
        } => Push::from_params(params.get()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(changes: &str) {
        let frame = format!(r#"{HEAD}"a","Changes":[{changes}]}}}}"#);
        let quickly = Push::from_frame(frame.as_bytes());
        assert!(quickly.is_some(), "{frame}");
        assert_eq!(quickly, slowly(frame.as_bytes()), "{frame}");
    }

    #[test]
    fn the_quick_way_reads_what_the_slow_way_reads() {
        check("");
        check(r#"{"Name":"x","String":"","Value":0.0,"Position":1.0}"#);
        check(
            r#"{"Component":"Lobby_Gain","Name":"gain","String":"-6.00dB","Value":-6.0,"Position":0.78333336},{"Name":"é","String":"a\"b","Value":1,"Position":-0.0},{"Name":"c","String":"B","Value":1e-3,"Position":0.5,"Choices":["A","B"],"Color":"","Disabled":true}"#,
        );
        check(r#"{"Position":0.5,"Value":null,"Name":"x"}"#);
    }

    #[test]
    fn what_is_no_json_is_not_read_quickly() {
        for change in [
            r#"{"Name":"x","String":"","Value":NaN,"Position":1.0}"#,
            r#"{"Name":"x","String":"","Value":01.0,"Position":1.0}"#,
            r#"{"Name":"x","String":"","Value":.5,"Position":1.0}"#,
            r#"{"Name":"x","String":"","Value":5.,"Position":1.0}"#,
            r#"{"Name":"x","String":"","Value":1.0,"Position":}"#,
            r#"{"Name":"x","String":"","Value":1.0,"Position":0.e8333336}"#,
            r#"{"Name":"x","String":"","Value":1.0,"Position":0.5e}"#,
            r#"{"Name":"x","String":"","Value":1.0,"Position":0.5e-}"#,
            r#"{"Name":"x","String":"","Value":1e999,"Position":1.0}"#,
            r#"{"Name":"x"},"#,
        ] {
            let frame = format!(r#"{HEAD}"a","Changes":[{change}]}}}}"#);
            assert_eq!(Push::from_frame(frame.as_bytes()), None, "{frame}");
            assert_eq!(slowly(frame.as_bytes()), None, "{frame}");
        }
    }

    #[test]
    fn a_point_without_digits_before_an_exponent_is_no_number() {
        let change = r#"{"Component":"Lobby","Name":"gain","String":"-6.00dB","Value":-6.0,"Position":0.78333336}"#;
        let mut frame = format!(r#"{HEAD}"a","Changes":[{change},{change}]}}}}"#).into_bytes();
        frame[155] = b'e';
        assert_eq!(&frame[153..157], b"0.e8");
        assert_eq!(Push::from_frame(&frame), None);
        assert_eq!(slowly(&frame), None);
    }

    /// A string of the characters of numbers; most are nearly numbers.
    fn number_like() -> impl Strategy<Value = String> {
        "[-+.eE0-9]{1,8}"
    }

    proptest! {
        #[test]
        fn anything_like_a_number_reads_the_same_both_ways(value in number_like()) {
            let frame = format!(
                r#"{HEAD}"a","Changes":[{{"Name":"x","String":"","Value":{value},"Position":0.5}}]}}}}"#
            );
            prop_assert_eq!(Push::from_frame(frame.as_bytes()), slowly(frame.as_bytes()));
        }

        #[test]
        fn any_damage_reads_the_same_both_ways(at in 0_usize..300, byte in any::<u8>()) {
            let change = r#"{"Component":"Lobby","Name":"gain","String":"-6.00dB","Value":-6.0,"Position":0.78333336}"#;
            let mut frame = format!(r#"{HEAD}"a","Changes":[{change},{change}]}}}}"#).into_bytes();
            let at = at % frame.len();
            frame[at] = byte;
            if let Some(push) = Push::from_frame(&frame) {
                prop_assert_eq!(Some(push), slowly(&frame));
            }
        }
    }
}
