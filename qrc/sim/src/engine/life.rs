//! The life of a Core: scripts, restarts, deploys, failovers, and the EngineStatus that reports them.

use std::time::Duration;

use super::banks::Banks;
use super::call;
use super::state::{CoreState, Engine};
use crate::cell::Author;
use crate::design::Design;
use crate::groups::Groups;
use crate::number::push_text;
use crate::script::{Controls, Script};
use crate::sink::Sink;
use crate::table::{Table, Writable};

/// What one Core of a pair hands to the other.
pub(crate) struct Estate {
    scripts: Vec<Box<dyn Script>>,
    writable: Writable,
}

impl Engine {
    /// Adds a script and starts it, unless this Core stands by.
    pub(crate) fn add_script(&mut self, now: Duration, mut script: Box<dyn Script>) {
        self.set_now(now);
        self.table.listen(true);
        let author = Author::Script(self.scripts.len());
        if self.state == CoreState::Active {
            script.start(&mut Controls::new(&mut self.table, author));
        }
        self.scripts.push(script);
    }

    /// Restarts the Core: connections and groups end, indicators fall back, scripts start again. Texts and values that
    /// people set stay.
    pub(crate) fn restart(&mut self, now: Duration, sink: &mut dyn Sink) {
        self.set_now(now);
        for connection in std::mem::take(&mut self.connections).into_keys() {
            self.groups.destroy_all_of(connection);
            self.forget_pages_of(connection);
            sink.close(connection);
        }
        self.table.restart();
        self.start_scripts();
    }

    /// Deploys another design: connections end, and every control is new.
    pub(crate) fn deploy(&mut self, now: Duration, design: Design, sink: &mut dyn Sink) {
        self.set_now(now);
        for connection in std::mem::take(&mut self.connections).into_keys() {
            self.forget_pages_of(connection);
            sink.close(connection);
        }
        self.table = Table::new(&design, self.options.points.logarithmic_frequency);
        self.table.set_now(self.now);
        self.groups = Groups::new(self.table.len());
        self.banks = Banks::new(&design, &self.table);
        self.design = design;
        self.start_scripts();
    }

    fn start_scripts(&mut self) {
        self.table.listen(!self.scripts.is_empty());
        for (index, script) in self.scripts.iter_mut().enumerate() {
            script.start(&mut Controls::new(&mut self.table, Author::Script(index)));
        }
    }

    /// Hands the design to the other Core of a pair and stands by.
    pub(crate) fn retire(&mut self, sink: &mut dyn Sink) -> Estate {
        self.set_state(CoreState::Standby, sink);
        Estate {
            scripts: std::mem::take(&mut self.scripts),
            writable: self.table.writable(),
        }
    }

    /// Runs the design from now on. Read Only controls start anew, because a pair does not keep them in step.
    pub(crate) fn take_over(&mut self, now: Duration, estate: Estate, sink: &mut dyn Sink) {
        self.set_now(now);
        self.table.restart();
        self.table.adopt(estate.writable);
        self.scripts = estate.scripts;
        self.set_state(CoreState::Active, sink);
        self.start_scripts();
    }

    /// Sets the `Status` and sends it to every connection.
    pub(crate) fn set_status(&mut self, code: u8, text: &str, sink: &mut dyn Sink) {
        self.status = (code, text.into());
        self.send_status(sink);
    }

    /// Changes between Active, Standby and Idle. A Core that is no longer active drops its groups.
    pub(crate) fn set_state(&mut self, state: CoreState, sink: &mut dyn Sink) {
        if self.state == state {
            return;
        }
        self.state = state;
        if state != CoreState::Active {
            for connection in self.connections.keys() {
                self.groups.destroy_all_of(*connection);
            }
        }
        self.send_status(sink);
    }

    fn send_status(&mut self, sink: &mut dyn Sink) {
        let frame = self.engine_status();
        for connection in self.connections.keys() {
            sink.send(*connection, frame.clone());
        }
    }

    pub(super) fn engine_status(&self) -> Vec<u8> {
        let mut frame = b"{\"jsonrpc\":\"2.0\",\"method\":\"EngineStatus\",\"params\":".to_vec();
        self.write_status(&mut frame);
        frame.push(b'}');
        call::finish(frame)
    }

    pub(super) fn write_status(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, name: &str, value: &str| {
            out.extend_from_slice(format!("\"{name}\":").as_bytes());
            push_text(out, value);
            out.push(b',');
        };
        out.push(b'{');
        text(out, "Platform", &self.options.platform);
        text(out, "State", self.state.as_str());
        text(out, "DesignName", &self.design.name);
        text(out, "DesignCode", &self.design.code);
        let (redundant, emulator) = (self.options.is_redundant, self.options.is_emulator);
        out.extend_from_slice(
            format!(
                "\"IsRedundant\":{redundant},\"IsEmulator\":{emulator},\"Status\":{{\"Code\":{},\"String\":",
                self.status.0
            )
            .as_bytes(),
        );
        push_text(out, &self.status.1);
        out.extend_from_slice(b"}}");
    }
}
