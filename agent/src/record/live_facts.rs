//! What the running agent knows of the design and the panel, for the status; each fact has one writer.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::qsys_core::Plugin;

/// Facts about the recording and the panel.
#[derive(Debug, Default)]
pub(crate) struct LiveFacts {
    /// All watched controls have been read, and changes are coming in.
    complete: AtomicBool,
    /// The design as it was last read: components with their types, controls with type, direction and range.
    inventory: Mutex<Arc<qrc::Inventory>>,
    panel: Mutex<PanelState>,
    named_controls: AtomicUsize,
    plugin: Mutex<Option<Plugin>>,
}

/// Whether the design holds the plugin's component.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PanelState {
    #[default]
    Unknown,
    Found,
    Absent,
}

impl fmt::Display for PanelState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Found => "found",
            Self::Absent => "absent",
        })
    }
}

impl LiveFacts {
    pub(crate) fn set_complete(&self, complete: bool) {
        self.complete.store(complete, Ordering::Relaxed);
    }

    pub(crate) fn complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }

    pub(crate) fn set_inventory(&self, inventory: Arc<qrc::Inventory>) {
        if let Ok(mut known) = self.inventory.lock() {
            *known = inventory;
        }
    }

    /// The design as it was last read.
    pub(crate) fn inventory(&self) -> Arc<qrc::Inventory> {
        self.inventory
            .lock()
            .map(|known| known.clone())
            .unwrap_or_default()
    }

    /// How many controls are watched.
    pub(crate) fn controls(&self) -> usize {
        self.inventory().controls.len()
    }

    /// How many components the design shows.
    #[cfg(feature = "demo")]
    pub(crate) fn components(&self) -> usize {
        self.inventory().components.len()
    }

    pub(crate) fn set_panel(&self, state: PanelState) {
        if let Ok(mut panel) = self.panel.lock() {
            *panel = state;
        }
    }

    pub(crate) fn set_named_controls(&self, count: usize) {
        self.named_controls.store(count, Ordering::Relaxed);
    }

    /// How many of the design's Named Controls show the status or ask for something.
    pub(crate) fn named_controls(&self) -> usize {
        self.named_controls.load(Ordering::Relaxed)
    }

    pub(crate) fn set_plugin(&self, plugin: Plugin) {
        if let Ok(mut known) = self.plugin.lock() {
            *known = Some(plugin);
        }
    }

    /// The plugin, as last seen.
    pub(crate) fn plugin(&self) -> Option<Plugin> {
        self.plugin.lock().ok()?.clone()
    }

    pub(crate) fn panel(&self) -> PanelState {
        self.panel.lock().map(|panel| *panel).unwrap_or_default()
    }
}
