//! What people do on a panel: press, drag, type, choose. Checked as a real panel checks it.

use qrc_sim::Controls;
use serde::Deserialize;

use super::view::PanelView;
use crate::host::Shape;

/// One act on one control.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelAct {
    /// Press a trigger, flip a toggle.
    Press,
    /// Type a text or choose an entry.
    Text(String),
    /// Set a number.
    Value(f64),
    /// Drag to a place in the range, 0 to 1.
    Position(f64),
}

/// Why an act was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PanelActError {
    /// There is no such control.
    #[error("the panel has no control `{0}`")]
    Unknown(String),
    /// Only the plugin writes it.
    #[error("`{0}` is an indicator: only the plugin writes it")]
    Indicator(String),
    /// The plugin has switched it off for now.
    #[error("`{0}` is disabled at the moment")]
    Disabled(String),
    /// The act does not fit the control.
    #[error("`{0}` cannot be {1}")]
    Unfit(String, &'static str),
}

/// Acts on a control of the plugin under `code_name`; its handler runs in the next frame.
pub fn act_on_panel(
    core: &mut Controls<'_>,
    code_name: &str,
    view: &PanelView,
    control: &str,
    act: &PanelAct,
) -> Result<(), PanelActError> {
    let unknown = || PanelActError::Unknown(control.into());
    let state = view.control(control).ok_or_else(unknown)?;
    let key = core.lookup(code_name, control).ok_or_else(unknown)?;
    if state.indicator {
        return Err(PanelActError::Indicator(control.into()));
    }
    if state.look.disabled || state.look.invisible {
        return Err(PanelActError::Disabled(control.into()));
    }
    match (act, &state.shape) {
        (PanelAct::Press, Shape::Trigger) => core.trigger(key),
        (PanelAct::Press, Shape::Boolean) => {
            let on = core.boolean(key);
            core.set_bool(key, !on);
        }
        (PanelAct::Press, _) => return Err(PanelActError::Unfit(control.into(), "pressed")),
        (PanelAct::Text(text), Shape::Text) => {
            core.set_string(key, text);
        }
        (PanelAct::Text(_), _) => return Err(PanelActError::Unfit(control.into(), "typed into")),
        (PanelAct::Value(value), Shape::Number { .. } | Shape::Boolean) => {
            core.set_value(key, *value);
        }
        (PanelAct::Position(position), Shape::Number { .. }) => {
            core.set_position(key, *position);
        }
        (PanelAct::Value(_) | PanelAct::Position(_), _) => {
            return Err(PanelActError::Unfit(control.into(), "set to a number"));
        }
    }
    Ok(())
}
