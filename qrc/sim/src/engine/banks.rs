//! Snapshot banks: which controls each one remembers, what was saved, and which lamp shows it.

use std::collections::HashSet;

use compact_str::CompactString;

use crate::cell::{Author, ControlKey, Write};
use crate::design::Design;
use crate::table::Table;

/// The snapshot banks of a Core.
#[derive(Debug, Default)]
pub(super) struct Banks {
    pub(super) banks: Vec<Bank>,
    /// Every control that some bank remembers.
    pub(super) members: HashSet<ControlKey>,
}

#[derive(Debug)]
pub(super) struct Bank {
    pub(super) name: CompactString,
    pub(super) controls: Vec<ControlKey>,
    pub(super) saved: Vec<Option<Vec<SavedValue>>>,
    /// `load.N` of the snapshot controller of the same name: 0 not loaded, 1 changed since it was loaded, 2 unchanged.
    pub(super) lamps: Vec<Option<ControlKey>>,
    pub(super) loaded: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum SavedValue {
    Number(f32),
    Text(CompactString),
}

impl SavedValue {
    pub(super) fn of(table: &Table, key: ControlKey) -> SavedValue {
        let cell = table.cell(key);
        if cell.spec.kind.is_textual() {
            SavedValue::Text(cell.text())
        } else {
            SavedValue::Number(cell.value)
        }
    }
}

impl Banks {
    pub(super) fn new(design: &Design, table: &Table) -> Banks {
        let mut members = HashSet::new();
        let bank = |bank: &crate::design::SnapshotBank| {
            let controls: Vec<ControlKey> = (bank.controls.iter())
                .filter_map(|(component, control)| table.lookup(component, control))
                .collect();
            members.extend(controls.iter().copied());
            Bank {
                name: bank.name.clone(),
                controls,
                saved: vec![None; bank.count],
                lamps: (1..=bank.count)
                    .map(|number| table.lookup(&bank.name, &format!("load.{number}")))
                    .collect(),
                loaded: None,
            }
        };
        let banks = design.snapshot_banks.iter().map(bank).collect();
        Banks { banks, members }
    }

    pub(super) fn remembers(&self, key: ControlKey) -> bool {
        self.members.contains(&key)
    }

    /// Shows on the lamps whether the controls are still as they were loaded.
    pub(super) fn compare(&mut self, table: &mut Table) {
        for bank in &self.banks {
            let Some(number) = bank.loaded else { continue };
            let (Some(lamp), Some(saved)) = (bank.lamps[number], &bank.saved[number]) else {
                continue;
            };
            let same = bank
                .controls
                .iter()
                .zip(saved)
                .all(|(key, saved)| SavedValue::of(table, *key) == *saved);
            let _ = table.write(
                lamp,
                Write::Number(if same { 2.0 } else { 1.0 }),
                Author::InProcess,
            );
        }
    }
}
