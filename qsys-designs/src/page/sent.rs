//! What one page was sent, so that only what differs from it goes out.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use crate::host::ControlState;
use crate::panel::PanelView;

/// The states that a page has been sent, by control.
#[derive(Debug, Default)]
pub(super) struct Sent(HashMap<String, ControlState>);

impl Sent {
    /// The drawn controls that changed since the last call, as the page reads them. The first time, all.
    pub(super) fn changes(
        &mut self,
        view: &PanelView,
        drawn: &HashMap<String, bool>,
    ) -> Map<String, Json> {
        let mut changes = Map::new();
        view.visit(|state| {
            if !drawn.contains_key(&state.name) {
                return;
            }
            match self.0.get_mut(&state.name) {
                Some(sent) if looks_the_same(sent, state) => return,
                Some(sent) => sent.clone_from(state),
                None => {
                    self.0.insert(state.name.clone(), state.clone());
                }
            }
            changes.insert(state.name.clone(), document(state));
        });
        changes
    }
}

fn looks_the_same(a: &ControlState, b: &ControlState) -> bool {
    a.value == b.value && a.string == b.string && a.position == b.position && a.look == b.look
}

/// What is left out is empty or false.
fn document(state: &ControlState) -> Json {
    let look = &state.look;
    let mut document = json!({
        "value": state.value,
        "string": state.string,
        "position": state.position,
    });
    let more = [
        ("choices", !look.choices.is_empty(), json!(look.choices)),
        ("color", !look.color.is_empty(), json!(look.color)),
        ("legend", !look.legend.is_empty(), json!(look.legend)),
        ("disabled", look.disabled, json!(true)),
        ("invisible", look.invisible, json!(true)),
        ("indeterminate", look.indeterminate, json!(true)),
    ];
    for (name, is_set, value) in more {
        if is_set {
            document[name] = value;
        }
    }
    document
}
