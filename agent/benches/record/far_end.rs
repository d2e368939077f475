//! A simulated Core in a process of its own, whose faders move as often as they are told to.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use qrc::sim::{
    Component, Control, ControlEvent, ControlKey, Controls, Core, CoreOptions, Design, Script,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const CONTROLS_EACH: usize = 50;

/// The far end as a process; ends when dropped.
pub(crate) struct FarEnd {
    child: Child,
    pub(crate) port: u16,
}

impl FarEnd {
    /// A design of `controls` faders, together making `per_second` changes.
    pub(crate) fn start(controls: u64, per_second: u64) -> FarEnd {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["far-end", &controls.to_string(), &per_second.to_string()])
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
    let controls: usize = arguments[0].parse().unwrap();
    let per_second: u64 = arguments[1].parse().unwrap();
    let mut design = Design::new("Bench", "hW7kR2mVx9Tq");
    for component in 0..controls.div_ceil(CONTROLS_EACH) {
        let mut mixer = Component::new(&format!("Room_{component}_Mixer"), "mixer");
        for control in 0..CONTROLS_EACH.min(controls - component * CONTROLS_EACH) {
            let name = format!("input.{control}.gain");
            mixer = mixer.with(Control::gain(&name, -100.0, 20.0).at(-100.0));
        }
        design = design.with(mixer);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        let core = Core::new(design, CoreOptions::default());
        core.add_script(Box::new(Hands {
            per_second: per_second as f64,
            faders: Vec::new(),
            next: 0,
            owed: 0.0,
            last: None,
            random: fastrand::Rng::with_seed(20_261_123),
        }));
        core.serve(listener, CancellationToken::new())
            .await
            .unwrap();
    });
}

/// Moves one fader after the other.
struct Hands {
    per_second: f64,
    faders: Vec<ControlKey>,
    next: usize,
    owed: f64,
    last: Option<Duration>,
    random: fastrand::Rng,
}

impl Script for Hands {
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
