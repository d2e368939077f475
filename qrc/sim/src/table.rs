//! The live controls of a Core: their values, texts and metadata, ramps under way, and what changed.

use std::collections::HashMap;
use std::time::Duration;

use compact_str::{CompactString, ToCompactString};

use crate::cell::{
    Author, Cell, ControlEvent, ControlKey, Metadata, NotAValue, Outcome, Write, index_of,
};
use crate::control::{Direction, Kind};
use crate::design::{Design, Property, ScriptAccess};
use crate::number::Unit;

/// A live component.
#[derive(Debug)]
pub(crate) struct ComponentEntry {
    pub(crate) name: CompactString,
    pub(crate) type_: CompactString,
    pub(crate) properties: Vec<Property>,
    pub(crate) script_access: ScriptAccess,
    /// Sorted by control name, as `Component.GetControls` lists them.
    pub(crate) controls: Vec<ControlKey>,
    by_name: HashMap<CompactString, ControlKey>,
}

impl ComponentEntry {
    pub(crate) fn control(&self, name: &str) -> Option<ControlKey> {
        self.by_name.get(name).copied()
    }
}

#[derive(Debug, Clone, Copy)]
struct Ramp {
    control: ControlKey,
    from: f32,
    to: f32,
    start: Duration,
    length: Duration,
    author: Author,
}

/// All live controls of a Core.
#[derive(Debug, Default)]
pub(crate) struct Table {
    cells: Vec<Cell>,
    pub(crate) components: Vec<ComponentEntry>,
    by_component: HashMap<CompactString, usize>,
    by_named: HashMap<CompactString, ControlKey>,
    ramps: Vec<Ramp>,
    changed: Vec<ControlKey>,
    events: Vec<(ControlEvent, Author)>,
    listening: bool,
    frame: u64,
    now: Duration,
    logarithmic: bool,
    alterations: u64,
}

impl Table {
    pub(crate) fn new(design: &Design, logarithmic: bool) -> Table {
        let mut table = Table {
            logarithmic,
            ..Table::default()
        };
        for (index, component) in design.components.iter().enumerate() {
            let mut controls: Vec<ControlKey> = Vec::with_capacity(component.controls.len());
            let mut by_name = HashMap::with_capacity(component.controls.len());
            for control in &component.controls {
                let key = ControlKey(table.cells.len() as u32);
                table.cells.push(Cell::new(control.clone(), index));
                by_name.insert(control.name.clone(), key);
                controls.push(key);
            }
            controls.sort_by(|a, b| table.cell(*a).spec.name.cmp(&table.cell(*b).spec.name));
            table.by_component.insert(component.name.clone(), index);
            table.components.push(ComponentEntry {
                name: component.name.clone(),
                type_: component.type_.clone(),
                properties: component.properties.clone(),
                script_access: component.script_access,
                controls,
                by_name,
            });
        }
        for named in &design.named_controls {
            if let Some(key) = table.lookup(&named.component, &named.control) {
                table.by_named.insert(named.name.clone(), key);
            }
        }
        table
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(crate) fn cell(&self, key: ControlKey) -> &Cell {
        &self.cells[key.0 as usize]
    }

    pub(crate) fn component(&self, name: &str) -> Option<&ComponentEntry> {
        self.by_component
            .get(name)
            .map(|&index| &self.components[index])
    }

    pub(crate) fn lookup(&self, component: &str, control: &str) -> Option<ControlKey> {
        self.component(component)?.control(control)
    }

    pub(crate) fn named(&self, name: &str) -> Option<ControlKey> {
        self.by_named.get(name).copied()
    }

    pub(crate) fn position(&self, key: ControlKey) -> f32 {
        let cell = self.cell(key);
        cell.position(self.is_logarithmic(&cell.spec.kind))
    }

    fn is_logarithmic(&self, kind: &Kind) -> bool {
        self.logarithmic && kind.unit() == Unit::Hz
    }

    /// How many writes altered a control since the Core was made.
    pub(crate) fn alterations(&self) -> u64 {
        self.alterations
    }

    pub(crate) fn set_now(&mut self, now: Duration) {
        self.now = now;
    }

    /// Sets whether events are kept for [`Table::take_events`].
    pub(crate) fn listen(&mut self, listening: bool) {
        self.listening = listening;
    }

    /// Writes at once, and ends a ramp under way on the control.
    pub(crate) fn write(
        &mut self,
        key: ControlKey,
        write: Write<'_>,
        author: Author,
    ) -> Result<Outcome, NotAValue> {
        let is_press = match self.cell(key).spec.kind {
            Kind::Trigger => true,
            Kind::StateTrigger { .. } => author == Author::Qrc,
            _ => false,
        };
        if is_press {
            self.fire(key, author);
            return Ok(Outcome::Fired);
        }
        let (value, text) = self.resolve(key, write)?;
        self.ramps.retain(|ramp| ramp.control != key);
        Ok(self.store(key, value, text, author))
    }

    /// Moves to the target in a straight line. Kinds without values in between jump.
    pub(crate) fn ramp(
        &mut self,
        key: ControlKey,
        write: Write<'_>,
        length: Duration,
        author: Author,
    ) -> Result<Outcome, NotAValue> {
        if length.is_zero() || !self.cell(key).spec.kind.is_continuous() {
            return self.write(key, write, author);
        }
        let (to, _) = self.resolve(key, write)?;
        self.ramps.retain(|ramp| ramp.control != key);
        let from = self.cell(key).value;
        if from == to {
            return Ok(Outcome::Same);
        }
        self.ramps.push(Ramp {
            control: key,
            from,
            to,
            start: self.now,
            length,
            author,
        });
        Ok(Outcome::Altered)
    }

    /// Where a ramp under way on the control will end.
    pub(crate) fn ramp_target(&self, key: ControlKey) -> Option<f32> {
        self.ramps
            .iter()
            .find(|ramp| ramp.control == key)
            .map(|ramp| ramp.to)
    }

    pub(crate) fn is_ramping(&self) -> bool {
        !self.ramps.is_empty()
    }

    /// Moves all ramps to their present values.
    pub(crate) fn advance_ramps(&mut self) {
        let mut ramps = std::mem::take(&mut self.ramps);
        ramps.retain(|ramp| {
            let passed = self.now.saturating_sub(ramp.start);
            let done = passed >= ramp.length;
            let part = (passed.as_secs_f64() / ramp.length.as_secs_f64()) as f32;
            let value = if done {
                ramp.to
            } else {
                ramp.from + (ramp.to - ramp.from) * part
            };
            self.store(ramp.control, value, None, ramp.author);
            !done
        });
        self.ramps = ramps;
    }

    /// A press: no value and no change, but an event for the scripts.
    pub(crate) fn fire(&mut self, key: ControlKey, author: Author) {
        // Presses cannot be merged, so a limit keeps a Core that is not served from growing.
        if self.listening && self.events.len() < 65_536 {
            self.events.push((
                ControlEvent {
                    control: key,
                    trigger: true,
                },
                author,
            ));
        }
    }

    /// The value and text that a write would leave.
    fn resolve(
        &self,
        key: ControlKey,
        write: Write<'_>,
    ) -> Result<(f32, Option<CompactString>), NotAValue> {
        let cell = self.cell(key);
        let kind = &cell.spec.kind;
        match (kind, write) {
            (Kind::Text, Write::Text(text)) => Ok((0.0, Some(text.into()))),
            (Kind::Text, Write::Bool(on)) => Ok((0.0, Some(on.to_compact_string()))),
            (Kind::Text, Write::Number(value) | Write::Position(value)) => {
                Ok((0.0, Some(value.to_compact_string())))
            }
            (Kind::Combo { .. }, Write::Text(text)) => {
                Ok((index_of(cell.choices(), text), Some(text.into())))
            }
            (Kind::Combo { .. }, write) => {
                let last = cell.choices().len().saturating_sub(1) as f64;
                let index = match write {
                    Write::Position(position) => (position.clamp(0.0, 1.0) * last).round(),
                    Write::Number(index) => index.round().clamp(0.0, last),
                    Write::Bool(on) => f64::from(u8::from(on)).min(last),
                    Write::Text(_) => unreachable!("texts were taken above"),
                };
                let text = cell
                    .choices()
                    .get(index as usize)
                    .cloned()
                    .unwrap_or_default();
                Ok((index as f32, Some(text)))
            }
            (Kind::Status, Write::Text(text)) => Ok((cell.value, Some(text.into()))),
            (_, Write::Number(value)) if !value.is_finite() => Err(NotAValue),
            (_, Write::Number(value)) => Ok((kind.fit(value), None)),
            (_, Write::Bool(on)) => Ok((kind.fit(f64::from(u8::from(on))), None)),
            (_, Write::Position(position)) if !position.is_finite() => Err(NotAValue),
            (_, Write::Position(position)) => {
                Ok((kind.value_at(position, self.is_logarithmic(kind)), None))
            }
            (_, Write::Text(text)) => kind
                .parse(text)
                .map(|value| (kind.fit(value), None))
                .ok_or(NotAValue),
        }
    }

    fn store(
        &mut self,
        key: ControlKey,
        value: f32,
        text: Option<CompactString>,
        author: Author,
    ) -> Outcome {
        let cell = &mut self.cells[key.0 as usize];
        let same_text = text.is_none() || cell.text == text;
        if cell.value == value && same_text {
            return Outcome::Same;
        }
        cell.value = value;
        if text.is_some() {
            cell.text = text;
        }
        self.alterations += 1;
        self.mark(key);
        if self.listening {
            let cell = &mut self.cells[key.0 as usize];
            let heard = Some((self.frame, author));
            // One event per frame and author is enough: scripts read the value, not the event.
            if cell.heard != heard {
                cell.heard = heard;
                self.events.push((
                    ControlEvent {
                        control: key,
                        trigger: false,
                    },
                    author,
                ));
            }
        }
        Outcome::Altered
    }

    fn mark(&mut self, key: ControlKey) {
        let cell = &mut self.cells[key.0 as usize];
        if !cell.changed {
            cell.changed = true;
            self.changed.push(key);
        }
    }

    /// Changes what panels show beside the value.
    pub(crate) fn annotate(&mut self, key: ControlKey, change: impl FnOnce(&mut Metadata)) -> bool {
        let cell = &mut self.cells[key.0 as usize];
        let before = cell.metadata.as_deref().cloned().unwrap_or_default();
        let mut after = before.clone();
        change(&mut after);
        let altered = after != before;
        if matches!(cell.spec.kind, Kind::Combo { .. }) {
            cell.value = index_of(&after.choices, cell.text.as_deref().unwrap_or_default());
        }
        cell.metadata = Some(Box::new(after));
        if altered {
            self.mark(key);
        }
        altered
    }

    /// Passes every control that changed since the last call to `each`, once.
    pub(crate) fn take_changed(&mut self, mut each: impl FnMut(ControlKey)) {
        let mut changed = std::mem::take(&mut self.changed);
        for key in changed.drain(..) {
            self.cells[key.0 as usize].changed = false;
            each(key);
        }
        self.changed = changed;
    }

    /// The events since the last call. A new frame begins.
    pub(crate) fn take_events(&mut self) -> Vec<(ControlEvent, Author)> {
        self.frame += 1;
        std::mem::take(&mut self.events)
    }

    /// A restart of the Core: indicators fall back, and what people set stays.
    pub(crate) fn restart(&mut self) {
        self.ramps.clear();
        self.events.clear();
        for index in 0..self.cells.len() {
            let cell = &mut self.cells[index];
            let indicator = cell.spec.direction == Direction::ReadOnly
                || matches!(cell.spec.kind, Kind::Status | Kind::Meter { .. });
            cell.metadata = Cell::new(cell.spec.clone(), cell.component).metadata;
            if indicator {
                cell.reset();
            }
            self.mark(ControlKey(index as u32));
        }
    }

    /// What a pair keeps in step: every control that clients can write.
    pub(crate) fn writable(&self) -> Writable {
        let held = |cell: &Cell| {
            (cell.spec.direction != Direction::ReadOnly).then(|| (cell.value, cell.text.clone()))
        };
        Writable(self.cells.iter().map(held).collect())
    }

    /// Takes over the writable controls of the other Core of the pair, which has the same design.
    pub(crate) fn adopt(&mut self, writable: Writable) {
        for (index, held) in writable.0.into_iter().enumerate().take(self.cells.len()) {
            let Some((value, text)) = held else { continue };
            let cell = &mut self.cells[index];
            if cell.value != value || cell.text != text {
                cell.value = value;
                cell.text = text;
                self.mark(ControlKey(index as u32));
            }
        }
    }
}

/// The state of all writable controls, in their order.
pub(crate) struct Writable(Vec<Option<(f32, Option<CompactString>)>>);
