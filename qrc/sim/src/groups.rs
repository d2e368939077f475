//! Change groups: which connection watches which controls, which of them changed, and when to push. No I/O.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use compact_str::CompactString;

use crate::cell::ControlKey;
use crate::table::Table;

/// A connection to the Core; its number is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// A group's place in [`Groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupSlot(u32);

/// A control in a group, under its own name or a Named Control's.
#[derive(Debug)]
struct Entry {
    /// None after it was removed.
    control: Option<ControlKey>,
    named: Option<CompactString>,
    dirty: bool,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) connection: ConnectionId,
    /// The `Id` as JSON, as the client wrote it.
    pub(crate) id: CompactString,
    entries: Vec<Entry>,
    known: HashMap<(ControlKey, Option<CompactString>), u32>,
    /// Controls that are here under a Named Control's name. They hide the same controls under their own names.
    named: HashSet<ControlKey>,
    dirty: Vec<u32>,
    pub(crate) auto_poll: Option<AutoPoll>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct AutoPoll {
    pub(crate) rate: Duration,
    pub(crate) next: Duration,
}

/// All change groups of a Core.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: Vec<Option<Group>>,
    free: Vec<u32>,
    by_id: HashMap<(ConnectionId, CompactString), u32>,
    /// For each control the entries that show it.
    watchers: Vec<Vec<(u32, u32)>>,
}

impl Groups {
    pub(crate) fn new(controls: usize) -> Groups {
        Groups {
            watchers: vec![Vec::new(); controls],
            ..Groups::default()
        }
    }

    pub(crate) fn find(&self, connection: ConnectionId, id: &str) -> Option<GroupSlot> {
        self.by_id
            .get(&(connection, id.into()))
            .copied()
            .map(GroupSlot)
    }

    pub(crate) fn count(&self, connection: ConnectionId) -> usize {
        self.iter()
            .filter(|(_, group)| group.connection == connection)
            .count()
    }

    pub(crate) fn create(&mut self, connection: ConnectionId, id: &str) -> GroupSlot {
        let group = Group {
            connection,
            id: id.into(),
            entries: Vec::new(),
            known: HashMap::new(),
            named: HashSet::new(),
            dirty: Vec::new(),
            auto_poll: None,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.groups.push(None);
            self.groups.len() as u32 - 1
        });
        self.groups[slot as usize] = Some(group);
        self.by_id.insert((connection, id.into()), slot);
        GroupSlot(slot)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (GroupSlot, &Group)> {
        let slots = self.groups.iter().enumerate();
        slots.filter_map(|(slot, group)| Some((GroupSlot(slot as u32), group.as_ref()?)))
    }

    pub(crate) fn get_mut(&mut self, slot: GroupSlot) -> &mut Group {
        self.groups[slot.0 as usize]
            .as_mut()
            .expect("slots are handed out for living groups")
    }

    /// Adds a control; marks one that is already there as changed.
    pub(crate) fn add(
        &mut self,
        slot: GroupSlot,
        control: ControlKey,
        named: Option<CompactString>,
    ) {
        let group = self.groups[slot.0 as usize]
            .as_mut()
            .expect("slots are handed out for living groups");
        if named.is_some() {
            group.named.insert(control);
        }
        let next = group.entries.len() as u32;
        let entry = *group.known.entry((control, named.clone())).or_insert(next);
        if entry == next {
            group.entries.push(Entry {
                control: Some(control),
                named,
                dirty: false,
            });
            self.watchers[control.0 as usize].push((slot.0, entry));
        }
        group.mark(entry);
    }

    /// Removes a Named Control. False: it was not there.
    pub(crate) fn remove(&mut self, slot: GroupSlot, control: ControlKey, named: &str) -> bool {
        let group = self.groups[slot.0 as usize]
            .as_mut()
            .expect("slots are handed out for living groups");
        let Some(entry) = group.known.remove(&(control, Some(named.into()))) else {
            return false;
        };
        group.entries[entry as usize].control = None;
        group.named.remove(&control);
        self.watchers[control.0 as usize].retain(|watcher| *watcher != (slot.0, entry));
        true
    }

    /// Empties a group.
    pub(crate) fn clear(&mut self, slot: GroupSlot) {
        let group = self.groups[slot.0 as usize]
            .as_mut()
            .expect("slots are handed out for living groups");
        for entry in group.entries.drain(..) {
            if let Some(control) = entry.control {
                self.watchers[control.0 as usize].retain(|(watcher, _)| *watcher != slot.0);
            }
        }
        group.known.clear();
        group.named.clear();
        group.dirty.clear();
    }

    pub(crate) fn destroy(&mut self, slot: GroupSlot) {
        self.clear(slot);
        if let Some(group) = self.groups[slot.0 as usize].take() {
            self.by_id.remove(&(group.connection, group.id));
            self.free.push(slot.0);
        }
    }

    pub(crate) fn destroy_all_of(&mut self, connection: ConnectionId) {
        let slots: Vec<GroupSlot> = self
            .iter()
            .filter(|(_, group)| group.connection == connection)
            .map(|(slot, _)| slot)
            .collect();
        for slot in slots {
            self.destroy(slot);
        }
    }

    /// Marks every changed control in the groups that show it, and passes it to `seen`.
    pub(crate) fn spread(&mut self, table: &mut Table, mut seen: impl FnMut(ControlKey)) {
        table.take_changed(|control| {
            seen(control);
            for &(slot, entry) in &self.watchers[control.0 as usize] {
                if let Some(group) = &mut self.groups[slot as usize] {
                    group.mark(entry);
                }
            }
        });
    }
}

impl Group {
    fn mark(&mut self, entry: u32) {
        let known = &mut self.entries[entry as usize];
        if !known.dirty {
            known.dirty = true;
            self.dirty.push(entry);
        }
    }

    /// Marks all controls as changed.
    pub(crate) fn invalidate(&mut self) {
        for entry in 0..self.entries.len() as u32 {
            self.mark(entry);
        }
    }

    /// Passes the changed controls to `each`, in the order in which they were added, and unmarks them.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(ControlKey, Option<&str>)) {
        self.dirty.sort_unstable();
        for index in self.dirty.drain(..) {
            let entry = &mut self.entries[index as usize];
            entry.dirty = false;
            let Some(control) = entry.control else {
                continue;
            };
            if entry.named.is_none() && self.named.contains(&control) {
                continue;
            }
            each(control, entry.named.as_deref());
        }
    }
}
