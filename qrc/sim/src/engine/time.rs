//! What the Core does by itself: script frames, steps of ramps, AutoPoll pushes.

use std::time::Duration;

use super::call;
use super::state::Engine;
use crate::cell::{Author, ControlEvent, ControlKey};
use crate::control::Direction;
use crate::groups::GroupSlot;
use crate::options::PushShape;
use crate::reading::push_reading;
use crate::script::Controls;
use crate::sink::Sink;
use crate::wall;

impl Engine {
    /// When [`Engine::advance`] next has something to do.
    pub(crate) fn next_wake(&mut self) -> Option<Duration> {
        if !self.scripts.is_empty() || self.table.is_ramping() {
            let next = self.now + self.options.frame;
            self.next_frame.get_or_insert(next);
        } else {
            self.next_frame = None;
        }
        let pushes = self
            .groups
            .iter()
            .filter_map(|(_, group)| Some(group.auto_poll?.next));
        pushes
            .chain(self.next_frame)
            .chain(self.next_page_step())
            .min()
    }

    /// Lets time pass: runs script frames and steps of ramps, and sends pushes that are due.
    pub(crate) fn advance(&mut self, now: Duration, sink: &mut dyn Sink) {
        self.set_now(now);
        if self.next_frame.is_some_and(|due| due <= self.now) {
            self.run_frame();
            let due = self.next_frame.unwrap_or(self.now) + self.options.frame;
            // A Core that was late does not run the frames it missed.
            self.next_frame = Some(if due <= self.now {
                self.now + self.options.frame
            } else {
                due
            });
        }
        let due: Vec<GroupSlot> = self
            .groups
            .iter()
            .filter(|(_, group)| group.auto_poll.is_some_and(|poll| poll.next <= self.now))
            .map(|(slot, _)| slot)
            .collect();
        self.advance_pages(sink);
        if !due.is_empty() {
            self.spread();
        }
        for slot in due {
            self.push(slot, sink);
        }
    }

    /// Makes `count` random changes of writable numbers.
    pub(crate) fn flood(&mut self, count: u32, random: &mut fastrand::Rng) {
        let mut controls = Controls::new(&mut self.table, Author::InProcess);
        let all = controls.all().len();
        for _ in 0..if all > 0 { count } else { 0 } {
            // In most designs most controls are gains. A design with few of them gets fewer changes.
            let key = (0..64)
                .map(|_| ControlKey(random.u32(..all as u32)))
                .find(|key| {
                    let spec = controls.spec(*key);
                    spec.kind.is_continuous() && spec.direction == Direction::ReadWrite
                });
            if let Some(key) = key {
                controls.set_position(key, random.f64());
            }
        }
    }

    fn run_frame(&mut self) {
        self.table.advance_ramps();
        if self.scripts.is_empty() {
            return;
        }
        let events = self.table.take_events();
        let mut heard: Vec<ControlEvent> = Vec::with_capacity(events.len());
        for (index, script) in self.scripts.iter_mut().enumerate() {
            let author = Author::Script(index);
            heard.clear();
            heard.extend(
                events
                    .iter()
                    .filter(|(_, by)| *by != author)
                    .map(|(event, _)| event),
            );
            script.frame(
                &mut Controls::new(&mut self.table, author),
                self.now,
                &heard,
            );
        }
    }

    /// Marks changed controls in the groups that show them.
    pub(super) fn spread(&mut self) {
        let mut remembered = false;
        let Engine {
            groups,
            table,
            banks,
            ..
        } = self;
        groups.spread(table, |key| remembered |= banks.remembers(key));
        if remembered {
            self.banks.compare(&mut self.table);
            self.groups.spread(&mut self.table, |_| {});
        }
    }

    /// Days since 1970 and seconds of the day, UTC.
    pub(super) fn wall_clock(&self) -> (u64, f64) {
        wall::split(self.options.epoch, self.now)
    }

    /// One AutoPoll tick of one group.
    fn push(&mut self, slot: GroupSlot, sink: &mut dyn Sink) {
        let group = self.groups.get_mut(slot);
        let connection = group.connection;
        if let Some(poll) = &mut group.auto_poll {
            poll.next += poll.rate;
            if poll.next <= self.now {
                poll.next = self.now + poll.rate;
            }
        }
        if !sink.has_room(connection) {
            self.stats.held_back += 1;
            return;
        }
        let (frame, count) = self.push_frame(slot);
        if count > 0 || self.options.points.empty_pushes {
            self.stats.pushes += 1;
            sink.send(connection, frame);
        }
    }

    /// An AutoPoll push and the number of its changes.
    pub(super) fn push_frame(&mut self, slot: GroupSlot) -> (Vec<u8>, usize) {
        let mut frame = match self.options.points.push_shape {
            PushShape::Params => {
                b"{\"jsonrpc\":\"2.0\",\"method\":\"ChangeGroup.Poll\",\"params\":".to_vec()
            }
            PushShape::Result => b"{\"jsonrpc\":\"2.0\",\"result\":".to_vec(),
        };
        let count = self.write_changes(slot, &mut frame);
        frame.push(b'}');
        (call::finish(frame), count)
    }

    /// Appends `{"Id":…,"Changes":[…]}`, takes the changes from the group, and returns their number.
    pub(super) fn write_changes(&mut self, slot: GroupSlot, out: &mut Vec<u8>) -> usize {
        let Engine {
            groups,
            table,
            options,
            ..
        } = self;
        let group = groups.get_mut(slot);
        out.extend_from_slice(b"{\"Id\":");
        out.extend_from_slice(group.id.as_bytes());
        out.extend_from_slice(b",\"Changes\":[");
        let mut count = 0;
        group.drain(|control, named| {
            if count > 0 {
                out.push(b',');
            }
            count += 1;
            let cell = table.cell(control);
            let (name, component) = match named {
                Some(name) => (name, None),
                None => (
                    cell.spec.name.as_str(),
                    Some(table.components[cell.component].name.as_str()),
                ),
            };
            push_reading(out, table, &options.points, control, name, component);
        });
        out.extend_from_slice(b"]}");
        count
    }
}
