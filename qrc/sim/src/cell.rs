//! One live control: its key, its state, and what can happen to it.

use compact_str::CompactString;

use crate::control::Kind;
use crate::design::Control;

/// A control of a simulated Core. Valid until another design is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlKey(pub(crate) u32);

/// What happened to a control between two frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlEvent {
    /// Which control.
    pub control: ControlKey,
    /// True for a press that leaves no value: on a trigger or a state trigger.
    pub trigger: bool,
}

/// Who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    Qrc,
    InProcess,
    Script(usize),
}

/// A new value, position or text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Write<'a> {
    Number(f64),
    Bool(bool),
    Text(&'a str),
    Position(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Altered,
    Same,
    Fired,
}

/// The text is no value of the control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAValue;

/// What panels show beside the value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Metadata {
    pub(crate) choices: Vec<CompactString>,
    pub(crate) color: CompactString,
    pub(crate) legend: CompactString,
    pub(crate) indeterminate: bool,
    pub(crate) invisible: bool,
    pub(crate) disabled: bool,
}

/// One live control.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) spec: Control,
    pub(crate) component: usize,
    pub(crate) value: f32,
    /// The content of textual kinds, or the detail of a status. Other kinds derive their text from the value.
    pub(crate) text: Option<CompactString>,
    pub(crate) metadata: Option<Box<Metadata>>,
    /// The change groups have not taken this change yet.
    pub(crate) changed: bool,
    /// The frame and author of the last event.
    pub(crate) heard: Option<(u64, Author)>,
}

impl Cell {
    pub(crate) fn new(spec: Control, component: usize) -> Cell {
        let metadata = match &spec.kind {
            Kind::Combo { choices } => Some(Box::new(Metadata {
                choices: choices.clone(),
                ..Metadata::default()
            })),
            _ => None,
        };
        let mut cell = Cell {
            spec,
            component,
            value: 0.0,
            text: None,
            metadata,
            changed: false,
            heard: None,
        };
        cell.reset();
        cell
    }

    /// Puts the control back to its state after a deploy.
    pub(crate) fn reset(&mut self) {
        self.value = self.spec.kind.fit(self.spec.value.unwrap_or(0.0));
        self.text = match &self.spec.kind {
            Kind::Text => Some(self.spec.string.clone().unwrap_or_default()),
            kind @ Kind::Combo { choices } => {
                let text = self
                    .spec
                    .string
                    .clone()
                    .unwrap_or_else(|| kind.text_of(self.value));
                self.value = index_of(choices, &text);
                Some(text)
            }
            Kind::Status => self.spec.string.clone(),
            _ => None,
        };
    }

    pub(crate) fn text(&self) -> CompactString {
        match &self.text {
            Some(text) => text.clone(),
            None => self.spec.kind.text_of(self.value),
        }
    }

    pub(crate) fn choices(&self) -> &[CompactString] {
        self.metadata
            .as_deref()
            .map_or(&[], |metadata| &metadata.choices)
    }

    pub(crate) fn position(&self, logarithmic: bool) -> f32 {
        match self.spec.kind {
            Kind::Text | Kind::Trigger => 0.0,
            Kind::Combo { .. } => match self.choices().len() {
                0 | 1 => 0.0,
                count => self.value / (count - 1) as f32,
            },
            _ => self.spec.kind.position_of(self.value, logarithmic),
        }
    }
}

pub(crate) fn index_of(choices: &[CompactString], text: &str) -> f32 {
    choices
        .iter()
        .position(|choice| choice == text)
        .unwrap_or(0) as f32
}
