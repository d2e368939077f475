//! Mixers: writes to crosspoints, inputs, outputs and cues, chosen by selectors. No method reads
//! here; read a mixer's controls (`input.1.gain`, `output.2.mute`, …) as a component's.

use std::fmt;

use compact_str::{CompactString, format_compact};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::{Done, Method};

/// Some channels of a mixer in QRC's own notation: `*` for all, numbers from 1, ranges `a-b`, and
/// `!` before what to leave out, separated by blanks or commas.
///
/// ```
/// use qrc::method::mixer::Selector;
/// let most: Selector = "1-8 !3".parse()?;
/// assert_eq!(most.channels(8)?, [1, 2, 4, 5, 6, 7, 8]);
/// assert!("1–8".parse::<Selector>().is_err()); // a dash from a word processor
/// # Ok::<(), qrc::method::mixer::SelectorError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Selector(CompactString);

/// Why a text is no selector, or does not fit the mixer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// A piece is neither `*`, a number, nor a range, with or without `!`.
    #[error("\"{found}\" in \"{selector}\" is no channel; write *, 3, 1-8 or !3 with plain ASCII")]
    Malformed {
        /// The piece.
        found: String,
        /// The whole selector.
        selector: String,
    },
    /// The mixer has no such channel (the Core's error 9).
    #[error("channel {channel} is outside this mixer, which has 1 to {size}")]
    Outside {
        /// The channel in the selector.
        channel: u32,
        /// How many channels the mixer has.
        size: u32,
    },
}

/// One piece of a selector.
#[derive(Debug, Clone, Copy)]
struct Piece {
    without: bool,
    /// `None` is all.
    range: Option<(u32, u32)>,
}

impl Selector {
    /// All channels.
    #[must_use]
    pub fn all() -> Self {
        Self(CompactString::const_new("*"))
    }

    /// The text as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The channels that this selects in a mixer with `size` channels, ascending, from 1. The order
    /// of the pieces does not matter: what any piece leaves out is left out.
    ///
    /// # Errors
    /// [`SelectorError`] if the mixer has no such channel.
    pub fn channels(&self, size: u32) -> Result<Vec<u32>, SelectorError> {
        let mut chosen = vec![false; size as usize];
        let pieces: Vec<Piece> = self
            .0
            .split([' ', ','])
            .filter(|text| !text.is_empty())
            .map(|text| piece(text, &self.0))
            .collect::<Result<_, _>>()?;
        for without in [false, true] {
            for piece in pieces.iter().filter(|piece| piece.without == without) {
                let (first, last) = piece.range.unwrap_or((1, size));
                if let Some(channel) = [first, last].into_iter().find(|c| *c < 1 || *c > size)
                    && piece.range.is_some()
                {
                    return Err(SelectorError::Outside { channel, size });
                }
                for channel in first..=last {
                    chosen[channel as usize - 1] = !without;
                }
            }
        }
        Ok((1..=size).filter(|c| chosen[*c as usize - 1]).collect())
    }
}

fn piece(text: &str, selector: &str) -> Result<Piece, SelectorError> {
    let malformed = || SelectorError::Malformed {
        found: text.to_owned(),
        selector: selector.to_owned(),
    };
    let (without, body) = match text.strip_prefix('!') {
        Some(body) => (true, body),
        None => (false, text),
    };
    if body == "*" {
        return Ok(Piece {
            without,
            range: None,
        });
    }
    // `parse` alone would accept a plus sign.
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    };
    let (first, last) = body.split_once('-').unwrap_or((body, body));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok(Piece {
            without,
            range: Some((first, last)),
        }),
        _ => Err(malformed()),
    }
}

impl std::str::FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut pieces = text.split([' ', ',']).filter(|text| !text.is_empty());
        if pieces.clone().next().is_none() {
            return Err(SelectorError::Malformed {
                found: String::new(),
                selector: text.to_owned(),
            });
        }
        pieces.try_for_each(|each| piece(each, text).map(drop))?;
        Ok(Self(text.into()))
    }
}

impl From<u32> for Selector {
    fn from(channel: u32) -> Self {
        Self(format_compact!("{channel}"))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Some clients send a bare channel number.
impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl Visitor<'_> for TextOrNumber {
            type Value = Selector;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a selector such as \"1-4 !2\", or a channel number")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Selector, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Selector, E> {
                u32::try_from(number).map(Selector::from).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(TextOrNumber)
    }
}

/// The types of this family differ only in their selectors and in what they write.
macro_rules! mixer_methods {
    ($($(#[$doc:meta])+ $type:ident = $name:literal,
        [$($field:ident: $key:literal $what:literal),+], $value:ty $(, $ramp:ident)?;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $type {
            /// The mixer's Code Name.
            #[serde(rename = "Name")]
            pub name: CompactString,
            $(
                #[doc = $what]
                #[serde(rename = $key)]
                pub $field: Selector,
            )+
            /// What to write.
            #[serde(rename = "Value")]
            pub value: $value,
            $(
                /// Seconds for the change to take.
                #[serde(rename = "Ramp", default, skip_serializing_if = "Option::is_none")]
                pub $ramp: Option<f64>,
            )?
        }

        impl Method for $type {
            const NAME: &'static str = $name;
            type Reply = Done;
        }
    )+};
}

mixer_methods! {
    /// `Mixer.SetCrossPointGain`, in dB.
    SetCrossPointGain = "Mixer.SetCrossPointGain",
        [inputs: "Inputs" "Which inputs.", outputs: "Outputs" "Which outputs."], f64, ramp;
    /// `Mixer.SetCrossPointDelay`, in seconds.
    SetCrossPointDelay = "Mixer.SetCrossPointDelay",
        [inputs: "Inputs" "Which inputs.", outputs: "Outputs" "Which outputs."], f64, ramp;
    /// `Mixer.SetCrossPointMute`.
    SetCrossPointMute = "Mixer.SetCrossPointMute",
        [inputs: "Inputs" "Which inputs.", outputs: "Outputs" "Which outputs."], bool;
    /// `Mixer.SetCrossPointSolo`.
    SetCrossPointSolo = "Mixer.SetCrossPointSolo",
        [inputs: "Inputs" "Which inputs.", outputs: "Outputs" "Which outputs."], bool;
    /// `Mixer.SetInputGain`, in dB.
    SetInputGain = "Mixer.SetInputGain", [inputs: "Inputs" "Which inputs."], f64, ramp;
    /// `Mixer.SetInputMute`.
    SetInputMute = "Mixer.SetInputMute", [inputs: "Inputs" "Which inputs."], bool;
    /// `Mixer.SetInputSolo`.
    SetInputSolo = "Mixer.SetInputSolo", [inputs: "Inputs" "Which inputs."], bool;
    /// `Mixer.SetOutputGain`, in dB.
    SetOutputGain = "Mixer.SetOutputGain", [outputs: "Outputs" "Which outputs."], f64, ramp;
    /// `Mixer.SetOutputMute`.
    SetOutputMute = "Mixer.SetOutputMute", [outputs: "Outputs" "Which outputs."], bool;
    /// `Mixer.SetCueGain`, in dB.
    SetCueGain = "Mixer.SetCueGain", [cues: "Cues" "Which cues."], f64, ramp;
    /// `Mixer.SetCueMute`.
    SetCueMute = "Mixer.SetCueMute", [cues: "Cues" "Which cues."], bool;
    /// `Mixer.SetInputCueEnable`: sends inputs to cues.
    SetInputCueEnable = "Mixer.SetInputCueEnable",
        [cues: "Cues" "Which cues.", inputs: "Inputs" "Which inputs."], bool;
    /// `Mixer.SetInputCueAfl`: sends inputs to cues after their faders.
    SetInputCueAfl = "Mixer.SetInputCueAfl",
        [cues: "Cues" "Which cues.", inputs: "Inputs" "Which inputs."], bool;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(selector: &str, size: u32, expect: &[u32]) {
        let selector: Selector = selector.parse().unwrap();
        assert_eq!(selector.channels(size).unwrap(), expect);
    }

    #[test]
    fn channels_are_chosen_and_then_taken_out() {
        check("*", 3, &[1, 2, 3]);
        check("1 4, 2", 4, &[1, 2, 4]);
        check("* !3-5", 6, &[1, 2, 6]);
        check("!2 1-4", 4, &[1, 3, 4]);
        check("!2", 4, &[]);
        check("*", 0, &[]);
    }

    #[test]
    fn a_channel_outside_the_mixer_is_an_error() {
        for (selector, channel) in [("0", 0), ("7-9", 9), ("!9", 9)] {
            let selector: Selector = selector.parse().unwrap();
            let error = selector.channels(8).unwrap_err();
            assert_eq!(error, SelectorError::Outside { channel, size: 8 });
        }
    }

    #[test]
    fn what_is_no_selector_is_refused_before_it_is_sent() {
        for text in [
            "",
            " ",
            "a",
            "1-",
            "-1",
            "4-2",
            "!!1",
            "+1",
            "1\u{2010}4",
            "99999999999",
        ] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_is_written_as_documented_and_a_bare_number_is_read() {
        let mute = SetInputMute {
            name: "Main_Mixer".into(),
            inputs: "1-4 !2".parse().unwrap(),
            value: true,
        };
        let json = r#"{"Name":"Main_Mixer","Inputs":"1-4 !2","Value":true}"#;
        assert_eq!(serde_json::to_string(&mute).unwrap(), json);
        let bare: SetInputGain =
            serde_json::from_str(r#"{"Name":"M","Inputs":3,"Value":-6,"Ramp":2}"#).unwrap();
        assert_eq!(bare.inputs, Selector::from(3));
        assert_eq!(bare.ramp, Some(2.0));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-!*0-9, a]{0,12}", size in 0_u32..40) {
            if let Ok(selector) = text.parse::<Selector>()
                && let Ok(channels) = selector.channels(size)
            {
                prop_assert!(channels.iter().all(|c| (1..=size).contains(c)));
            }
        }
    }
}
