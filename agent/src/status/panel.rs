//! The panel: whether the design has the plugin or Named Controls that show the status.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::record::PanelState;
use crate::settings::Settings;

/// The plugin's component, and the Named Controls that stand in for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Panel {
    pub(crate) component: String,
    pub(crate) state: PanelState,
    /// How many plain Named Controls show the status or ask for something.
    pub(crate) named_controls: usize,
}

impl Panel {
    pub(super) fn unknown(settings: &Settings) -> Self {
        Self {
            component: settings.panel.code_name.clone(),
            ..Self::default()
        }
    }

    pub(super) fn of_agent(context: &Context) -> Self {
        Self {
            state: context.live_facts.panel(),
            named_controls: context.live_facts.named_controls(),
            ..Self::unknown(context.settings())
        }
    }
}
