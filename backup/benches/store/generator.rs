//! A house in use: 408 controls over 60 components, meters at several rates, faders, mutes, selectors and texts.
//! The same seed gives the same events on every machine. The benches of the store and of the agent both live in it.

use backup::{Series, Value};

/// What a control does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Meter,
    Gain,
    Mute,
    Selector,
    Status,
}

/// One change as the Core would push it.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Unix milliseconds.
    pub(crate) at_ms: i64,
    /// Index into [`House::controls`].
    pub(crate) control: usize,
    /// The value; texts have none.
    pub(crate) value: Option<Value>,
    /// The string.
    pub(crate) string: String,
    /// The position; texts have none.
    pub(crate) position: Option<f64>,
}

/// The controls and the state of the generator.
pub(crate) struct House {
    /// Every control, as the store names it.
    pub(crate) controls: Vec<Series>,
    /// What each of them does.
    pub(crate) kinds: Vec<Kind>,
    levels: Vec<f64>,
    /// Meters appear in this list as often as their rate asks for.
    meters: Vec<usize>,
    others: Vec<usize>,
    random: fastrand::Rng,
    at: f64,
    step: f64,
}

impl House {
    /// A house whose events are spread evenly from `begin_ms` on, `per_day` in a day.
    pub(crate) fn new(begin_ms: i64, per_day: u64) -> House {
        let mut house = House {
            controls: Vec::new(),
            kinds: Vec::new(),
            levels: Vec::new(),
            meters: Vec::new(),
            others: Vec::new(),
            random: fastrand::Rng::with_seed(20_261_123),
            at: begin_ms as f64,
            step: 86_400_000.0 / per_day as f64,
        };
        for component in 0..60 {
            let name = format!("Room {component:02} Channel Strip");
            let parts = [
                ("meter", Kind::Meter, 4),
                ("gain", Kind::Gain, 1),
                ("mute", Kind::Mute, 1),
            ];
            for (part, kind, count) in parts {
                for n in 1..=count {
                    house.add(&name, &format!("{part}.{n}"), kind);
                }
            }
            if component % 2 == 0 {
                house.add(&name, "input.select", Kind::Selector);
            }
            if component < 18 {
                house.add(&name, "status", Kind::Status);
            }
        }
        house
    }

    fn add(&mut self, component: &str, control: &str, kind: Kind) {
        let index = self.controls.len();
        let rate = match index % 5 {
            0 => 30,
            1 => 10,
            2 => 5,
            3 => 2,
            _ => 1,
        };
        match kind {
            Kind::Meter => self.meters.extend(std::iter::repeat_n(index, rate)),
            _ => self.others.push(index),
        }
        self.controls.push(Series {
            change_group: format!("group-{}", index % 4).into(),
            path: format!("{component}.{control}").into(),
            component: component.into(),
            control: control.into(),
            source: "qrc".into(),
        });
        self.kinds.push(kind);
        self.levels.push(-60.0);
    }

    /// The next change. 98 of 100 are meters.
    pub(crate) fn sample(&mut self) -> Sample {
        self.at += self.step;
        let list = if self.random.u8(..100) < 98 {
            &self.meters
        } else {
            &self.others
        };
        let control = list[self.random.usize(..list.len())];
        let level = &mut self.levels[control];
        let (value, string, position) = match self.kinds[control] {
            Kind::Meter => {
                *level = (*level + self.random.f64() * 12.0 - 6.0).clamp(-120.0, 20.0);
                let value = as_printed(*level);
                (
                    Some(value),
                    decibel(value),
                    Some(position(value, -120.0, 20.0)),
                )
            }
            Kind::Gain => {
                *level = (*level + self.random.f64() * 3.0 - 1.5).clamp(-100.0, 20.0);
                let value = as_printed((*level * 10.0).round() / 10.0);
                (
                    Some(value),
                    decibel(value),
                    Some(position(value, -100.0, 20.0)),
                )
            }
            Kind::Mute => {
                *level = if *level == 1.0 { 0.0 } else { 1.0 };
                (
                    Some(*level),
                    if *level == 1.0 { "muted" } else { "unmuted" }.to_owned(),
                    Some(*level),
                )
            }
            Kind::Selector => {
                *level = f64::from(self.random.u8(1..9));
                (
                    Some(*level),
                    format!("{level}"),
                    Some(position(*level, 1.0, 8.0)),
                )
            }
            Kind::Status => {
                let text = [
                    "OK",
                    "Compromised - Network",
                    "Fault - No clock",
                    "Initializing",
                ];
                (None, text[self.random.usize(..4)].to_owned(), None)
            }
        };
        Sample {
            at_ms: self.at as i64,
            control,
            value: value.map(Value::Number),
            string,
            position,
        }
    }
}

/// Single precision, cut after 8 decimals, as a Core prints numbers.
fn as_printed(number: f64) -> f64 {
    (f64::from(number as f32) * 1e8).trunc() / 1e8
}

fn position(value: f64, low: f64, high: f64) -> f64 {
    as_printed((value - low) / (high - low))
}

/// Three significant digits; exactly zero is `0dB`.
fn decibel(value: f64) -> String {
    match value.abs() {
        0.0 => "0dB".to_owned(),
        size if size < 9.995 => format!("{value:.2}dB"),
        size if size < 99.95 => format!("{value:.1}dB"),
        _ => format!("{value:.0}dB"),
    }
}
