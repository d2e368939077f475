//! A script's controls: value, string and position kept in step, and what changed since the last frame.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a number is written on a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// No unit, two decimals.
    Float,
    /// Whole numbers.
    Integer,
    /// Decibels, three significant digits.
    Decibel,
    /// Hertz.
    Hertz,
    /// Percent.
    Percent,
    /// Seconds.
    Seconds,
    /// Left to right, -1..1.
    Pan,
    /// 0..1.
    Position,
}

/// What a control can hold; decides how its aspects are coupled.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// 0 or 1: toggle, momentary, LED.
    Boolean,
    /// A number within min..max.
    Number {
        /// How it is written.
        unit: Unit,
        /// Lowest value.
        min: f64,
        /// Highest value.
        max: f64,
    },
    /// Text; value and position stay 0.
    Text,
    /// Q-SYS status 0..5; its string is independent of its value.
    Status,
    /// Runs handlers, stores nothing.
    Trigger,
}

/// Looks of a control that may change while running.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// Entries of a combo or list box.
    pub choices: Vec<String>,
    /// Colour as text.
    pub color: String,
    /// Legend of a button.
    pub legend: String,
    /// CSS class.
    pub css_class: String,
    /// Greyed out and not pressable.
    pub disabled: bool,
    /// Not drawn.
    pub invisible: bool,
    /// Mixed state.
    pub indeterminate: bool,
}

/// One control of a script.
#[derive(Debug, Clone)]
pub struct ControlState {
    /// Its component's Code Name; empty for the script's own controls.
    pub component: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub shape: Shape,
    /// Indicators are written by the script alone and fall back to their default at a restart.
    pub indicator: bool,
    /// 1-based number in an array control, 1 otherwise.
    pub index: u32,
    /// Number in its unit; 0 for text.
    pub value: f64,
    /// Display text.
    pub string: String,
    /// 0..1 within its range.
    pub position: f64,
    /// Metadata.
    pub look: Look,
    /// What the script changed since the host last took its changes.
    pub dirty: Dirty,
}

/// Which parts of a control the script wrote and the Core has not seen yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dirty {
    /// Value, or string of a text.
    pub value: bool,
    /// String written on its own (status).
    pub string: bool,
    /// Metadata.
    pub look: bool,
    /// Trigger fired.
    pub fired: bool,
}

impl Dirty {
    fn any(self) -> bool {
        self.value || self.string || self.look || self.fired
    }
}

impl ControlState {
    /// A control at its default: the number nearest to zero, empty text, status 0 "OK".
    pub fn new(component: &str, name: &str, shape: Shape, indicator: bool) -> ControlState {
        let mut state = ControlState {
            component: component.into(),
            name: name.into(),
            shape,
            indicator,
            index: 1,
            value: 0.0,
            string: String::new(),
            position: 0.0,
            look: Look::default(),
            dirty: Dirty::default(),
        };
        state.put_value(0.0);
        if state.shape == Shape::Status {
            state.string = "OK".into();
        }
        state
    }

    /// Sets the number, clamped, and brings string and position in step. True if anything changed.
    pub fn put_value(&mut self, value: f64) -> bool {
        let value = if value.is_nan() { 0.0 } else { value };
        let (value, position, string) = match &self.shape {
            Shape::Boolean => {
                let on = value > 0.5;
                let number = f64::from(u8::from(on));
                (
                    number,
                    number,
                    Some(if on { "true" } else { "false" }.to_owned()),
                )
            }
            Shape::Number { unit, min, max } => {
                let mut value = value.clamp(*min, (*max).max(*min));
                if *unit == Unit::Integer {
                    value = value.round();
                }
                let span = max - min;
                let position = if span > 0.0 {
                    (value - min) / span
                } else {
                    0.0
                };
                (value, position, Some(number_text(*unit, value)))
            }
            Shape::Status => (value.round().clamp(0.0, 5.0), 0.0, None),
            Shape::Text | Shape::Trigger => (0.0, 0.0, None),
        };
        let string = string.unwrap_or_else(|| self.string.clone());
        self.put(value, string, position)
    }

    /// Sets the text; a number's text is read as a number. True if anything changed.
    pub fn put_string(&mut self, text: &str) -> bool {
        match &self.shape {
            Shape::Text | Shape::Status => self.put(self.value, text.to_owned(), self.position),
            Shape::Boolean => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "on" | "yes" | "muted" => self.put_value(1.0),
                "false" | "0" | "off" | "no" | "unmuted" => self.put_value(0.0),
                _ => false,
            },
            Shape::Number { .. } => leading_number(text).is_some_and(|n| self.put_value(n)),
            Shape::Trigger => false,
        }
    }

    /// Sets the place within the range, 0..1. True if anything changed.
    pub fn put_position(&mut self, position: f64) -> bool {
        let position = if position.is_nan() {
            0.0
        } else {
            position.clamp(0.0, 1.0)
        };
        match self.shape {
            Shape::Number { min, max, .. } => self.put_value(min + position * (max - min)),
            Shape::Boolean => self.put_value(if position > 0.5 { 1.0 } else { 0.0 }),
            Shape::Status => self.put_value(position * 5.0),
            Shape::Text | Shape::Trigger => false,
        }
    }

    fn put(&mut self, value: f64, string: String, position: f64) -> bool {
        let changed = self.value != value || self.string != string || self.position != position;
        self.value = value;
        self.string = string;
        self.position = position;
        changed
    }
}

/// All controls that one script can see, and the events that wait for its handlers.
#[derive(Debug, Default)]
pub(crate) struct Bank {
    controls: Vec<ControlState>,
    waiting: VecDeque<usize>,
    touched: Vec<usize>,
    own_writes_fire: bool,
}

/// The bank, shared between the Lua handles and the host.
#[derive(Debug, Clone, Default)]
pub struct SharedBank(Arc<Mutex<Bank>>);

impl SharedBank {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Bank> {
        // A panic while the lock was held leaves plain data behind: going on is safe.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bank {
    pub(crate) fn set_own_writes_fire(&mut self, yes: bool) {
        self.own_writes_fire = yes;
    }

    pub(crate) fn add(&mut self, control: ControlState) -> usize {
        self.controls.push(control);
        self.controls.len() - 1
    }

    pub(crate) fn find(&self, component: &str, name: &str) -> Option<usize> {
        self.controls
            .iter()
            .position(|c| c.component == component && c.name == name)
    }

    pub(crate) fn get(&self, index: usize) -> &ControlState {
        &self.controls[index]
    }

    pub(crate) fn all(&self) -> &[ControlState] {
        &self.controls
    }

    /// Says that the Core's side of a control moved: handlers will run, nothing is sent back.
    pub(crate) fn moved_outside(&mut self, index: usize) {
        self.enqueue(index);
    }

    /// The control itself, for writes that come from outside the script.
    pub(crate) fn outside(&mut self, index: usize) -> &mut ControlState {
        &mut self.controls[index]
    }

    /// A write by the script: notes what the Core must be told.
    pub(crate) fn script_write(
        &mut self,
        index: usize,
        write: impl FnOnce(&mut ControlState) -> bool,
        mark: impl FnOnce(&mut Dirty),
    ) {
        let control = &mut self.controls[index];
        if !write(control) {
            return;
        }
        if !control.dirty.any() {
            self.touched.push(index);
        }
        let mut part = Dirty::default();
        mark(&mut part);
        control.dirty.value |= part.value;
        control.dirty.string |= part.string;
        control.dirty.look |= part.look;
        control.dirty.fired |= part.fired;
        // A new legend or a greyed button is no event in either mode.
        if self.own_writes_fire && !part.look {
            self.enqueue(index);
        }
    }

    pub(crate) fn next_event(&mut self) -> Option<usize> {
        self.waiting.pop_front()
    }

    /// Takes the list of controls the script changed, each with what changed.
    pub(crate) fn take_changes(&mut self) -> Vec<(usize, Dirty)> {
        let touched = std::mem::take(&mut self.touched);
        touched
            .into_iter()
            .map(|i| (i, std::mem::take(&mut self.controls[i].dirty)))
            .collect()
    }

    fn enqueue(&mut self, index: usize) {
        // Several writes within one frame are one event, as on the Core; presses each count.
        let press = self.controls[index].shape == Shape::Trigger;
        if press || !self.waiting.contains(&index) {
            self.waiting.push_back(index);
        }
    }
}

/// The display text of a number.
fn number_text(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Integer => format!("{}", value as i64),
        Unit::Decibel => decibel_text(value),
        Unit::Hertz if value >= 1000.0 => format!("{:.2}kHz", value / 1000.0),
        Unit::Hertz => format!("{value:.0}Hz"),
        Unit::Percent => format!("{value:.0}%"),
        Unit::Seconds if value < 1.0 => format!("{:.0}ms", value * 1000.0),
        Unit::Seconds => format!("{value:.1}s"),
        Unit::Float | Unit::Pan | Unit::Position => format!("{value:.2}"),
    }
}

fn decibel_text(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0dB".into()
    } else if size < 9.995 {
        format!("{value:.2}dB")
    } else if size < 99.95 {
        format!("{value:.1}dB")
    } else {
        format!("{value:.0}dB")
    }
}

fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))
        .unwrap_or(text.len());
    text[..end].parse().ok().filter(|n: &f64| n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(unit: Unit, min: f64, max: f64) -> ControlState {
        ControlState::new("", "x", Shape::Number { unit, min, max }, false)
    }

    #[test]
    fn value_string_and_position_stay_in_step() {
        let mut gain = number(Unit::Decibel, -100.0, 20.0);
        assert!(gain.put_value(-6.0));
        assert_eq!(
            (gain.string.as_str(), gain.position),
            ("-6.00dB", 94.0 / 120.0)
        );
        assert!(gain.put_position(0.5));
        assert_eq!((gain.string.as_str(), gain.value), ("-40.0dB", -40.0));
        assert!(gain.put_string("-12 dB"));
        assert_eq!(gain.value, -12.0);
        assert!(
            !gain.put_value(-12.0),
            "writing the same value is no change"
        );
    }

    #[test]
    fn values_are_clamped_and_integers_whole() {
        let mut beat = number(Unit::Integer, 0.0, 999_999_999.0);
        beat.put_value(1e12);
        assert_eq!(
            (beat.value, beat.string.as_str()),
            (999_999_999.0, "999999999")
        );
        beat.put_value(f64::NAN);
        assert_eq!(beat.value, 0.0);
        beat.put_value(2.6);
        assert_eq!(beat.value, 3.0);
    }

    #[test]
    fn a_status_keeps_value_and_string_apart() {
        let mut status = ControlState::new("", "Status", Shape::Status, true);
        status.put_string("no agent");
        status.put_value(4.0);
        assert_eq!((status.value, status.string.as_str()), (4.0, "no agent"));
        status.put_value(9.0);
        assert_eq!(status.value, 5.0);
    }

    #[test]
    fn a_trigger_stores_nothing() {
        let mut press = ControlState::new("", "Go", Shape::Trigger, false);
        assert!(!press.put_value(1.0) && !press.put_string("x") && !press.put_position(1.0));
        assert_eq!((press.value, press.string.as_str()), (0.0, ""));
    }
}
