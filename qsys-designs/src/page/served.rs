//! What the page shows, and what all its connections share.

use std::collections::HashMap;

use qrc_sim::Core;
use tokio_util::sync::CancellationToken;

use crate::panel::{Panel, PanelView};

/// A plugin that runs in a simulated Core, and what its panel looks like.
#[derive(Clone)]
pub struct Preview {
    /// The Core whose controls are pressed.
    pub core: Core,
    /// The plugin's component.
    pub code_name: String,
    /// What to draw.
    pub panel: Panel,
    /// The state behind it.
    pub view: PanelView,
}

/// What all connections share.
pub(super) struct Served {
    pub(super) preview: Preview,
    /// Name of each control that is drawn, and whether a finger may change it anywhere.
    pub(super) drawn: HashMap<String, bool>,
    pub(super) stop: CancellationToken,
}

impl Served {
    pub(super) fn new(preview: Preview, stop: CancellationToken) -> Self {
        Self {
            drawn: drawn(&preview.panel),
            preview,
            stop,
        }
    }
}

fn drawn(panel: &Panel) -> HashMap<String, bool> {
    let mut drawn = HashMap::new();
    for object in panel.pages.iter().flat_map(|page| &page.objects) {
        if let Some(control) = &object.control {
            *drawn.entry(control.name.clone()).or_default() |= !object.read_only;
        }
    }
    drawn
}
