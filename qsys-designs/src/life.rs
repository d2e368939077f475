//! Somebody is using the room: an evening in the theatre, phase by phase, the same for the same seed.

use std::time::Duration;

use qrc_sim::{ControlEvent, ControlKey, Controls, Direction, Kind, Script, Unit};

/// Seconds that a phase lasts. Short, so that a demo of a minute shows several.
const PHASE_SECONDS: f64 = 12.0;
/// Seconds between two movements of the meters.
const METER_SECONDS: f64 = 0.1;
/// Changes that one fader ride makes before the hand lets go.
const RIDE_STEPS: u32 = 24;
/// The most that a late frame makes up for, in seconds.
const CATCH_UP: f64 = 1.0;

/// What is going on in the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed,
    SoundCheck,
    WalkIn,
    ActOne,
    Interval,
    ActTwo,
    WalkOut,
}

impl Phase {
    pub(crate) const ALL: [Phase; 7] = [
        Phase::Closed,
        Phase::SoundCheck,
        Phase::WalkIn,
        Phase::ActOne,
        Phase::Interval,
        Phase::ActTwo,
        Phase::WalkOut,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Phase::Closed => "Closed",
            Phase::SoundCheck => "Sound check",
            Phase::WalkIn => "Walk-in",
            Phase::ActOne => "Act one",
            Phase::Interval => "Interval",
            Phase::ActTwo => "Act two",
            Phase::WalkOut => "Walk-out",
        }
    }

    fn is_show(self) -> bool {
        matches!(self, Phase::ActOne | Phase::Interval | Phase::ActTwo)
    }

    /// House lights in per cent.
    fn lights(self) -> f64 {
        match self {
            Phase::Closed => 10.0,
            Phase::ActOne | Phase::ActTwo => 0.0,
            _ => 80.0,
        }
    }

    /// How often people do each thing: rides, mutes, switching, levels, words; out of 100.
    fn habits(self) -> [u32; 5] {
        match self {
            Phase::SoundCheck => [50, 25, 10, 10, 5],
            Phase::ActOne | Phase::ActTwo => [62, 30, 3, 3, 2],
            Phase::WalkIn | Phase::Interval | Phase::WalkOut => [45, 15, 20, 15, 5],
            Phase::Closed => [40, 20, 15, 20, 5],
        }
    }

    /// How loud the room is, in dB on the meters.
    fn level(self) -> f64 {
        match self {
            Phase::Closed => -80.0,
            Phase::ActOne | Phase::ActTwo => -18.0,
            _ => -32.0,
        }
    }
}

struct Ride {
    key: ControlKey,
    target: f64,
    steps_left: u32,
}

/// The controls that people use, by what they do with them.
#[derive(Default)]
struct Desk {
    faders: Vec<ControlKey>,
    mutes: Vec<ControlKey>,
    selectors: Vec<ControlKey>,
    levels: Vec<ControlKey>,
    words: Vec<ControlKey>,
    meters: Vec<ControlKey>,
}

/// The animation.
pub(crate) struct Life {
    churn: f64,
    seed: u64,
    random: fastrand::Rng,
    desk: Desk,
    rides: Vec<Ride>,
    owed: f64,
    last: Option<f64>,
    began: f64,
    phase: Option<usize>,
    meters_at: f64,
}

impl Life {
    pub(crate) fn new(churn: f64, seed: u64) -> Life {
        Life {
            churn: if churn.is_finite() {
                churn.clamp(0.0, 50_000.0)
            } else {
                0.0
            },
            seed,
            random: fastrand::Rng::with_seed(seed),
            desk: Desk::default(),
            rides: Vec::new(),
            owed: 0.0,
            last: None,
            began: 0.0,
            phase: None,
            meters_at: 0.0,
        }
    }

    fn enter(&mut self, core: &mut Controls<'_>, index: usize) {
        self.phase = Some(index);
        let phase = Phase::ALL[index % Phase::ALL.len()];
        let mut set = |name: &str, control: &str, act: &dyn Fn(&mut Controls<'_>, ControlKey)| {
            if let Some(key) = core.lookup(name, control) {
                act(core, key);
            }
        };
        set("Room_Info", "Phase", &|core, key| {
            core.set_string(key, phase.name());
        });
        set("Room_Info", "ShowRunning", &|core, key| {
            core.set_bool(key, phase.is_show());
        });
        for (player, plays) in [
            ("Walkin_Player", Phase::WalkIn),
            ("Interval_Player", Phase::Interval),
        ] {
            set(player, "playing", &|core, key| {
                core.set_bool(key, phase == plays);
            });
            set(
                player,
                if phase == plays { "play" } else { "stop" },
                &|core, key| {
                    core.trigger(key);
                },
            );
        }
    }

    /// The lights follow the phase slowly; each step counts as a change.
    fn fade_lights(&mut self, core: &Controls<'_>) {
        let target = self.phase_now().lights();
        for light in ["stalls", "circle"] {
            if let Some(key) = core.lookup("House_Lights", light) {
                self.rides.retain(|ride| ride.key != key);
                self.rides.push(Ride {
                    key,
                    target,
                    steps_left: RIDE_STEPS,
                });
            }
        }
    }

    fn phase_now(&self) -> Phase {
        Phase::ALL[self.phase.unwrap_or(0) % Phase::ALL.len()]
    }

    /// Makes one change. False if there is nothing to touch.
    fn one_change(&mut self, core: &mut Controls<'_>) -> bool {
        // Several hands for much churn; two for an ordinary evening.
        let hands = 2 + (self.churn / 20.0) as usize;
        for _ in 0..8 {
            let made = if self.rides.len() >= hands
                || (!self.rides.is_empty() && self.random.u32(..100) < 80)
            {
                self.ride_on(core)
            } else {
                self.begin(core)
            };
            if made {
                return true;
            }
        }
        false
    }

    fn ride_on(&mut self, core: &mut Controls<'_>) -> bool {
        let i = self.random.usize(..self.rides.len());
        let ride = &mut self.rides[i];
        let now = core.value(ride.key);
        let steps = f64::from(ride.steps_left.max(1));
        // Hands tremble: the way is not quite straight, and no two readings are equal.
        let tremble = (self.random.f64() - 0.5) * 0.2;
        let next = now + (ride.target - now) / steps + tremble;
        ride.steps_left = ride.steps_left.saturating_sub(1);
        let key = ride.key;
        if ride.steps_left == 0 {
            self.rides.swap_remove(i);
        }
        core.set_value(key, (next * 100.0).round() / 100.0)
    }

    fn begin(&mut self, core: &mut Controls<'_>) -> bool {
        let habits = self.phase_now().habits();
        let mut dice = self.random.u32(..100);
        let mut what = 0;
        while what < 4 && dice >= habits[what] {
            dice -= habits[what];
            what += 1;
        }
        match what {
            0 => self.begin_ride(core, true),
            1 => match self.pick(|desk| &desk.mutes) {
                Some(key) => {
                    let on = core.boolean(key);
                    core.set_bool(key, !on)
                }
                None => false,
            },
            2 => match self.pick(|desk| &desk.selectors) {
                Some(key) => {
                    let count = core.spec(key).kind.range();
                    let choice = self.random.i64(count.0 as i64..=count.1 as i64);
                    core.set_value(key, choice as f64)
                }
                None => false,
            },
            3 => self.begin_ride(core, false),
            _ => self.write_words(core),
        }
    }

    fn begin_ride(&mut self, core: &mut Controls<'_>, fader: bool) -> bool {
        let key = if fader {
            self.pick(|d| &d.faders)
        } else {
            self.pick(|d| &d.levels)
        };
        let Some(key) = key else { return false };
        if self.rides.iter().any(|ride| ride.key == key) {
            return false;
        }
        let (min, max) = core.spec(key).kind.range();
        let (min, max) = (f64::from(min), f64::from(max));
        // Faders live in their upper third.
        let low = if fader { max - (max - min) * 0.35 } else { min };
        let target = low + self.random.f64() * (max - low) * 0.9;
        self.rides.push(Ride {
            key,
            target,
            steps_left: RIDE_STEPS,
        });
        self.ride_on(core)
    }

    fn write_words(&mut self, core: &mut Controls<'_>) -> bool {
        if self.random.bool()
            && let Some(cue) = core.lookup("Room_Info", "Cue")
        {
            let next = (core.value(cue) + 1.0) % 1000.0;
            return core.set_value(cue, next);
        }
        let words = [
            "Actors to the stage",
            "Lectern battery changed",
            "Encore agreed",
            "House open",
            "Late seating after cue 12",
            "Rain on the roof: stalls +1 dB",
            "Clear",
            "Doors in five",
        ];
        let Some(key) = self.pick(|desk| &desk.words) else {
            return false;
        };
        let text = words[self.random.usize(..words.len())];
        core.set_string(key, text)
    }

    fn pick(&mut self, list: impl Fn(&Desk) -> &Vec<ControlKey>) -> Option<ControlKey> {
        let list = list(&self.desk);
        (!list.is_empty()).then(|| list[self.random.usize(..list.len())])
    }

    fn move_meters(&mut self, core: &mut Controls<'_>) {
        let level = self.phase_now().level();
        for &key in &self.desk.meters {
            let next = level + (self.random.f64() - 0.6) * 24.0;
            core.set_value(key, next);
        }
    }
}

impl Script for Life {
    fn start(&mut self, core: &mut Controls<'_>) {
        *self = Life::new(self.churn, self.seed);
        for key in core.all() {
            let component = core.component(key);
            // The agent's own panel is not for the audience.
            let is_plugin = core
                .components()
                .any(|(n, t)| n == component && t.starts_with("%PLUGIN%"));
            let spec = core.spec(key);
            if is_plugin
                || (spec.direction != Direction::ReadWrite
                    && !matches!(spec.kind, Kind::Meter { .. }))
            {
                continue;
            }
            let list = match &spec.kind {
                Kind::Float { unit: Unit::Db, .. } => &mut self.desk.faders,
                Kind::Float {
                    unit: Unit::Percent,
                    ..
                } => &mut self.desk.levels,
                Kind::Boolean { on, .. } if on == "muted" => &mut self.desk.mutes,
                Kind::Integer { .. } if spec.name.starts_with("select.") => {
                    &mut self.desk.selectors
                }
                Kind::Combo { .. } if spec.name != "Phase" => &mut self.desk.selectors,
                Kind::Text if matches!(spec.name.as_str(), "Notes" | "last_call") => {
                    &mut self.desk.words
                }
                Kind::Meter { .. } => &mut self.desk.meters,
                _ => continue,
            };
            list.push(key);
        }
    }

    fn frame(&mut self, core: &mut Controls<'_>, now: Duration, _events: &[ControlEvent]) {
        if self.churn <= 0.0 {
            return;
        }
        let now = now.as_secs_f64();
        let Some(last) = self.last.replace(now) else {
            self.began = now;
            self.enter(core, 0);
            self.fade_lights(core);
            return;
        };
        let index = ((now - self.began) / PHASE_SECONDS) as usize;
        if self.phase != Some(index) {
            self.enter(core, index);
            self.fade_lights(core);
        }
        self.owed += (now - last).clamp(0.0, CATCH_UP) * self.churn;
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            if !self.one_change(core) {
                break;
            }
        }
        if now >= self.meters_at {
            self.meters_at = now + METER_SECONDS;
            self.move_meters(core);
        }
    }
}
