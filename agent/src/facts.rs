//! What the running parts know of themselves, gathered for the status; each fact has one writer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::plugin::Plugin;

/// Facts about the recording and the panel.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Everything that is watched has been read, and changes flow.
    complete: AtomicBool,
    controls: AtomicUsize,
    components: AtomicUsize,
    panel: Mutex<PanelState>,
    named_controls: AtomicUsize,
    plugin: Mutex<Option<Plugin>>,
}

/// Whether the design holds the plugin's component.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PanelState {
    #[default]
    Unknown,
    Found,
    Absent,
}

impl PanelState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Found => "found",
            Self::Absent => "absent",
        }
    }
}

impl Facts {
    pub(crate) fn set_complete(&self, complete: bool) {
        self.complete.store(complete, Ordering::Relaxed);
    }

    pub(crate) fn complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }

    pub(crate) fn set_inventory(&self, inventory: &qrc::Inventory) {
        self.controls
            .store(inventory.controls.len(), Ordering::Relaxed);
        self.components
            .store(inventory.components.len(), Ordering::Relaxed);
    }

    pub(crate) fn controls(&self) -> usize {
        self.controls.load(Ordering::Relaxed)
    }

    pub(crate) fn components(&self) -> usize {
        self.components.load(Ordering::Relaxed)
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

    /// The plugin as it was last seen.
    pub(crate) fn plugin(&self) -> Option<Plugin> {
        self.plugin.lock().ok()?.clone()
    }

    pub(crate) fn panel(&self) -> PanelState {
        self.panel.lock().map(|panel| *panel).unwrap_or_default()
    }
}
