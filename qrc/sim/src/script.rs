//! What runs inside the Core, plugins and control scripts, and what they may do to its controls.

use std::time::Duration;

use compact_str::CompactString;

use crate::cell::{Author, ControlEvent, ControlKey, Write};
use crate::table::Table;

/// Something that runs inside the Core: a plugin, a control script, the life in the room.
///
/// Scripts run on the Core's one script thread: a slow frame delays the others and every connection.
pub trait Script: Send {
    /// Runs at the start and after each restart, when indicators have been reset.
    fn start(&mut self, core: &mut Controls<'_>);

    /// Runs every 33 ms. `now` is the time since the Core was made, from the injected clock; `events` are what others
    /// than this script did to controls since its last frame, oldest first. Several changes of one control by one
    /// author within a frame are one event; presses are never merged.
    fn frame(&mut self, core: &mut Controls<'_>, now: Duration, events: &[ControlEvent]);
}

/// What a control is at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlState {
    /// Its value; 0 for texts, the index for combo boxes.
    pub value: f64,
    /// Its display text, or the content of a text.
    pub string: CompactString,
    /// Where it is in its range, 0 to 1.
    pub position: f64,
    /// Whether it is on.
    pub boolean: bool,
}

/// Access to a Core's controls from inside. Writes know no Read Only: this is the Core's own side.
///
/// Every `set_…` returns whether it altered the control; values out of range are brought into it, texts that stand for
/// no value of the control, NaN and infinities leave it as it was.
pub struct Controls<'a> {
    table: &'a mut Table,
    author: Author,
}

impl<'a> Controls<'a> {
    pub(crate) fn new(table: &'a mut Table, author: Author) -> Controls<'a> {
        Controls { table, author }
    }

    /// The control of this name.
    pub fn lookup(&self, component: &str, name: &str) -> Option<ControlKey> {
        self.table.lookup(component, name)
    }

    /// The control behind a Named Control.
    pub fn named(&self, name: &str) -> Option<ControlKey> {
        self.table.named(name)
    }

    /// Names and types of all components, also of those that QRC does not see.
    pub fn components(&self) -> impl Iterator<Item = (&str, &str)> {
        self.table
            .components
            .iter()
            .map(|entry| (entry.name.as_str(), entry.type_.as_str()))
    }

    /// The controls of a component, sorted by name; none if there is no such component.
    pub fn controls_of(&self, component: &str) -> &[ControlKey] {
        self.table
            .component(component)
            .map_or(&[], |entry| &entry.controls)
    }

    /// Every control.
    pub fn all(&self) -> impl ExactSizeIterator<Item = ControlKey> + use<> {
        (0..self.table.len() as u32).map(ControlKey)
    }

    /// The component a control belongs to.
    pub fn component(&self, key: ControlKey) -> &str {
        &self.table.components[self.table.cell(key).component].name
    }

    /// The name of a control within its component.
    pub fn name(&self, key: ControlKey) -> &str {
        &self.table.cell(key).spec.name
    }

    /// What the control is made of: kind, direction, initial state.
    pub fn spec(&self, key: ControlKey) -> &crate::design::Control {
        &self.table.cell(key).spec
    }

    /// Value, text, position and truth at once.
    pub fn get(&self, key: ControlKey) -> ControlState {
        ControlState {
            value: self.value(key),
            string: self.string(key),
            position: self.position(key),
            boolean: self.boolean(key),
        }
    }

    /// The value.
    pub fn value(&self, key: ControlKey) -> f64 {
        f64::from(self.table.cell(key).value)
    }

    /// The display text, or the content of a text.
    pub fn string(&self, key: ControlKey) -> CompactString {
        self.table.cell(key).text()
    }

    /// The position, 0 to 1.
    pub fn position(&self, key: ControlKey) -> f64 {
        f64::from(self.table.position(key))
    }

    /// True above position 0.5.
    pub fn boolean(&self, key: ControlKey) -> bool {
        self.table.position(key) > 0.5
    }

    /// The options of a combo or list box.
    pub fn choices(&self, key: ControlKey) -> &[CompactString] {
        self.table
            .cell(key)
            .metadata
            .as_deref()
            .map_or(&[], |metadata| &metadata.choices)
    }

    /// Sets the value.
    pub fn set_value(&mut self, key: ControlKey, value: f64) -> bool {
        self.write(key, Write::Number(value))
    }

    /// Sets the text; on a control that holds a number the text is read as one, on a status it is the detail.
    pub fn set_string(&mut self, key: ControlKey, text: &str) -> bool {
        self.write(key, Write::Text(text))
    }

    /// Sets the position.
    pub fn set_position(&mut self, key: ControlKey, position: f64) -> bool {
        self.write(key, Write::Position(position))
    }

    /// Switches on or off.
    pub fn set_bool(&mut self, key: ControlKey, on: bool) -> bool {
        self.write(key, Write::Bool(on))
    }

    fn write(&mut self, key: ControlKey, write: Write<'_>) -> bool {
        self.table.write(key, write, self.author) == Ok(crate::cell::Outcome::Altered)
    }

    /// Presses the control: an event for the other scripts, no change of value.
    pub fn trigger(&mut self, key: ControlKey) {
        self.table.fire(key, self.author);
    }

    /// Moves to `target` over `length`; what cannot move jumps.
    pub fn ramp(&mut self, key: ControlKey, target: f64, length: Duration) -> bool {
        self.table
            .ramp(key, Write::Number(target), length, self.author)
            == Ok(crate::cell::Outcome::Altered)
    }

    /// Sets the options of a combo or list box.
    pub fn set_choices(&mut self, key: ControlKey, choices: &[impl AsRef<str>]) -> bool {
        let choices = choices
            .iter()
            .map(|choice| choice.as_ref().into())
            .collect();
        self.table
            .annotate(key, |metadata| metadata.choices = choices)
    }

    /// Sets the colour, as Designer writes colours.
    pub fn set_color(&mut self, key: ControlKey, color: &str) -> bool {
        self.table
            .annotate(key, |metadata| metadata.color = color.into())
    }

    /// Sets the legend on a button.
    pub fn set_legend(&mut self, key: ControlKey, legend: &str) -> bool {
        self.table
            .annotate(key, |metadata| metadata.legend = legend.into())
    }

    /// Greys the control out.
    pub fn set_disabled(&mut self, key: ControlKey, disabled: bool) -> bool {
        self.table
            .annotate(key, |metadata| metadata.disabled = disabled)
    }

    /// Hides the control from panels; QRC sees it still.
    pub fn set_invisible(&mut self, key: ControlKey, invisible: bool) -> bool {
        self.table
            .annotate(key, |metadata| metadata.invisible = invisible)
    }

    /// Marks a mixed state.
    pub fn set_indeterminate(&mut self, key: ControlKey, indeterminate: bool) -> bool {
        self.table
            .annotate(key, |metadata| metadata.indeterminate = indeterminate)
    }
}
