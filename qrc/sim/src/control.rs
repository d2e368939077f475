//! A control's kind and direction, and the rules between its value, position and display text.

use compact_str::{CompactString, ToCompactString};

use crate::number::{self, Unit};

/// Who may write a control, in the words of `Component.GetControls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `Read/Write`
    ReadWrite,
    /// `Read Only`
    ReadOnly,
    /// `Write Only`
    WriteOnly,
}

impl Direction {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::ReadWrite => "Read/Write",
            Direction::ReadOnly => "Read Only",
            Direction::WriteOnly => "Write Only",
        }
    }
}

/// The kind of a control.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A number in a range. Gains are floats in decibels.
    Float {
        /// The lowest value, in `unit`.
        min: f32,
        /// The highest value, in `unit`.
        max: f32,
        /// The unit.
        unit: Unit,
    },
    /// A whole number in a range. A Core keeps it as `f32`, exact up to 16,777,216.
    Integer {
        /// The lowest value.
        min: i32,
        /// The highest value.
        max: i32,
    },
    /// On or off: toggle buttons, mutes, LEDs.
    Boolean {
        /// Display text when on, for example `muted`.
        on: CompactString,
        /// Display text when off, for example `unmuted`.
        off: CompactString,
    },
    /// A button that is on while it is pressed. A Boolean on the wire.
    Momentary,
    /// A time of day, in seconds from 0 to 86,399.
    Time,
    /// Free text.
    Text,
    /// A text chosen from a list.
    Combo {
        /// The options.
        choices: Vec<CompactString>,
    },
    /// A trigger: it fires and has no value.
    Trigger,
    /// A button with the states 0 to `max`, which only its own script changes. A write counts as a press.
    StateTrigger {
        /// The last state.
        max: i32,
    },
    /// A level that the Core measures: a Float that clients cannot write.
    Meter {
        /// The lowest level, in dB.
        min: f32,
        /// The highest level, in dB.
        max: f32,
    },
    /// A Q-SYS status: 0 OK, 1 Compromised, 2 Fault, 3 Not Present, 4 Missing, 5 Initializing. Its text is separate.
    Status,
}

impl Kind {
    /// The `Type` in the reply to `Component.GetControls`.
    pub fn wire_type(&self) -> &'static str {
        match self {
            Kind::Float { .. } | Kind::Meter { .. } => "Float",
            Kind::Integer { .. } => "Integer",
            Kind::Boolean { .. } | Kind::Momentary => "Boolean",
            Kind::Time => "Time",
            Kind::Text | Kind::Combo { .. } => "Text",
            Kind::Trigger => "Trigger",
            Kind::StateTrigger { .. } => "State Trigger",
            Kind::Status => "Status",
        }
    }

    /// The lowest and the highest value.
    pub fn range(&self) -> (f32, f32) {
        match *self {
            Kind::Float { min, max, .. } | Kind::Meter { min, max } => (min, max),
            Kind::Integer { min, max } => (min as f32, max as f32),
            Kind::Boolean { .. } | Kind::Momentary => (0.0, 1.0),
            Kind::Time => (0.0, 86_399.0),
            Kind::StateTrigger { max } => (0.0, max as f32),
            Kind::Status => (0.0, 5.0),
            Kind::Combo { ref choices } => (0.0, choices.len().saturating_sub(1) as f32),
            Kind::Text | Kind::Trigger => (0.0, 0.0),
        }
    }

    /// Whether the content is a text, so that the number says little.
    pub fn is_textual(&self) -> bool {
        matches!(self, Kind::Text | Kind::Combo { .. })
    }

    /// Whether the values are continuous, so that a ramp makes sense.
    pub fn is_continuous(&self) -> bool {
        matches!(self, Kind::Float { .. } | Kind::Meter { .. })
    }

    /// The unit of its numbers.
    pub(crate) fn unit(&self) -> Unit {
        match *self {
            Kind::Float { unit, .. } => unit,
            Kind::Meter { .. } => Unit::Db,
            _ => Unit::None,
        }
    }

    /// The nearest value that this kind can have: in range, and whole if it must be whole.
    pub(crate) fn fit(&self, value: f64) -> f32 {
        let (min, max) = self.range();
        let value = (value as f32).clamp(min, max);
        match self {
            Kind::Float { .. } | Kind::Meter { .. } | Kind::Time => value + 0.0,
            Kind::Boolean { .. } | Kind::Momentary => f32::from(u8::from(value >= 0.5)),
            _ => value.round() + 0.0,
        }
    }

    /// The position of a value in the range, 0 to 1.
    pub(crate) fn position_of(&self, value: f32, logarithmic: bool) -> f32 {
        let (min, max) = self.range();
        if max <= min {
            return 0.0;
        }
        if logarithmic && min > 0.0 {
            return (value / min).ln() / (max / min).ln();
        }
        (value - min) / (max - min)
    }

    /// The value at a position from 0 to 1.
    pub(crate) fn value_at(&self, position: f64, logarithmic: bool) -> f32 {
        let (min, max) = self.range();
        let position = position.clamp(0.0, 1.0) as f32;
        if logarithmic && min > 0.0 && max > min {
            return self.fit(f64::from(min * (max / min).powf(position)));
        }
        self.fit(f64::from(min + position * (max - min)))
    }

    /// The display text of a value. Do not call it for textual kinds, which keep their own text.
    pub(crate) fn text_of(&self, value: f32) -> CompactString {
        match self {
            Kind::Float { unit, .. } => number::display(value, *unit),
            Kind::Meter { .. } => number::display(value, Unit::Db),
            Kind::Boolean { on, off } => if value >= 0.5 { on } else { off }.clone(),
            Kind::Momentary => if value >= 0.5 { "true" } else { "false" }.into(),
            Kind::Time => number::clock_text(value),
            Kind::Integer { .. } | Kind::StateTrigger { .. } => (value as i64).to_compact_string(),
            Kind::Combo { choices } => choices.get(value as usize).cloned().unwrap_or_default(),
            Kind::Status => [
                "OK",
                "Compromised",
                "Fault",
                "Not Present",
                "Missing",
                "Initializing",
            ][(value as usize).min(5)]
            .into(),
            Kind::Text | Kind::Trigger => CompactString::default(),
        }
    }

    /// The value that a text means, for a control with a number.
    pub(crate) fn parse(&self, text: &str) -> Option<f64> {
        match self {
            Kind::Boolean { on, off } if !on.eq_ignore_ascii_case("true") => {
                if text.eq_ignore_ascii_case(on) {
                    Some(1.0)
                } else if text.eq_ignore_ascii_case(off) {
                    Some(0.0)
                } else {
                    truth(text)
                }
            }
            Kind::Boolean { .. } | Kind::Momentary => truth(text),
            Kind::Time => {
                let mut parts = text.trim().splitn(3, ':').map(str::parse::<u32>);
                let (hours, minutes) = (parts.next()?.ok()?, parts.next()?.ok()?);
                let seconds = parts.next().map_or(Ok(0), |seconds| seconds).ok()?;
                (hours < 24 && minutes < 60 && seconds < 60)
                    .then(|| f64::from(hours * 3600 + minutes * 60 + seconds))
            }
            _ => number::parse_display(text, self.unit()),
        }
    }
}

fn truth(text: &str) -> Option<f64> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(1.0),
        text if text.eq_ignore_ascii_case("false") => Some(0.0),
        text => number::parse_display(text, Unit::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAIN: Kind = Kind::Float {
        min: -100.0,
        max: 20.0,
        unit: Unit::Db,
    };

    #[test]
    fn positions_match_the_published_samples() {
        for (value, text) in [
            (-6.0, "0.78333336"),
            (0.0, "0.83333331"),
            (-40.0, "0.5"),
            (-12.5, "0.72916668"),
            (-100.0, "0.0"),
        ] {
            let mut out = Vec::new();
            number::push_wire(&mut out, GAIN.position_of(value, false));
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        assert_eq!(GAIN.value_at(0.5, false), -40.0);
    }

    #[test]
    fn values_are_fitted_to_the_kind() {
        assert_eq!(GAIN.fit(99.0), 20.0);
        assert_eq!(Kind::Integer { min: 1, max: 8 }.fit(2.6), 3.0);
        assert_eq!(Kind::Momentary.fit(0.5), 1.0);
        assert!(GAIN.fit(-0.0).is_sign_positive());
    }

    #[test]
    fn texts_stand_for_values() {
        let mute = Kind::Boolean {
            on: "muted".into(),
            off: "unmuted".into(),
        };
        assert_eq!(mute.parse("Muted"), Some(1.0));
        assert_eq!(mute.parse("false"), Some(0.0));
        assert_eq!(mute.parse("perhaps"), None);
        assert_eq!(Kind::Time.parse("01:00:01"), Some(3601.0));
        assert_eq!(Kind::Time.parse("25:00:00"), None);
        assert_eq!(GAIN.parse("-6"), Some(-6.0));
    }

    proptest::proptest! {
        #[test]
        fn a_position_leads_back_to_its_value(value in -100f32..20f32) {
            let back = GAIN.value_at(f64::from(GAIN.position_of(value, false)), false);
            proptest::prop_assert!((back - value).abs() < 1e-4);
        }
    }
}
