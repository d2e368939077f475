//! Any plugin placed in a design, as dragging it into the schematic does.

use qrc_sim::Design;

use crate::component::plugin_component;
use crate::host::{HostError, RuntimeOptions};
use crate::panel::{Panel, PanelView};
use crate::plugin::PluginHost;

/// A plugin that has become a component of a design.
pub struct Placed {
    /// Runs it: for `Core::add_script`.
    pub host: PluginHost,
    /// What its panel looks like.
    pub panel: Panel,
    /// The live state behind the panel.
    pub view: PanelView,
}

/// Adds the plugin of that text to the design, in place of a component of the same name. Errors are Designer's.
pub fn place_plugin(
    design: &mut Design,
    code_name: &str,
    source: &str,
) -> Result<Placed, HostError> {
    let options = RuntimeOptions {
        design: (design.name.to_string(), design.code.to_string()),
        ..RuntimeOptions::default()
    };
    let (host, definition) = PluginHost::plugin(code_name, source, options)?;
    design.components.retain(|c| c.name != code_name);
    let component = plugin_component(code_name, source, &definition);
    design.components.push(component);
    Ok(Placed {
        panel: Panel::of(&definition),
        view: host.view(),
        host,
    })
}
