//! Snapshot.Load and Save, and the `load.N` and `save.N` controls of snapshot controllers.

use std::time::Duration;

use serde::Deserialize;

use super::banks::SavedValue;
use super::call::{Answer, Call, Refusal};
use super::state::Engine;
use crate::cell::{Author, ControlKey, Write};
use crate::options::Reply;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Params {
    name: String,
    bank: i64,
    #[serde(default)]
    ramp: Option<f64>,
}

impl Engine {
    pub(super) fn snapshot_load(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: Params = call.read()?;
        let (bank, number) = self.find_snapshot(&wanted)?;
        let ramp = wanted
            .ramp
            .filter(|ramp| *ramp > 0.0)
            .unwrap_or(0.0)
            .min(31_536_000.0);
        self.load(bank, number, Duration::from_secs_f64(ramp));
        Ok(Answer::Plain(Reply::True))
    }

    pub(super) fn snapshot_save(&mut self, call: Call<'_>) -> Result<Answer, Refusal> {
        let wanted: Params = call.read()?;
        let (bank, number) = self.find_snapshot(&wanted)?;
        self.save(bank, number);
        Ok(Answer::Plain(Reply::True))
    }

    fn find_snapshot(&self, wanted: &Params) -> Result<(usize, usize), Refusal> {
        let code = self.options.points.snapshot_error;
        let refuse = |problem: String| Err(Refusal::new(code, problem));
        let found = self
            .banks
            .banks
            .iter()
            .position(|bank| bank.name == wanted.name);
        let Some(bank) = found else {
            return refuse(format!("snapshot bank '{}' does not exist", wanted.name));
        };
        let count = self.banks.banks[bank].saved.len();
        match usize::try_from(wanted.bank) {
            Ok(number) if (1..=count).contains(&number) => Ok((bank, number - 1)),
            _ => refuse(format!(
                "snapshot {} of '{}': 1 to {count} expected",
                wanted.bank, wanted.name
            )),
        }
    }

    /// Puts the saved values back. A snapshot that was never saved changes nothing.
    fn load(&mut self, bank: usize, number: usize, ramp: Duration) {
        let bank = &mut self.banks.banks[bank];
        let Some(saved) = &bank.saved[number] else {
            return;
        };
        for (key, held) in bank.controls.iter().zip(saved) {
            let write = match held {
                SavedValue::Number(value) => Write::Number(f64::from(*value)),
                SavedValue::Text(text) => Write::Text(text),
            };
            let _ = self.table.ramp(*key, write, ramp, Author::InProcess);
        }
        for lamp in bank.lamps.iter().flatten() {
            let _ = self
                .table
                .write(*lamp, Write::Number(0.0), Author::InProcess);
        }
        bank.loaded = Some(number);
        self.banks.compare(&mut self.table);
    }

    fn save(&mut self, bank: usize, number: usize) {
        let bank = &mut self.banks.banks[bank];
        let held = bank
            .controls
            .iter()
            .map(|key| SavedValue::of(&self.table, *key));
        bank.saved[number] = Some(held.collect());
    }

    /// A press on a control. On a snapshot controller it loads or saves.
    pub(super) fn pressed(&mut self, key: ControlKey) {
        let cell = self.table.cell(key);
        let component = &self.table.components[cell.component].name;
        let bank = self
            .banks
            .banks
            .iter()
            .position(|bank| bank.name == *component);
        let (Some(bank), Some((verb, number))) = (bank, cell.spec.name.split_once('.')) else {
            return;
        };
        let number = match number.parse::<usize>() {
            Ok(number) if (1..=self.banks.banks[bank].saved.len()).contains(&number) => number - 1,
            _ => return,
        };
        match verb {
            "load" => self.load(bank, number, Duration::ZERO),
            "save" => self.save(bank, number),
            _ => {}
        }
    }
}
