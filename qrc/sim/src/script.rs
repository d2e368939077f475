//! Scripts inside the Core, such as plugins and control scripts, and what they may do to its controls.

use std::time::Duration;

use compact_str::CompactString;

use crate::cell::{Author, ControlEvent, ControlKey, Write};
use crate::table::Table;

/// A script that runs inside the Core: a plugin, a control script, simulated life in the hall.
///
/// All scripts run on the Core's one script thread. A slow frame delays the others and every connection.
pub trait Script: Send {
    /// Runs at the start and after each restart, after indicators were reset.
    fn start(&mut self, core: &mut Controls<'_>);

    /// Runs every 33 ms. `now` is the time since the Core was made. `events` are changes by others since this script's
    /// last frame, oldest first. Several changes of one control by one author within a frame are one event; presses are
    /// never merged.
    fn frame(&mut self, core: &mut Controls<'_>, now: Duration, events: &[ControlEvent]);
}

/// The state of a control at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlState {
    /// Its value, in its own unit; 0 for texts, the index for combo boxes.
    pub value: f64,
    /// Its display text, or the content of a text control.
    pub string: CompactString,
    /// Its position in its range, 0 to 1.
    pub position: f64,
    /// Whether it is on.
    pub boolean: bool,
}

/// Access to a Core's controls from inside. Writes ignore Read Only, which binds clients only.
///
/// Every `set_…` returns whether it altered the control. A value out of range becomes the nearest one in range. NaN,
/// infinities, and texts that are no value of the control alter nothing.
pub struct Controls<'a> {
    table: &'a mut Table,
    author: Author,
}

impl<'a> Controls<'a> {
    pub(crate) fn new(table: &'a mut Table, author: Author) -> Controls<'a> {
        Controls { table, author }
    }

    /// The control with this name.
    pub fn lookup(&self, component: &str, name: &str) -> Option<ControlKey> {
        self.table.lookup(component, name)
    }

    /// The control behind a Named Control.
    pub fn named(&self, name: &str) -> Option<ControlKey> {
        self.table.named(name)
    }

    /// The names and types of all components, including those that QRC does not see.
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

    /// The control's component.
    pub fn component(&self, key: ControlKey) -> &str {
        &self.table.components[self.table.cell(key).component].name
    }

    /// The control's name within its component.
    pub fn name(&self, key: ControlKey) -> &str {
        &self.table.cell(key).spec.name
    }

    /// The control's kind, direction and initial state.
    pub fn spec(&self, key: ControlKey) -> &crate::design::Control {
        &self.table.cell(key).spec
    }

    /// Its value, text, position and whether it is on.
    pub fn get(&self, key: ControlKey) -> ControlState {
        ControlState {
            value: self.value(key),
            string: self.string(key),
            position: self.position(key),
            boolean: self.boolean(key),
        }
    }

    /// Its value, in its own unit.
    pub fn value(&self, key: ControlKey) -> f64 {
        f64::from(self.table.cell(key).value)
    }

    /// Its display text, or the content of a text control.
    pub fn string(&self, key: ControlKey) -> CompactString {
        self.table.cell(key).text()
    }

    /// Its position, 0 to 1.
    pub fn position(&self, key: ControlKey) -> f64 {
        f64::from(self.table.position(key))
    }

    /// Whether its position is above 0.5.
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

    /// Sets the value, in the control's own unit.
    pub fn set_value(&mut self, key: ControlKey, value: f64) -> bool {
        self.write(key, Write::Number(value))
    }

    /// Sets the text. A control with a number reads it as a number; a status takes it as its detail.
    pub fn set_string(&mut self, key: ControlKey, text: &str) -> bool {
        self.write(key, Write::Text(text))
    }

    /// Sets the position, 0 to 1.
    pub fn set_position(&mut self, key: ControlKey, position: f64) -> bool {
        self.write(key, Write::Position(position))
    }

    /// Switches it on or off.
    pub fn set_bool(&mut self, key: ControlKey, on: bool) -> bool {
        self.write(key, Write::Bool(on))
    }

    fn write(&mut self, key: ControlKey, write: Write<'_>) -> bool {
        self.table.write(key, write, self.author) == Ok(crate::cell::Outcome::Altered)
    }

    /// Presses the control: an event for the other scripts, without a change of value.
    pub fn trigger(&mut self, key: ControlKey) {
        self.table.fire(key, self.author);
    }

    /// Moves to `target` over `length`. A control without values in between jumps.
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

    /// Sets the colour, in Designer's notation.
    pub fn set_color(&mut self, key: ControlKey, color: &str) -> bool {
        self.table
            .annotate(key, |metadata| metadata.color = color.into())
    }

    /// Sets the legend on a button.
    pub fn set_legend(&mut self, key: ControlKey, legend: &str) -> bool {
        self.table
            .annotate(key, |metadata| metadata.legend = legend.into())
    }

    /// Disables the control on panels.
    pub fn set_disabled(&mut self, key: ControlKey, disabled: bool) -> bool {
        self.table
            .annotate(key, |metadata| metadata.disabled = disabled)
    }

    /// Hides the control from panels. QRC still sees it.
    pub fn set_invisible(&mut self, key: ControlKey, invisible: bool) -> bool {
        self.table
            .annotate(key, |metadata| metadata.invisible = invisible)
    }

    /// Marks the control as mixed.
    pub fn set_indeterminate(&mut self, key: ControlKey, indeterminate: bool) -> bool {
        self.table
            .annotate(key, |metadata| metadata.indeterminate = indeterminate)
    }
}
