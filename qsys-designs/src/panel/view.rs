//! The live state of a running plugin's controls, for whoever draws its panel.

use std::sync::{Arc, Mutex, PoisonError};

use crate::host::{ControlState, SharedBank};

/// A handle on the controls of a plugin that runs in a Core. Follows the plugin over restarts.
#[derive(Debug, Clone, Default)]
pub struct PanelView(Arc<Mutex<SharedBank>>);

impl PanelView {
    /// All controls as they are now, with legend, choices, disabled and the like.
    pub fn controls(&self) -> Vec<ControlState> {
        self.bank().lock().all().to_vec()
    }

    /// One control.
    pub fn control(&self, name: &str) -> Option<ControlState> {
        let bank = self.bank();
        let bank = bank.lock();
        bank.find("", name).map(|index| bank.get(index).clone())
    }

    /// Shows every control to `look`, without copying any. The script waits meanwhile: be quick.
    pub(crate) fn visit(&self, look: impl FnMut(&ControlState)) {
        self.bank().lock().all().iter().for_each(look);
    }

    pub(crate) fn follow(&self, bank: SharedBank) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bank;
    }

    fn bank(&self) -> SharedBank {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
