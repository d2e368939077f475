//! The plugin's component: finds its controls in the design and writes its mailbox.

use std::collections::VecDeque;

use contract::control::{ACK, HEARTBEAT, REQUEST, STATE, VERSION};
use contract::{Ack, State};
use qrc::method::component::{Set, SetControl};
use qrc::{ControlId, Inventory, Value};

use super::heartbeat::Heartbeat;
use super::mailbox;
use crate::moment;
use crate::qsys_core::Core;

/// Answers kept while the Core is slow. If one is lost, the plugin's own time-out ends the wait.
const MOST_ACKS: usize = 16;

/// The agent's side of the mailbox.
pub(super) struct Component {
    code_name: String,
    request: Option<ControlId>,
    version: Option<ControlId>,
    shown: Option<State>,
    seq: u64,
    heartbeat: Heartbeat,
    /// Answers that are not written yet, the oldest first.
    acks: VecDeque<Ack>,
}

impl Component {
    pub(super) fn new(code_name: &str) -> Self {
        Self {
            code_name: code_name.to_owned(),
            request: None,
            version: None,
            shown: None,
            seq: 0,
            heartbeat: Heartbeat::new(),
            acks: VecDeque::new(),
        }
    }

    /// Looks for the plugin in a design.
    pub(super) fn find(&mut self, design: &Inventory) {
        let find = |name: &str| {
            let mut controls = design.controls.iter();
            let found = controls.position(|control| control.present && control.name.name == name);
            found.and_then(|at| u32::try_from(at).ok()).map(ControlId)
        };
        self.request = find(REQUEST);
        self.version = find(VERSION);
        self.shown = None;
    }

    /// True where the design holds the plugin.
    pub(super) fn is_there(&self) -> bool {
        self.request.is_some()
    }

    pub(super) fn is_request(&self, control: ControlId) -> bool {
        self.request == Some(control)
    }

    pub(super) fn is_version(&self, control: ControlId) -> bool {
        self.version == Some(control)
    }

    /// Writes everything again: the Core may have forgotten it.
    pub(super) fn write_anew(&mut self) {
        self.shown = None;
    }

    /// Takes an answer for the next write.
    pub(super) fn acknowledge(&mut self, ack: Ack) {
        if self.acks.len() == MOST_ACKS {
            self.acks.pop_front();
        }
        self.acks.push_back(ack);
    }

    /// Writes in one call the state if it changed, the heartbeat if it is due, and an answer if one
    /// waits. True if there was something to write.
    pub(super) async fn publish(&mut self, core: &Core, state: &State) -> bool {
        if !self.is_there() {
            return false;
        }
        let mut writes = Vec::new();
        let with_state = self.shown.as_ref() != Some(state);
        if with_state {
            let text = mailbox::wire(state, self.seq + 1, moment::now());
            writes.push((STATE, Value::Text(text.into())));
        }
        if let Some(beat) = self.heartbeat.due() {
            writes.push((HEARTBEAT, beat));
        }
        if let Some(ack) = self.acks.front() {
            writes.push((ACK, Value::Text(mailbox::ack_wire(ack).into())));
        }
        if writes.is_empty() {
            return false;
        }
        if self.write(core, writes).await {
            self.acks.pop_front();
            if with_state {
                self.seq += 1;
                self.shown = Some(state.clone());
            }
        }
        true
    }

    /// One Component.Set. A Core that refuses or is slow costs the panel, not the recording.
    async fn write(&self, core: &Core, controls: Vec<(&'static str, Value)>) -> bool {
        let controls = controls.into_iter();
        let controls = controls.map(|(name, value)| SetControl::value(name, value));
        let set = Set::new(self.code_name.as_str(), controls.collect());
        match core.call(&set).await {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!("panel: not written: {error}");
                false
            }
        }
    }
}
