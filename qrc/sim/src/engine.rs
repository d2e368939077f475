//! The Core without sockets: requests in, replies and pushes out, on a clock that the caller moves.

mod call;
mod change_group;
mod component;
mod control;
mod life;
mod loop_player;
mod mixer;
mod paging;
mod session;
mod snapshot;
mod time;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cell::Author;
use crate::design::Design;
use crate::groups::{ConnectionId, Groups};
use crate::options::{CoreOptions, Standby};
use crate::script::{Controls, Script};
use crate::table::Table;
pub(super) use call::Outlet;
use call::{Answer, Call, Refusal, Request};
pub(super) use life::Estate;
use paging::Pages;
use snapshot::Banks;

/// Whether a Core runs its design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoreState {
    /// No design runs.
    Idle,
    /// The design runs here.
    Active,
    /// The other Core of the pair runs the design.
    Standby,
}

impl CoreState {
    fn as_str(self) -> &'static str {
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
    /// Connections open now.
    pub connections: usize,
    /// Connections ever accepted.
    pub accepted: u64,
    /// Requests received.
    pub requests: u64,
    /// Writes that altered a control, whoever made them.
    pub changes: u64,
    /// AutoPoll pushes handed to connections, empty ones included.
    pub pushes: u64,
    /// AutoPoll ticks held back because the connection had not taken the output before.
    pub held_back: u64,
}

#[derive(Debug, Default)]
struct Connection {
    logged_on: bool,
}

pub(super) struct Engine {
    design: Design,
    options: CoreOptions,
    state: CoreState,
    status: (u8, compact_str::CompactString),
    table: Table,
    groups: Groups,
    banks: Banks,
    pages: Pages,
    /// Notifications that follow the reply to the call that caused them.
    after_reply: Vec<(ConnectionId, Vec<u8>)>,
    connections: BTreeMap<ConnectionId, Connection>,
    scripts: Vec<Box<dyn Script>>,
    next_connection: u64,
    next_frame: Option<Duration>,
    now: Duration,
    stats: CoreStats,
}

impl Engine {
    pub(super) fn new(design: Design, options: CoreOptions) -> Engine {
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

    pub(super) fn stats(&self) -> CoreStats {
        CoreStats {
            connections: self.connections.len(),
            changes: self.table.alterations(),
            ..self.stats
        }
    }

    pub(super) fn state(&self) -> CoreState {
        self.state
    }

    pub(super) fn controls(&mut self) -> Controls<'_> {
        Controls::new(&mut self.table, Author::InProcess)
    }

    pub(super) fn set_now(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.table.set_now(self.now);
    }

    /// A connection came in; None when there are too many.
    pub(super) fn admit(&mut self, now: Duration) -> Option<ConnectionId> {
        self.set_now(now);
        if self.connections.len() >= self.options.connection_limit {
            return None;
        }
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        self.stats.accepted += 1;
        self.connections.insert(connection, Connection::default());
        Some(connection)
    }

    /// The first frame on every connection.
    pub(super) fn greet(&mut self, connection: ConnectionId, outlet: &mut dyn Outlet) {
        outlet.send(connection, self.engine_status());
    }

    /// A connection ended: everything that belonged to it goes.
    pub(super) fn disconnect(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
        self.groups.destroy_all_of(connection);
        self.forget_pages_of(connection);
    }

    /// Does what one frame asks for. Frames of blanks only are skipped.
    pub(super) fn receive(
        &mut self,
        now: Duration,
        connection: ConnectionId,
        frame: &[u8],
        outlet: &mut dyn Outlet,
    ) {
        self.set_now(now);
        if frame.iter().all(u8::is_ascii_whitespace) || !self.connections.contains_key(&connection)
        {
            return;
        }
        self.stats.requests += 1;
        let request = match Request::read(frame, &self.options.points) {
            Ok(request) => request,
            Err(Some(refusal)) => return outlet.send(connection, refusal.frame(None)),
            Err(None) => return,
        };
        let mut frame = b"{\"jsonrpc\":\"2.0\",\"result\":".to_vec();
        if request.method == "Logon" && self.options.points.logon_says_response {
            frame = b"{\"jsonrpc\":\"2.0\",\"response\":".to_vec();
        }
        let call = Call {
            connection,
            params: request.params,
        };
        let answer = match self.gate(connection, &request) {
            Ok(true) => self.dispatch(&request.method, call, &mut frame, outlet),
            Ok(false) => return,
            Err(refusal) => Err(refusal),
        };
        match (answer, request.id) {
            (Ok(answer), Some(id)) => {
                outlet.reply(connection, &request.method, answer.frame(frame, id));
            }
            (Err(refusal), Some(id)) => {
                outlet.reply(connection, &request.method, refusal.frame(Some(id)));
            }
            (Err(refusal), None) if self.options.points.errors_without_id => {
                outlet.send(connection, refusal.frame(None));
            }
            (_, None) => {}
        }
        for (connection, frame) in self.after_reply.drain(..) {
            outlet.send(connection, frame);
        }
    }

    /// Whether the Core hears this call now; Ok(false): it stays silent.
    fn gate(&self, connection: ConnectionId, request: &Request<'_>) -> Result<bool, Refusal> {
        let points = &self.options.points;
        let open = matches!(request.method.as_ref(), "NoOp" | "StatusGet");
        let logon = request.method == "Logon";
        let logged_on = self
            .connections
            .get(&connection)
            .is_some_and(|known| known.logged_on);
        let guarded = !self.options.users.is_empty() && !self.options.is_emulator;
        let free = logon || (open && points.open_before_logon);
        if guarded && !logged_on && !free {
            return Err(Refusal::new(10, "Logon required"));
        }
        if self.state != CoreState::Active && !open && !logon {
            return match points.standby {
                Standby::Refuse => Err(Refusal::new(-32604, "Core is on Standby")),
                Standby::Silent => Ok(false),
            };
        }
        Ok(true)
    }

    fn dispatch(
        &mut self,
        method: &str,
        call: Call<'_>,
        out: &mut Vec<u8>,
        outlet: &mut dyn Outlet,
    ) -> Result<Answer, Refusal> {
        match method {
            "Logon" => self.logon(call),
            "NoOp" => Ok(Answer::Plain(self.options.points.no_op)),
            "StatusGet" => self.status_get(out),
            "Control.Get" => self.control_get(call, out),
            "Control.Set" => self.control_set(call, out),
            "Component.GetComponents" => self.get_components(out),
            "Component.GetControls" => self.get_controls(call, out),
            "Component.Get" => self.component_get(call, out),
            "Component.Set" => self.component_set(call, out),
            "ChangeGroup.AddControl" => self.add_control(call),
            "ChangeGroup.AddComponentControl" => self.add_component_control(call),
            "ChangeGroup.Remove" => self.remove_control(call, out),
            "ChangeGroup.Poll" => self.poll(call, out),
            "ChangeGroup.AutoPoll" => self.auto_poll(call, out),
            "ChangeGroup.Invalidate" => self.invalidate(call),
            "ChangeGroup.Clear" => self.clear(call),
            "ChangeGroup.Destroy" => self.destroy(call),
            "LoopPlayer.Start" => self.loop_player_start(call),
            "LoopPlayer.Stop" | "LoopPlayer.Cancel" => self.loop_player_stop(call),
            "Snapshot.Load" => self.snapshot_load(call),
            "Snapshot.Save" => self.snapshot_save(call),
            "PA.PageSubmit" => self.page_submit(call, out),
            "PA.PageStart" | "PA.PageStop" | "PA.PageCancel" | "PA.PageProceed" => {
                self.page_control(method, call, outlet)
            }
            "PA.ZoneStatusConfigure" => self.zone_status_configure(call, outlet),
            "PA.GetConfig" => self.paging_config(out),
            "PA.SourceWatchdog" => Ok(Answer::Plain(self.options.points.source_watchdog)),
            _ if method.starts_with("Mixer.")
                && let Some(answer) = self.mixer(method, call) =>
            {
                answer
            }
            _ => Err(Refusal::new(-32601, format!("method '{method}' not found"))),
        }
    }
}
