//! What a Core is at one moment: its design, its controls, its connections, and what they asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use super::banks::Banks;
use super::pages::Pages;
use crate::cell::Author;
use crate::design::Design;
use crate::groups::{ConnectionId, Groups};
use crate::options::CoreOptions;
use crate::script::{Controls, Script};
use crate::table::Table;

/// Whether a Core runs its design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoreState {
    /// No design runs.
    Idle,
    /// This Core runs the design.
    Active,
    /// The other Core of the pair runs the design.
    Standby,
}

impl CoreState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            CoreState::Idle => "Idle",
            CoreState::Active => "Active",
            CoreState::Standby => "Standby",
        }
    }
}

/// What a Core has counted since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CoreStats {
    /// Connections that are open now.
    pub connections: usize,
    /// All connections ever accepted.
    pub accepted: u64,
    /// All requests received.
    pub requests: u64,
    /// All writes that altered a control, by clients and scripts.
    pub changes: u64,
    /// AutoPoll pushes handed to connections, including empty ones.
    pub pushes: u64,
    /// AutoPoll pushes held back because a connection had not taken its earlier output.
    pub held_back: u64,
}

#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) logged_on: bool,
}

pub(crate) struct Engine {
    pub(super) design: Design,
    pub(super) options: CoreOptions,
    pub(super) state: CoreState,
    pub(super) status: (u8, compact_str::CompactString),
    pub(super) table: Table,
    pub(super) groups: Groups,
    pub(super) banks: Banks,
    pub(super) pages: Pages,
    /// Notifications to send after the reply to the call that caused them.
    pub(super) after_reply: Vec<(ConnectionId, Vec<u8>)>,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    pub(super) scripts: Vec<Box<dyn Script>>,
    pub(super) next_connection: u64,
    pub(super) next_frame: Option<Duration>,
    pub(super) now: Duration,
    pub(super) stats: CoreStats,
}

impl Engine {
    pub(crate) fn new(design: Design, options: CoreOptions) -> Engine {
        let table = Table::new(&design, options.points.logarithmic_frequency);
        Engine {
            state: CoreState::Active,
            status: options.status.clone(),
            groups: Groups::new(table.len()),
            banks: Banks::new(&design, &table),
            pages: Pages::default(),
            after_reply: Vec::new(),
            table,
            connections: BTreeMap::new(),
            scripts: Vec::new(),
            next_connection: 1,
            next_frame: None,
            now: Duration::ZERO,
            stats: CoreStats::default(),
            design,
            options,
        }
    }

    pub(crate) fn stats(&self) -> CoreStats {
        CoreStats {
            connections: self.connections.len(),
            changes: self.table.alterations(),
            ..self.stats
        }
    }

    pub(crate) fn state(&self) -> CoreState {
        self.state
    }

    pub(crate) fn controls(&mut self) -> Controls<'_> {
        Controls::new(&mut self.table, Author::InProcess)
    }

    pub(crate) fn set_now(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.table.set_now(self.now);
    }

    /// Sends a notification after the reply to the present call.
    pub(super) fn later(&mut self, connection: ConnectionId, frame: Vec<u8>) {
        self.after_reply.push((connection, frame));
    }
}
