//! The Core without sockets: requests in, replies and pushes out, on a clock that the caller moves.

mod call;
mod change_group;
mod component;
mod control;
mod loop_player;
mod mixer;
mod paging;
mod session;
mod snapshot;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use super::control::Direction;
use super::design::Design;
use super::groups::{ConnectionId, GroupSlot, Groups};
use super::number::push_text;
use super::options::{CoreOptions, PushShape, Standby};
use super::reading::push_reading;
use super::script::{Controls, Script};
use super::table::{Author, ControlEvent, ControlKey, Table, Writable};
use super::wall;
pub(super) use call::Outlet;
use call::{Answer, Call, Refusal, Request};
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

/// What goes from one Core of a pair to the other.
pub(super) struct Estate {
    scripts: Vec<Box<dyn Script>>,
    writable: Writable,
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

    /// When [`Engine::advance`] has something to do next.
    pub(super) fn next_wake(&mut self) -> Option<Duration> {
        if !self.scripts.is_empty() || self.table.is_ramping() {
            let next = self.now + self.options.frame;
            self.next_frame.get_or_insert(next);
        } else {
            self.next_frame = None;
        }
        let pushes = self
            .groups
            .iter()
            .filter_map(|(_, group)| Some(group.auto_poll?.next));
        pushes
            .chain(self.next_frame)
            .chain(self.next_page_step())
            .min()
    }

    /// Lets time pass: frames of scripts, steps of ramps, pushes that are due.
    pub(super) fn advance(&mut self, now: Duration, outlet: &mut dyn Outlet) {
        self.set_now(now);
        if self.next_frame.is_some_and(|due| due <= self.now) {
            self.run_frame();
            let due = self.next_frame.unwrap_or(self.now) + self.options.frame;
            // A Core that was held up does not run the frames it missed.
            self.next_frame = Some(if due <= self.now {
                self.now + self.options.frame
            } else {
                due
            });
        }
        let due: Vec<GroupSlot> = self
            .groups
            .iter()
            .filter(|(_, group)| group.auto_poll.is_some_and(|poll| poll.next <= self.now))
            .map(|(slot, _)| slot)
            .collect();
        self.advance_pages(outlet);
        if !due.is_empty() {
            self.spread();
        }
        for slot in due {
            self.push(slot, outlet);
        }
    }

    /// Moves writable numbers at random, so many times.
    pub(super) fn flood(&mut self, count: u32, random: &mut fastrand::Rng) {
        let mut controls = Controls::new(&mut self.table, Author::InProcess);
        let all = controls.all().len();
        for _ in 0..if all > 0 { count } else { 0 } {
            // Most designs are mostly gains; one that has few of them gets a thinner flood.
            let key = (0..64)
                .map(|_| ControlKey(random.u32(..all as u32)))
                .find(|key| {
                    let spec = controls.spec(*key);
                    spec.kind.is_continuous() && spec.direction == Direction::ReadWrite
                });
            if let Some(key) = key {
                controls.set_position(key, random.f64());
            }
        }
    }

    fn run_frame(&mut self) {
        self.table.advance_ramps();
        if self.scripts.is_empty() {
            return;
        }
        let events = self.table.take_events();
        let mut heard: Vec<ControlEvent> = Vec::with_capacity(events.len());
        for (index, script) in self.scripts.iter_mut().enumerate() {
            let author = Author::Script(index);
            heard.clear();
            heard.extend(
                events
                    .iter()
                    .filter(|(_, by)| *by != author)
                    .map(|(event, _)| event),
            );
            script.frame(
                &mut Controls::new(&mut self.table, author),
                self.now,
                &heard,
            );
        }
    }

    /// Marks what changed in the groups that show it.
    fn spread(&mut self) {
        let mut remembered = false;
        let Engine {
            groups,
            table,
            banks,
            ..
        } = self;
        groups.spread(table, |key| remembered |= banks.remembers(key));
        if remembered {
            self.banks.compare(&mut self.table);
            self.groups.spread(&mut self.table, |_| {});
        }
    }

    /// Sends a notification after the reply to the call under way.
    fn later(&mut self, connection: ConnectionId, frame: Vec<u8>) {
        self.after_reply.push((connection, frame));
    }

    /// Days since 1970 and seconds of the day, UTC.
    fn wall_clock(&self) -> (u64, f64) {
        wall::split(self.options.epoch, self.now)
    }

    /// One AutoPoll tick of one group.
    fn push(&mut self, slot: GroupSlot, outlet: &mut dyn Outlet) {
        let group = self.groups.get_mut(slot);
        let connection = group.connection;
        if let Some(poll) = &mut group.auto_poll {
            poll.next += poll.rate;
            if poll.next <= self.now {
                poll.next = self.now + poll.rate;
            }
        }
        if !outlet.has_room(connection) {
            self.stats.held_back += 1;
            return;
        }
        let (frame, count) = self.push_frame(slot);
        if count > 0 || self.options.points.empty_pushes {
            self.stats.pushes += 1;
            outlet.send(connection, frame);
        }
    }

    /// An AutoPoll push and how many changes it has.
    fn push_frame(&mut self, slot: GroupSlot) -> (Vec<u8>, usize) {
        let mut frame = match self.options.points.push_shape {
            PushShape::Params => {
                b"{\"jsonrpc\":\"2.0\",\"method\":\"ChangeGroup.Poll\",\"params\":".to_vec()
            }
            PushShape::Result => b"{\"jsonrpc\":\"2.0\",\"result\":".to_vec(),
        };
        let count = self.write_changes(slot, &mut frame);
        frame.push(b'}');
        (call::finish(frame), count)
    }

    /// Appends `{"Id":…,"Changes":[…]}` and counts the changes; they are taken from the group.
    fn write_changes(&mut self, slot: GroupSlot, out: &mut Vec<u8>) -> usize {
        let Engine {
            groups,
            table,
            options,
            ..
        } = self;
        let group = groups.get_mut(slot);
        out.extend_from_slice(b"{\"Id\":");
        out.extend_from_slice(group.id.as_bytes());
        out.extend_from_slice(b",\"Changes\":[");
        let mut count = 0;
        group.drain(|control, named| {
            if count > 0 {
                out.push(b',');
            }
            count += 1;
            let cell = table.cell(control);
            let (name, component) = match named {
                Some(name) => (name, None),
                None => (
                    cell.spec.name.as_str(),
                    Some(table.components[cell.component].name.as_str()),
                ),
            };
            push_reading(out, table, &options.points, control, name, component);
        });
        out.extend_from_slice(b"]}");
        count
    }

    /// Adds a script and starts it, unless this Core stands by.
    pub(super) fn add_script(&mut self, now: Duration, mut script: Box<dyn Script>) {
        self.set_now(now);
        self.table.listen(true);
        let author = Author::Script(self.scripts.len());
        if self.state == CoreState::Active {
            script.start(&mut Controls::new(&mut self.table, author));
        }
        self.scripts.push(script);
    }

    /// Restarts the Core: indicators and groups are gone, scripts start again; texts and what people set stay.
    pub(super) fn restart(&mut self, now: Duration, outlet: &mut dyn Outlet) {
        self.set_now(now);
        for connection in std::mem::take(&mut self.connections).into_keys() {
            self.groups.destroy_all_of(connection);
            self.forget_pages_of(connection);
            outlet.close(connection);
        }
        self.table.restart();
        self.start_scripts();
    }

    /// Runs another design from now on, as after a deploy: connections are gone, every control is new.
    pub(super) fn deploy(&mut self, now: Duration, design: Design, outlet: &mut dyn Outlet) {
        self.set_now(now);
        for connection in std::mem::take(&mut self.connections).into_keys() {
            self.forget_pages_of(connection);
            outlet.close(connection);
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
    pub(super) fn retire(&mut self, outlet: &mut dyn Outlet) -> Estate {
        self.set_state(CoreState::Standby, outlet);
        Estate {
            scripts: std::mem::take(&mut self.scripts),
            writable: self.table.writable(),
        }
    }

    /// Runs the design from now on. Read Only controls start anew: a pair does not keep them in step.
    pub(super) fn take_over(&mut self, now: Duration, estate: Estate, outlet: &mut dyn Outlet) {
        self.set_now(now);
        self.table.restart();
        self.table.adopt(estate.writable);
        self.scripts = estate.scripts;
        self.set_state(CoreState::Active, outlet);
        self.start_scripts();
    }

    /// Changes the `Status` and tells every connection.
    pub(super) fn set_status(&mut self, code: u8, text: &str, outlet: &mut dyn Outlet) {
        self.status = (code, text.into());
        self.tell_status(outlet);
    }

    /// Changes between Active, Standby and Idle; the groups of a Core that is no longer active are gone.
    pub(super) fn set_state(&mut self, state: CoreState, outlet: &mut dyn Outlet) {
        if self.state == state {
            return;
        }
        self.state = state;
        if state != CoreState::Active {
            for connection in self.connections.keys() {
                self.groups.destroy_all_of(*connection);
            }
        }
        self.tell_status(outlet);
    }

    fn tell_status(&mut self, outlet: &mut dyn Outlet) {
        let frame = self.engine_status();
        for connection in self.connections.keys() {
            outlet.send(*connection, frame.clone());
        }
    }

    fn engine_status(&self) -> Vec<u8> {
        let mut frame = b"{\"jsonrpc\":\"2.0\",\"method\":\"EngineStatus\",\"params\":".to_vec();
        self.write_status(&mut frame);
        frame.push(b'}');
        call::finish(frame)
    }

    fn write_status(&self, out: &mut Vec<u8>) {
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
