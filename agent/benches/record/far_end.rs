//! A simulated Core in a process of its own: a house in use, or faders that move as often as they are told to.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use qrc_sim::{
    Component, Control, ControlEvent, ControlKey, Controls, Core, CoreOptions, Design, Script,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::generator::{House, Kind, Sample};

const FADERS_EACH: usize = 50;

/// Who moves what.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hands {
    /// The house of the store's bench, which asks for so many changes a second. A control that changes twice between
    /// two polls is told once, so fewer are recorded.
    House { per_second: u64 },
    /// So many faders one after the other, together so many changes a second.
    Faders { count: u64, per_second: u64 },
}

/// The far end as a process; ends when dropped.
pub(crate) struct FarEnd {
    child: Child,
    pub(crate) port: u16,
}

impl FarEnd {
    pub(crate) fn start(hands: Hands) -> FarEnd {
        let arguments = match hands {
            Hands::House { per_second } => vec![per_second],
            Hands::Faders { count, per_second } => vec![per_second, count],
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("far-end")
            .args(arguments.iter().map(ToString::to_string))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        FarEnd {
            child,
            port: line.trim().parse().unwrap(),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process.
pub(crate) fn run(arguments: &[String]) {
    let numbers: Vec<u64> = arguments
        .iter()
        .map(|number| number.parse().unwrap())
        .collect();
    let (design, script): (Design, Box<dyn Script>) = match numbers[..] {
        [per_second, count] => faders(per_second, count as usize),
        _ => house(numbers[0]),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        let core = Core::new(design, CoreOptions::default());
        core.add_script(script);
        core.serve(listener, CancellationToken::new())
            .await
            .unwrap();
    });
}

fn faders(per_second: u64, count: usize) -> (Design, Box<dyn Script>) {
    let mut design = Design::new("Bench", "hW7kR2mVx9Tq");
    for component in 0..count.div_ceil(FADERS_EACH) {
        let mut mixer = Component::new(&format!("Room_{component}_Mixer"), "mixer");
        for control in 0..FADERS_EACH.min(count - component * FADERS_EACH) {
            let name = format!("input.{control}.gain");
            mixer = mixer.with(Control::gain(&name, -100.0, 20.0).at(-100.0));
        }
        design = design.with(mixer);
    }
    let script = InTurn {
        per_second: per_second as f64,
        faders: Vec::new(),
        next: 0,
        owed: 0.0,
        last: None,
        random: fastrand::Rng::with_seed(20_261_123),
    };
    (design, Box::new(script))
}

fn house(per_second: u64) -> (Design, Box<dyn Script>) {
    let house = House::new(0, per_second * 24 * 60 * 60);
    let mut design = Design::new("House", "mT4xW8cQb2Lz");
    let mut component = Component::default();
    for (series, kind) in house.controls.iter().zip(&house.kinds) {
        if component.name != series.component {
            let next = Component::new(&series.component, "channel_strip");
            design = with(design, std::mem::replace(&mut component, next));
        }
        let name = &series.control;
        component = component.with(match kind {
            Kind::Meter => Control::meter(name, -120.0, 20.0),
            Kind::Gain => Control::gain(name, -100.0, 20.0),
            Kind::Mute => Control::mute(name),
            Kind::Selector => Control::integer(name, 1, 8),
            Kind::Status => Control::status(name),
        });
    }
    let script = InUse {
        house,
        keys: Vec::new(),
        begun: None,
        next: None,
    };
    (with(design, component), Box::new(script))
}

fn with(design: Design, component: Component) -> Design {
    if component.controls.is_empty() {
        design
    } else {
        design.with(component)
    }
}

/// Moves one fader after the other.
struct InTurn {
    per_second: f64,
    faders: Vec<ControlKey>,
    next: usize,
    owed: f64,
    last: Option<Duration>,
    random: fastrand::Rng,
}

impl Script for InTurn {
    fn start(&mut self, core: &mut Controls<'_>) {
        self.faders = core.all().collect();
    }

    fn frame(&mut self, core: &mut Controls<'_>, now: Duration, _events: &[ControlEvent]) {
        let passed = now - self.last.replace(now).unwrap_or(now);
        // After a hold-up a fader moves once, not for every time it was missed.
        self.owed =
            (self.owed + passed.as_secs_f64() * self.per_second).min(self.faders.len() as f64);
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            let level = (self.random.f64() * 1200.0).round() / 10.0 - 100.0;
            core.set_value(self.faders[self.next], level);
            self.next = (self.next + 1) % self.faders.len();
        }
    }
}

/// Makes the changes of the house at their time.
struct InUse {
    house: House,
    /// By the house's numbers.
    keys: Vec<ControlKey>,
    begun: Option<Duration>,
    next: Option<Sample>,
}

impl Script for InUse {
    fn start(&mut self, core: &mut Controls<'_>) {
        let key = |series: &backup::Series| core.lookup(&series.component, &series.control);
        self.keys = self.house.controls.iter().filter_map(key).collect();
        assert_eq!(self.keys.len(), self.house.controls.len());
    }

    fn frame(&mut self, core: &mut Controls<'_>, now: Duration, _events: &[ControlEvent]) {
        let passed_ms = (now - *self.begun.get_or_insert(now)).as_millis() as i64;
        loop {
            let sample = self.next.take().unwrap_or_else(|| self.house.sample());
            if sample.at_ms > passed_ms {
                self.next = Some(sample);
                return;
            }
            let key = self.keys[sample.control];
            match sample.value {
                Some(backup::Value::Number(value)) => core.set_value(key, value),
                _ => core.set_string(key, &sample.string),
            };
        }
    }
}
