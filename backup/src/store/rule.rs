//! Strings and positions that follow from the value need no bytes: the rules, and how they are learnt.
//!
//! A rule says exactly what the `events` view computes in SQL. Where the two could round differently a rule gives
//! nothing, and the text is stored as it came.

use compact_str::CompactString;

use crate::store::value::Value;

/// How a series' string follows from its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TextRule {
    /// The string is the value's own text.
    Same,
    /// Two states, each with its word.
    Two {
        off: CompactString,
        on: CompactString,
    },
    /// A fixed number of decimals and a unit: `-23.4dB`.
    Fixed { digits: u8, unit: CompactString },
    /// Three significant digits and a unit, exactly zero as `0`: `-6.00dB`, `-15.6dB`, `-100dB`, `0dB`.
    Three { unit: CompactString },
}

impl TextRule {
    /// The string for this value, or nothing where the rule does not reach.
    pub(crate) fn text(&self, value: Option<&Value>) -> Option<CompactString> {
        match (self, value?) {
            (TextRule::Same, Value::Text(text)) => Some(text.clone()),
            (TextRule::Two { off, on }, value) => Some(if truth(value)? {
                on.clone()
            } else {
                off.clone()
            }),
            (TextRule::Fixed { digits, unit }, Value::Number(number)) => {
                decimals(*number, *digits, unit)
            }
            (TextRule::Three { unit }, Value::Number(number)) => three(*number, unit),
            _ => None,
        }
    }

    /// Whether the rule gives exactly this string.
    pub(crate) fn gives(&self, value: Option<&Value>, string: &str) -> bool {
        match (self, value) {
            (TextRule::Same, Some(Value::Text(text))) => text == string,
            (TextRule::Two { off, on }, Some(value)) => match truth(value) {
                Some(true) => on == string,
                Some(false) => off == string,
                None => false,
            },
            _ => self.text(value).is_some_and(|text| text == string),
        }
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) if *number == 1.0 => Some(true),
        Value::Number(number) if number.to_bits() == 0 => Some(false),
        _ => None,
    }
}

fn three(number: f64, unit: &str) -> Option<CompactString> {
    let size = number.abs();
    if size == 0.0 {
        let mut text = CompactString::const_new("0");
        text.push_str(unit);
        return Some(text);
    }
    decimals(
        number,
        if size < 9.995 {
            2
        } else if size < 99.95 {
            1
        } else {
            0
        },
        unit,
    )
}

const TENS: [f64; 7] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];

/// `number` with a number of decimals; `None` near a rounding tie and for a negative zero, where SQL could differ.
fn decimals(number: f64, digits: u8, unit: &str) -> Option<CompactString> {
    let scaled = number.abs() * TENS.get(usize::from(digits))?;
    if scaled.is_nan() || scaled >= 1e9 {
        return None;
    }
    let floor = scaled.floor();
    let rest = scaled - floor;
    if (rest - 0.5).abs() < 1e-6 {
        return None;
    }
    let mut whole = floor as u64 + u64::from(rest > 0.5);
    if number.is_sign_negative() && whole == 0 {
        return None;
    }
    // Digits from the right into a small buffer: this runs once for every event.
    let (mut buffer, mut at) = ([0u8; 16], 16);
    for place in 0u8.. {
        if place == digits && digits > 0 {
            at -= 1;
            buffer[at] = b'.';
        }
        at -= 1;
        buffer[at] = b'0' + (whole % 10) as u8;
        whole /= 10;
        if whole == 0 && place >= digits {
            break;
        }
    }
    if number.is_sign_negative() {
        at -= 1;
        buffer[at] = b'-';
    }
    let mut text = CompactString::new(std::str::from_utf8(&buffer[at..]).ok()?);
    text.push_str(unit);
    Some(text)
}

/// The range over which a series' position runs linearly from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Range {
    /// The position of a number, computed as the Core prints it: single precision, cut after 8 decimals.
    pub(crate) fn position(self, number: f64) -> Option<f64> {
        let linear = (number - self.low) / (self.high - self.low);
        // Keeps the upper 24 bits of the 53, as rounding to single precision would (Veltkamp's splitting).
        let product = linear * 536_870_913.0;
        let single = product - (product - linear);
        let cut = single * 100_000_000.0;
        (0.0..1e15)
            .contains(&cut)
            .then(|| cut.trunc() / 100_000_000.0)
    }

    /// Whether the range gives exactly this position.
    pub(crate) fn gives(self, value: Option<&Value>, position: f64) -> bool {
        matches!(value, Some(Value::Number(number)) if self.position(*number).map(f64::to_bits) == Some(position.to_bits()))
    }
}

/// Watches the first events of a series until it is clear which rule they follow, or that they follow none.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextLearner {
    candidates: Vec<TextRule>,
    seen: u32,
    restarts: u32,
    off: Option<CompactString>,
    on: Option<CompactString>,
}

impl TextLearner {
    /// Takes one event; gives the rule once it is settled.
    pub(crate) fn observe(&mut self, value: Option<&Value>, string: &str) -> Option<TextRule> {
        const ENOUGH: u32 = 8;
        const RESTARTS: u32 = 4;
        if self.restarts > RESTARTS {
            return None;
        }
        if let Some(truth) = value.and_then(truth) {
            let word = if truth { &mut self.on } else { &mut self.off };
            *word = Some(string.into());
        }
        self.candidates.retain(|rule| rule.gives(value, string));
        if self.candidates.is_empty() {
            self.restarts += u32::from(self.seen > 0);
            self.seen = 0;
            self.candidates = candidates(value, string);
            if self.candidates.is_empty()
                && let (Some(off), Some(on)) = (&self.off, &self.on)
            {
                let two = TextRule::Two {
                    off: off.clone(),
                    on: on.clone(),
                };
                self.candidates
                    .extend(Some(two).filter(|rule| rule.gives(value, string)));
            }
        }
        self.seen += 1;
        let settled = match self.candidates.as_slice() {
            [TextRule::Two { .. } | TextRule::Same] => true,
            [_] => self.seen >= 2,
            _ => self.seen >= ENOUGH,
        };
        if settled {
            self.candidates.first().cloned()
        } else {
            None
        }
    }
}

/// The rules that one event fits, the more special first.
fn candidates(value: Option<&Value>, string: &str) -> Vec<TextRule> {
    let mut rules = Vec::new();
    match value {
        Some(Value::Text(text)) if text == string => rules.push(TextRule::Same),
        Some(Value::Number(_)) => {
            let digits_end = string
                .char_indices()
                .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')));
            let (number, unit) = string.split_at(digits_end.map_or(string.len(), |(at, _)| at));
            let digits = number
                .split_once('.')
                .map_or(0, |(_, decimals)| decimals.len());
            rules.push(TextRule::Three { unit: unit.into() });
            rules.push(TextRule::Fixed {
                digits: digits.min(255) as u8,
                unit: unit.into(),
            });
            rules.retain(|rule| rule.gives(value, string));
        }
        _ => {}
    }
    rules
}

/// Watches the first positions of a series until the range is clear.
#[derive(Debug, Clone, Default)]
pub(crate) struct RangeLearner {
    first: Option<(f64, f64)>,
    candidate: Option<Range>,
    confirmed: u32,
    tries: u32,
}

impl RangeLearner {
    /// Takes one event; gives the range once it is settled.
    pub(crate) fn observe(&mut self, value: Option<&Value>, position: f64) -> Option<Range> {
        const TRIES: u32 = 32;
        let Some(Value::Number(number)) = value else {
            return None;
        };
        if self.tries > TRIES {
            return None;
        }
        self.tries += 1;
        match (self.candidate, self.first) {
            (Some(range), _) if range.gives(value, position) => self.confirmed += 1,
            (_, Some(first)) if first.1 != position => {
                self.candidate = fit(first, (*number, position));
                self.confirmed = 0;
            }
            (_, None) => self.first = Some((*number, position)),
            _ => {}
        }
        self.candidate.filter(|_| self.confirmed >= 1)
    }
}

/// The roundest range through two points.
fn fit(a: (f64, f64), b: (f64, f64)) -> Option<Range> {
    let unit = Range {
        low: 0.0,
        high: 1.0,
    };
    let fits = |range: Range| {
        range.low < range.high
            && [a, b]
                .iter()
                .all(|(number, position)| range.gives(Some(&Value::Number(*number)), *position))
    };
    if fits(unit) {
        return Some(unit);
    }
    let span = (b.0 - a.0) / (b.1 - a.1);
    let low = a.0 - a.1 * span;
    [1.0, 2.0, 10.0, 100.0, 1000.0]
        .into_iter()
        .map(|fine| Range {
            low: (low * fine).round() / fine,
            high: ((low + span) * fine).round() / fine,
        })
        .find(|range| fits(*range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: f64) -> Option<Value> {
        Some(Value::Number(number))
    }

    #[test]
    fn three_significant_digits_as_the_core_writes_them() {
        let rule = TextRule::Three { unit: "dB".into() };
        for (value, text) in [
            (20.0, "20.0dB"),
            (-6.0, "-6.00dB"),
            (-15.6, "-15.6dB"),
            (-42.099_998_47, "-42.1dB"),
            (-100.0, "-100dB"),
            (0.0, "0dB"),
        ] {
            assert_eq!(rule.text(number(value).as_ref()).unwrap(), text);
        }
        assert_eq!(
            rule.text(number(0.125).as_ref()),
            None,
            "a tie rounds differently in different libraries"
        );
        assert_eq!(
            rule.text(number(-0.001).as_ref()),
            None,
            "a negative zero is written differently too"
        );
    }

    #[test]
    fn a_gain_settles_on_three_digits_and_a_meter_on_one_decimal() {
        let mut gain = TextLearner::default();
        assert_eq!(
            gain.observe(number(-15.6).as_ref(), "-15.6dB"),
            None,
            "one decimal or three digits?"
        );
        assert_eq!(
            gain.observe(number(-6.0).as_ref(), "-6.00dB"),
            Some(TextRule::Three { unit: "dB".into() })
        );
        let mut meter = TextLearner::default();
        meter.observe(number(-15.6).as_ref(), "-15.6dB");
        assert_eq!(
            meter
                .observe(number(-6.0).as_ref(), "-6.0dB")
                .or_else(|| meter.observe(number(-7.0).as_ref(), "-7.0dB")),
            Some(TextRule::Fixed {
                digits: 1,
                unit: "dB".into()
            })
        );
    }

    #[test]
    fn a_mute_settles_once_both_words_were_seen() {
        let mut mute = TextLearner::default();
        assert_eq!(mute.observe(number(0.0).as_ref(), "unmuted"), None);
        assert_eq!(
            mute.observe(number(1.0).as_ref(), "muted"),
            Some(TextRule::Two {
                off: "unmuted".into(),
                on: "muted".into()
            })
        );
    }

    #[test]
    fn a_range_is_found_from_positions_as_the_core_prints_them() {
        let mut range = RangeLearner::default();
        let found = [
            (-6.0, 0.783_333_36),
            (-12.5, 0.729_166_68),
            (0.0, 0.833_333_31),
            (-100.0, 0.0),
        ]
        .into_iter()
        .filter_map(|(value, position)| range.observe(number(value).as_ref(), position))
        .last();
        assert_eq!(
            found,
            Some(Range {
                low: -100.0,
                high: 20.0
            })
        );
    }
}
