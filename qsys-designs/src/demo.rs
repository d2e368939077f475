//! The demo design: a theatre with conference use, its plugin, and the life in it.

use contract::control;
use qrc_sim::{Component, Control, Design, Script, SnapshotBank, Unit};

use crate::life::Life;
use crate::panel::{Panel, PanelView};
use crate::place::place_plugin;
use crate::plugin::built_plugin;

/// What the demo should be like.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoOptions {
    /// Code Name of the plugin's block.
    pub code_name: String,
    /// Changes per second that people and cues in the room make, meters not counted; 0: an empty room.
    pub churn_per_second: f64,
    /// The same seed gives the same evening.
    pub seed: u64,
}

impl Default for DemoOptions {
    fn default() -> DemoOptions {
        DemoOptions {
            code_name: control::CODE_NAME.into(),
            churn_per_second: 25.0,
            seed: 1,
        }
    }
}

/// A design and what runs inside it.
pub struct DemoDesign {
    /// For `qrc_sim::Core::new`.
    pub design: Design,
    /// For `Core::add_script`, one after the other.
    pub scripts: Vec<Box<dyn Script>>,
    /// What the plugin's panel looks like.
    pub panel: Panel,
    /// The live state behind the panel.
    pub view: PanelView,
}

/// The demo: more than 60 components and 400 controls, the built plugin under its Code Name, and somebody at work.
pub fn demo_design(options: &DemoOptions) -> DemoDesign {
    let (mut design, life) = demo_room(options);
    let placed = place_plugin(&mut design, &options.code_name, &built_plugin())
        .expect("the built plugin's definition is checked by the tests of the built file");
    DemoDesign {
        design,
        panel: placed.panel,
        view: placed.view,
        scripts: vec![Box::new(placed.host), life],
    }
}

/// The room of the demo and the life in it, without a plugin.
pub fn demo_room(options: &DemoOptions) -> (Design, Box<dyn Script>) {
    let life = Life::new(options.churn_per_second, options.seed);
    (theatre(), Box::new(life))
}

/// The theatre without the plugin.
fn theatre() -> Design {
    let mut design = Design::new("Harbour_Theatre", "hT7vQ2mKx9Lc");
    let parts = [
        inputs(),
        processing(),
        zones(),
        players(),
        meters(),
        room(),
        equipment(),
    ];
    design.components = parts.into_iter().flatten().collect();
    for (name, component, control) in [
        ("MasterVolume", "Master", "gain"),
        ("MasterMute", "Master", "mute"),
        ("StallsVolume", "Zone_Stalls", "gain"),
        ("FoyerVolume", "Zone_Foyer", "gain"),
        ("FoyerMute", "Zone_Foyer", "mute"),
        ("BarVolume", "Zone_Bar", "gain"),
        ("FoyerSource", "Foyer_Router", "select.1"),
        ("LecternMic", "Mic_01", "gain"),
        ("LecternMute", "Mic_01", "mute"),
        ("ShowPhase", "Room_Info", "Phase"),
        ("ShowRunning", "Room_Info", "ShowRunning"),
        ("CueNumber", "Room_Info", "Cue"),
        ("HouseLights", "House_Lights", "stalls"),
        ("Projector", "Projector", "power"),
    ] {
        design = design.with_named(name, component, control);
    }
    design.snapshot_banks = vec![preset_bank()];
    design
}

fn preset_bank() -> SnapshotBank {
    let mut controls = vec![("Master".into(), "gain".into())];
    for i in 1..=12 {
        controls.push((format!("Mic_{i:02}").into(), "gain".into()));
        controls.push((format!("Mic_{i:02}").into(), "mute".into()));
    }
    for zone in ZONES {
        controls.push((format!("Zone_{zone}").into(), "gain".into()));
    }
    SnapshotBank {
        name: "Room_Presets".into(),
        count: 8,
        controls,
    }
}

fn gain_block(name: &str, start: f64) -> Component {
    Component::new(name, "gain")
        .property("max_gain", "20", "Max Gain (dB)")
        .property("min_gain", "-100", "Min Gain (dB)")
        .with(Control::gain("gain", -100.0, 20.0).at(start))
        .with(Control::mute("mute"))
        .with(Control::boolean("invert", "invert", "normal"))
}

/// Microphones, radio packs, the stage box, and the desk they end in.
fn inputs() -> Vec<Component> {
    let mut parts = Vec::new();
    for i in 1..=12 {
        parts.push(gain_block(&format!("Mic_{i:02}"), -12.0));
    }
    for i in 1..=8 {
        parts.push(
            gain_block(&format!("Wireless_{i}"), -9.0)
                .with(
                    Control::float("battery", 0.0, 100.0, Unit::Percent)
                        .at(92.0)
                        .read_only(),
                )
                .with(Control::text("label").saying(&format!("Pack {i}"))),
        );
    }
    let mut stage_box = Component::new("Stage_Box", "mic_line_in");
    for i in 1..=8 {
        stage_box = stage_box
            .with(Control::gain(&format!("channel.{i}.preamp.gain"), 0.0, 60.0).at(32.0))
            .with(Control::toggle(&format!("channel.{i}.phantom.power")))
            .with(Control::mute(&format!("channel.{i}.mute")));
    }
    parts.push(stage_box);
    let mut mixer = Component::new("Main_Mixer", "mixer")
        .property("n_inputs", "12", "Input Count")
        .property("n_outputs", "4", "Output Count");
    for i in 1..=12 {
        mixer = mixer
            .with(Control::gain(&format!("input.{i}.gain"), -100.0, 10.0))
            .with(Control::mute(&format!("input.{i}.mute")))
            .with(Control::text(&format!("input.{i}.label")).saying(&format!("Input {i}")));
        for o in 1..=4 {
            let name = format!("input.{i}.output.{o}.gain");
            mixer = mixer.with(Control::gain(&name, -100.0, 10.0).at(-10.0));
        }
    }
    for o in 1..=4 {
        mixer = mixer
            .with(Control::gain(&format!("output.{o}.gain"), -100.0, 10.0))
            .with(Control::mute(&format!("output.{o}.mute")));
    }
    parts.push(mixer);
    parts
}

/// Equalisers, dynamics, delays, routers, the master.
fn processing() -> Vec<Component> {
    let mut parts = vec![gain_block("Master", -6.0)];
    for name in ["Eq_Stalls", "Eq_Circle", "Eq_Stage", "Eq_Foyer"] {
        let mut eq = Component::new(name, "parametric_equalizer")
            .with(Control::boolean("bypass", "bypassed", "active"));
        for band in 1..=4 {
            let hertz = [80.0, 400.0, 2500.0, 8000.0][band - 1];
            eq = eq
                .with(Control::gain(&format!("gain.{band}"), -15.0, 15.0))
                .with(
                    Control::float(&format!("frequency.{band}"), 20.0, 20_000.0, Unit::Hz)
                        .at(hertz),
                );
        }
        parts.push(eq);
    }
    for name in ["Comp_Vocal", "Comp_Speech", "Limiter_Main"] {
        parts.push(
            Component::new(name, "compressor")
                .with(Control::gain("threshold", -60.0, 20.0).at(-18.0))
                .with(Control::float("ratio", 1.0, 20.0, Unit::None).at(3.0))
                .with(Control::float("attack", 0.0005, 0.5, Unit::Seconds).at(0.01))
                .with(Control::boolean("bypass", "bypassed", "active"))
                .with(Control::meter("gain.reduction", -40.0, 0.0)),
        );
    }
    for name in ["Delay_Circle", "Delay_Balcony", "Delay_Foyer"] {
        parts.push(
            Component::new(name, "delay")
                .with(Control::float("delay", 0.0, 0.5, Unit::Seconds).at(0.018))
                .with(Control::boolean("bypass", "bypassed", "active")),
        );
    }
    for (name, outputs) in [
        ("Foyer_Router", 3),
        ("Recording_Router", 2),
        ("Stage_Router", 4),
    ] {
        let mut router = Component::new(name, "router_with_output");
        for o in 1..=outputs {
            router = router
                .with(Control::integer(&format!("select.{o}"), 1, 8).at(1.0))
                .with(Control::mute(&format!("mute.{o}")));
        }
        parts.push(router);
    }
    parts
}

const ZONES: [&str; 14] = [
    "Stalls",
    "Circle",
    "Balcony",
    "Stage",
    "Pit",
    "Foyer",
    "Bar",
    "Lobby",
    "Terrace",
    "Backstage",
    "Dressing_1",
    "Dressing_2",
    "Green_Room",
    "Offices",
];

fn zones() -> Vec<Component> {
    ZONES
        .iter()
        .map(|zone| gain_block(&format!("Zone_{zone}"), -15.0))
        .collect()
}

fn players() -> Vec<Component> {
    let player = |name: &str, file: &str, files: &[&str]| {
        Component::new(name, "audio_file_player")
            .with(Control::trigger("play"))
            .with(Control::trigger("stop"))
            .with(Control::toggle("loop"))
            .with(Control::led("playing"))
            .with(Control::gain("gain", -100.0, 20.0).at(-20.0))
            .with(Control::mute("mute"))
            .with(Control::combo("filename", files).saying(file))
    };
    vec![
        player(
            "Walkin_Player",
            "calm-sea.wav",
            &["calm-sea.wav", "old-port.wav", "lanterns.wav"],
        ),
        player(
            "Interval_Player",
            "bell-3.wav",
            &["bell-1.wav", "bell-2.wav", "bell-3.wav"],
        ),
        player(
            "Announce_Player",
            "welcome.wav",
            &[
                "welcome.wav",
                "phones-off.wav",
                "last-call.wav",
                "good-night.wav",
            ],
        ),
        player(
            "Effects_Player",
            "thunder.wav",
            &["thunder.wav", "ship-horn.wav", "rain.wav", "crowd.wav"],
        ),
    ]
}

fn meters() -> Vec<Component> {
    [("Meter_Mics", 12), ("Meter_Outputs", 8), ("Meter_Zones", 8)]
        .iter()
        .map(|(name, channels)| {
            (1..=*channels).fold(Component::new(name, "meter2"), |meter, i| {
                meter.with(Control::meter(&format!("meter.{i}"), -100.0, 20.0).at(-100.0))
            })
        })
        .collect()
}

/// What people set in the house: show, lights, presets.
fn room() -> Vec<Component> {
    let phases: Vec<&str> = crate::life::Phase::ALL.iter().map(|p| p.name()).collect();
    let info = Component::new("Room_Info", "custom_controls")
        .with(Control::text("ShowName").saying("The Lighthouse Keeper"))
        .with(Control::text("Operator").saying("Desk"))
        .with(Control::text("Notes"))
        .with(Control::combo("Phase", &phases))
        .with(Control::integer("Cue", 0, 999))
        .with(Control::toggle("ShowRunning"))
        .with(Control::time("Curtain").at(71_700.0));
    let lights = ["stalls", "circle", "foyer", "stage_work", "aisle"]
        .iter()
        .fold(
            Component::new("House_Lights", "custom_controls"),
            |lights, name| lights.with(Control::float(name, 0.0, 100.0, Unit::Percent).at(80.0)),
        );
    let mut presets = Component::new("Room_Presets", "snapshot_controller");
    for i in 1..=8 {
        presets = presets
            .with(Control::trigger(&format!("load.{i}")))
            .with(Control::trigger(&format!("save.{i}")));
    }
    presets = presets.with(Control::float("load.ramp.time", 0.0, 60.0, Unit::Seconds).at(2.0));
    vec![info, lights, presets]
}

/// Things with a state of their own.
fn equipment() -> Vec<Component> {
    let mut parts = Vec::new();
    for i in 1..=6 {
        parts.push(
            Component::new(&format!("Amp_{i}"), "amplifier")
                .with(Control::status("status").saying("OK"))
                .with(
                    Control::float("temperature", 0.0, 100.0, Unit::None)
                        .at(38.0)
                        .read_only(),
                )
                .with(Control::boolean("power", "on", "standby").at(1.0))
                .with(Control::mute("mute")),
        );
    }
    parts.push(
        Component::new("Projector", "display")
            .with(Control::boolean("power", "on", "off"))
            .with(Control::combo(
                "input",
                &["Laptop", "Camera", "Titles", "Blank"],
            ))
            .with(Control::boolean("shutter", "closed", "open"))
            .with(Control::status("status").saying("OK")),
    );
    parts.push(
        Component::new("Hearing_Loop", "gain")
            .with(Control::gain("gain", -100.0, 20.0).at(-8.0))
            .with(Control::mute("mute")),
    );
    parts.push(
        Component::new("Prompt_Desk", "custom_controls")
            .with(Control::toggle("standby"))
            .with(Control::momentary("talk"))
            .with(Control::trigger("go"))
            .with(Control::toggle("clear_all"))
            .with(Control::text("last_call")),
    );
    parts.push(
        Component::new("Core_Status", "core_status")
            .with(Control::status("status").saying("OK"))
            .with(
                Control::float("processor.temperature", 0.0, 100.0, Unit::None)
                    .at(52.0)
                    .read_only(),
            ),
    );
    parts
}
