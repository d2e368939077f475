//! Mixer.*: writes many controls of a mixer at once, chosen by selectors such as `1-8 !3`.

use serde::Deserialize;
use serde_json::Value;

use super::call::{Answer, Call, Refusal};
use super::state::Engine;
use super::write::SetControl;
use crate::cell::ControlKey;
use crate::options::Reply;

/// What a mixer method writes: `i`, `o` and `c` mean the numbers of an input, an output and a cue.
const TARGETS: [(&str, &[Axis], &str); 13] = [
    (
        "Mixer.SetCrossPointGain",
        &[Axis::Inputs, Axis::Outputs],
        "input.i.output.o.gain",
    ),
    (
        "Mixer.SetCrossPointDelay",
        &[Axis::Inputs, Axis::Outputs],
        "input.i.output.o.delay",
    ),
    (
        "Mixer.SetCrossPointMute",
        &[Axis::Inputs, Axis::Outputs],
        "input.i.output.o.mute",
    ),
    (
        "Mixer.SetCrossPointSolo",
        &[Axis::Inputs, Axis::Outputs],
        "input.i.output.o.solo",
    ),
    ("Mixer.SetInputGain", &[Axis::Inputs], "input.i.gain"),
    ("Mixer.SetInputMute", &[Axis::Inputs], "input.i.mute"),
    ("Mixer.SetInputSolo", &[Axis::Inputs], "input.i.solo"),
    ("Mixer.SetOutputGain", &[Axis::Outputs], "output.o.gain"),
    ("Mixer.SetOutputMute", &[Axis::Outputs], "output.o.mute"),
    ("Mixer.SetCueGain", &[Axis::Cues], "cue.c.gain"),
    ("Mixer.SetCueMute", &[Axis::Cues], "cue.c.mute"),
    (
        "Mixer.SetInputCueEnable",
        &[Axis::Cues, Axis::Inputs],
        "input.i.cue.c.enable",
    ),
    (
        "Mixer.SetInputCueAfl",
        &[Axis::Cues, Axis::Inputs],
        "input.i.cue.c.afl",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Inputs,
    Outputs,
    Cues,
}

impl Axis {
    /// The word in control names and the letter in [`TARGETS`].
    fn word(self) -> (&'static str, char) {
        match self {
            Axis::Inputs => ("input", 'i'),
            Axis::Outputs => ("output", 'o'),
            Axis::Cues => ("cue", 'c'),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Params {
    name: String,
    #[serde(default)]
    inputs: Option<Selector>,
    #[serde(default)]
    outputs: Option<Selector>,
    #[serde(default)]
    cues: Option<Selector>,
    value: Value,
    #[serde(default)]
    ramp: Option<f64>,
}

/// A selector. Some clients send a bare number for one channel.
#[derive(Deserialize)]
#[serde(untagged)]
enum Selector {
    Text(String),
    Number(u32),
}

impl Engine {
    /// Calls the method, if it is one of the mixer's.
    pub(super) fn mixer(
        &mut self,
        method: &str,
        call: Call<'_>,
    ) -> Option<Result<Answer, Refusal>> {
        let (_, axes, pattern) = TARGETS.iter().find(|(name, ..)| *name == method)?;
        Some(self.set_mixer(axes, pattern, call))
    }

    fn set_mixer(
        &mut self,
        axes: &[Axis],
        pattern: &str,
        call: Call<'_>,
    ) -> Result<Answer, Refusal> {
        let wanted: Params = call.read()?;
        let boolean = !(pattern.ends_with("gain") || pattern.ends_with("delay"));
        let value = match wanted.value {
            Value::Number(number) => Value::Number(number),
            Value::Bool(on) if boolean => Value::Bool(on),
            other => {
                let expected = if boolean { "a truth value" } else { "a number" };
                return Err(Refusal::params(&format!(
                    "`Value` {other}: {expected} was expected"
                )));
            }
        };
        let ramp = wanted.ramp.filter(|_| !boolean);
        let entry = self.visible(&wanted.name)?;
        let names = entry
            .controls
            .iter()
            .map(|key| self.table.cell(*key).spec.name.as_str());
        let names: Vec<&str> = names.collect();
        let mut targets = vec![pattern.to_owned()];
        for axis in axes {
            let (word, letter) = axis.word();
            let given = match axis {
                Axis::Inputs => &wanted.inputs,
                Axis::Outputs => &wanted.outputs,
                Axis::Cues => &wanted.cues,
            };
            let selector = match given {
                Some(Selector::Text(text)) => text.clone(),
                Some(Selector::Number(number)) => number.to_string(),
                None => return Err(Refusal::params(&format!("`{axis:?}` is missing"))),
            };
            let size = size_of(&names, word);
            let others = self.options.points.lone_negative_means_others;
            let chosen = select(&selector, size, others)?;
            targets = (targets.iter())
                .flat_map(|target| {
                    chosen.iter().map(move |number| {
                        target.replacen(&format!(".{letter}."), &format!(".{number}."), 1)
                    })
                })
                .collect();
        }
        let keys: Result<Vec<(String, ControlKey)>, Refusal> = targets
            .into_iter()
            .map(|name| match entry.control(&name) {
                Some(key) => Ok((name, key)),
                None => Err(Refusal::control(&name)),
            })
            .collect();
        for (name, key) in keys? {
            self.write_control(key, &SetControl::of(name, value.clone(), ramp))?;
        }
        Ok(Answer::Plain(self.mixer_reply()))
    }

    fn mixer_reply(&self) -> Reply {
        self.options.points.mixer
    }
}

/// How many channels a mixer has, by its control names: `input.12.gain` means at least 12.
fn size_of(names: &[&str], word: &str) -> u32 {
    let number = |name: &&str| {
        let mut parts = name.split('.');
        parts.find(|part| *part == word)?;
        parts.next()?.parse::<u32>().ok()
    };
    names.iter().filter_map(number).max().unwrap_or(0)
}

/// The channels that a selector means, ascending. Error 9 for a channel outside 1 to `size`.
fn select(selector: &str, size: u32, others: bool) -> Result<Vec<u32>, Refusal> {
    let mut chosen = vec![false; size as usize];
    let mut removed = vec![false; size as usize];
    let mut positives = 0;
    for token in selector
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|t| !t.is_empty())
    {
        let (range, into) = match token.strip_prefix('!') {
            Some(range) => (range, &mut removed),
            None => {
                positives += 1;
                (token, &mut chosen)
            }
        };
        if range == "*" {
            into.fill(true);
            continue;
        }
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| {
            text.parse::<u32>().map_err(|_| {
                Refusal::params(&format!(
                    "selector '{selector}': '{token}' is no channel or range"
                ))
            })
        };
        let (low, high) = (number(low)?, number(high)?);
        if low < 1 || low > high || high > size {
            return Err(Refusal::new(
                9,
                format!("illegal mixer channel index '{token}': 1 to {size} expected"),
            ));
        }
        into[low as usize - 1..high as usize].fill(true);
    }
    if positives == 0 && others {
        chosen.fill(true);
    }
    Ok((1..=size)
        .filter(|n| chosen[*n as usize - 1] && !removed[*n as usize - 1])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_mean_what_the_help_says() {
        for (selector, expected) in [
            ("*", vec![1, 2, 3, 4, 5, 6]),
            ("1 2 3", vec![1, 2, 3]),
            ("1-4 !2", vec![1, 3, 4]),
            ("* !3-5", vec![1, 2, 6]),
            ("!3-5 *", vec![1, 2, 6]),
            ("6,1", vec![1, 6]),
            ("!3", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(select(selector, 6, false).unwrap(), expected, "{selector}");
        }
        assert_eq!(select("!3", 3, true).unwrap(), [1, 2]);
    }

    #[test]
    fn channels_outside_the_mixer_and_nonsense_are_refused() {
        for (selector, code) in [
            ("7", "9"),
            ("0", "9"),
            ("4-2", "9"),
            ("a", "-32602"),
            ("1\u{2010}3", "-32602"),
        ] {
            let refusal = select(selector, 6, false).unwrap_err();
            let frame = String::from_utf8(refusal.frame(None)).unwrap();
            assert!(
                frame.contains(&format!("\"code\":{code},")),
                "{selector}: {frame}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_selector_panics(selector in "[-!*, 0-9a]{0,20}", size in 0u32..20) {
            let _ = select(&selector, size, true);
        }
    }
}
