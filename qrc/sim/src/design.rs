//! What a simulated Core runs: components with their controls, Named Controls, snapshot banks and paging zones.

use compact_str::{CompactString, ToCompactString};

use crate::control::{Direction, Kind};
use crate::number::Unit;

/// A design, as Q-SYS Designer would deploy it. Build it in Rust or read it from a file ([`Design::load`]).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Design {
    /// `DesignName` of the EngineStatus.
    pub name: CompactString,
    /// `DesignCode` of the EngineStatus. Clients can only compare it.
    pub code: CompactString,
    /// The components, in the order in which `Component.GetComponents` lists them.
    pub components: Vec<Component>,
    /// The Named Controls pane.
    pub named_controls: Vec<NamedControl>,
    /// Snapshot banks.
    pub snapshot_banks: Vec<SnapshotBank>,
    /// The paging system, if the design has one.
    pub paging: Option<Paging>,
}

impl Design {
    /// An empty design.
    pub fn new(name: &str, code: &str) -> Design {
        Design {
            name: name.into(),
            code: code.into(),
            ..Design::default()
        }
    }

    /// Adds a component.
    pub fn with(mut self, component: Component) -> Design {
        self.components.push(component);
        self
    }

    /// Adds a Named Control that shows `control` of `component`.
    pub fn with_named(mut self, name: &str, component: &str, control: &str) -> Design {
        self.named_controls.push(NamedControl {
            name: name.into(),
            component: component.into(),
            control: control.into(),
        });
        self
    }

    /// How many component controls the design has. Named Controls are further names and do not count.
    pub fn control_count(&self) -> usize {
        self.components
            .iter()
            .map(|component| component.controls.len())
            .sum()
    }
}

/// Who may reach a component (Designer 9.5 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScriptAccess {
    /// No access.
    None,
    /// Scripts in the Core only.
    Script,
    /// QRC and QRWC only.
    External,
    /// Scripts, QRC and QRWC.
    #[default]
    All,
}

impl ScriptAccess {
    /// Whether QRC sees the component.
    pub fn is_external(self) -> bool {
        matches!(self, ScriptAccess::External | ScriptAccess::All)
    }
}

/// A component.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Component {
    /// Its Code Name: unique in the design, case-sensitive.
    pub name: CompactString,
    /// Its type, for example `gain` or `mixer`.
    pub type_: CompactString,
    /// Its properties, which `Component.GetComponents` lists.
    pub properties: Vec<Property>,
    /// Who may reach it.
    pub script_access: ScriptAccess,
    /// Its controls.
    pub controls: Vec<Control>,
}

impl Component {
    /// A component without controls that everyone may reach.
    pub fn new(name: &str, type_: &str) -> Component {
        Component {
            name: name.into(),
            type_: type_.into(),
            ..Component::default()
        }
    }

    /// Adds a control.
    pub fn with(mut self, control: Control) -> Component {
        self.controls.push(control);
        self
    }

    /// Adds a property.
    pub fn property(mut self, name: &str, value: &str, pretty_name: &str) -> Component {
        self.properties.push(Property {
            name: name.into(),
            value: value.into(),
            pretty_name: pretty_name.into(),
        });
        self
    }

    /// Sets who may reach it.
    pub fn access(mut self, script_access: ScriptAccess) -> Component {
        self.script_access = script_access;
        self
    }
}

/// A property of a component; its value is always a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its internal name, for example `max_gain`.
    pub name: CompactString,
    /// Its value as text, for example `20`.
    pub value: CompactString,
    /// Its name for people, for example `Max Gain (dB)`.
    pub pretty_name: CompactString,
}

/// A control with its state after a deploy.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Its name within the component.
    pub name: CompactString,
    /// Its kind.
    pub kind: Kind,
    /// Who may write it.
    pub direction: Direction,
    /// Its initial value, in its own unit. Without one: the value of its range that is nearest to zero.
    pub value: Option<f64>,
    /// The initial text of a Text, Combo or Status control.
    pub string: Option<CompactString>,
}

impl Control {
    /// A control of any kind. Meters and status indicators are Read Only; all others are Read/Write.
    pub fn new(name: &str, kind: Kind) -> Control {
        let direction = match kind {
            Kind::Meter { .. } | Kind::Status => Direction::ReadOnly,
            _ => Direction::ReadWrite,
        };
        Control {
            name: name.into(),
            kind,
            direction,
            value: None,
            string: None,
        }
    }

    /// A gain from `min` to `max` dB.
    pub fn gain(name: &str, min: f32, max: f32) -> Control {
        Control::float(name, min, max, Unit::Db)
    }

    /// A number with a unit, from `min` to `max`.
    pub fn float(name: &str, min: f32, max: f32, unit: Unit) -> Control {
        Control::new(name, Kind::Float { min, max, unit })
    }

    /// A whole number from `min` to `max`.
    pub fn integer(name: &str, min: i32, max: i32) -> Control {
        Control::new(name, Kind::Integer { min, max })
    }

    /// A Boolean with its two display texts.
    pub fn boolean(name: &str, on: &str, off: &str) -> Control {
        Control::new(
            name,
            Kind::Boolean {
                on: on.into(),
                off: off.into(),
            },
        )
    }

    /// A Boolean with the texts `muted` and `unmuted`.
    pub fn mute(name: &str) -> Control {
        Control::boolean(name, "muted", "unmuted")
    }

    /// A toggle button: a Boolean with the texts `true` and `false`.
    pub fn toggle(name: &str) -> Control {
        Control::boolean(name, "true", "false")
    }

    /// An LED: a Boolean that clients cannot write.
    pub fn led(name: &str) -> Control {
        Control::toggle(name).read_only()
    }

    /// A button that is on while it is pressed.
    pub fn momentary(name: &str) -> Control {
        Control::new(name, Kind::Momentary)
    }

    /// A time of day, in seconds from 0 to 86,399.
    pub fn time(name: &str) -> Control {
        Control::new(name, Kind::Time)
    }

    /// Free text.
    pub fn text(name: &str) -> Control {
        Control::new(name, Kind::Text)
    }

    /// A text chosen from a list. The first option is the initial text.
    pub fn combo(name: &str, choices: &[&str]) -> Control {
        Control::new(
            name,
            Kind::Combo {
                choices: choices
                    .iter()
                    .map(|choice| choice.to_compact_string())
                    .collect(),
            },
        )
    }

    /// A trigger.
    pub fn trigger(name: &str) -> Control {
        Control::new(name, Kind::Trigger)
    }

    /// A button with the states 0 to `max`.
    pub fn state_trigger(name: &str, max: i32) -> Control {
        Control::new(name, Kind::StateTrigger { max })
    }

    /// A level meter from `min` to `max` dB.
    pub fn meter(name: &str, min: f32, max: f32) -> Control {
        Control::new(name, Kind::Meter { min, max })
    }

    /// A status indicator: 0 to 5, with a separate text.
    pub fn status(name: &str) -> Control {
        Control::new(name, Kind::Status)
    }

    /// Sets the initial value.
    pub fn at(mut self, value: f64) -> Control {
        self.value = Some(value);
        self
    }

    /// Sets the initial text.
    pub fn saying(mut self, text: &str) -> Control {
        self.string = Some(text.into());
        self
    }

    /// Makes it Read Only: clients cannot write it.
    pub fn read_only(mut self) -> Control {
        self.direction = Direction::ReadOnly;
        self
    }

    /// Makes it Write Only: clients cannot read it.
    pub fn write_only(mut self) -> Control {
        self.direction = Direction::WriteOnly;
        self
    }
}

/// A Named Control: a second name, unique in the design, for one control of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedControl {
    /// Its name: unique in the design, case-sensitive.
    pub name: CompactString,
    /// The component's Code Name.
    pub component: CompactString,
    /// The control's name within the component.
    pub control: CompactString,
}

/// A bank of snapshots of a list of controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotBank {
    /// Its name: the `Name` of `Snapshot.Load`.
    pub name: CompactString,
    /// How many snapshots it has, 1 to 24.
    pub count: usize,
    /// The controls that it remembers, each as component and control name.
    pub controls: Vec<(CompactString, CompactString)>,
}

/// The paging system of a design.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paging {
    /// The names of the priorities, highest first.
    pub priorities: Vec<CompactString>,
    /// The zones; the first one is zone 1.
    pub zones: Vec<Zone>,
    /// The names of the message files.
    pub messages: Vec<CompactString>,
}

/// A paging zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: CompactString,
    /// Its group, or empty.
    pub group: CompactString,
    /// Its tags.
    pub tags: Vec<CompactString>,
}
