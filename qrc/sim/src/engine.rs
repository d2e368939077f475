//! The Core without sockets: requests go in, replies and pushes come out. The caller moves its clock.

// Each knows only those above it.
mod call;

mod banks;
mod pages;

mod state;

mod page_steps;

mod snapshot;
mod time;

mod write;

mod component;

mod change_group;
mod control;
mod life;
mod loop_player;
mod mixer;
mod paging;
mod session;

use std::time::Duration;

use crate::groups::ConnectionId;
use crate::options::Standby;
use crate::sink::Sink;
use call::{Answer, Call, Refusal, Request};
pub(crate) use life::Estate;
use state::Connection;
pub(crate) use state::Engine;
pub use state::{CoreState, CoreStats};

impl Engine {
    /// Takes a new connection in. None: there are too many.
    pub(crate) fn admit(&mut self, now: Duration) -> Option<ConnectionId> {
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

    /// Sends the first frame of every connection.
    pub(crate) fn greet(&mut self, connection: ConnectionId, sink: &mut dyn Sink) {
        sink.send(connection, self.engine_status());
    }

    /// Ends a connection and everything that belongs to it.
    pub(crate) fn disconnect(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
        self.groups.destroy_all_of(connection);
        self.forget_pages_of(connection);
    }

    /// Does what one frame asks for. Skips frames of blanks only.
    pub(crate) fn receive(
        &mut self,
        now: Duration,
        connection: ConnectionId,
        frame: &[u8],
        sink: &mut dyn Sink,
    ) {
        self.set_now(now);
        if frame.iter().all(u8::is_ascii_whitespace) || !self.connections.contains_key(&connection)
        {
            return;
        }
        self.stats.requests += 1;
        let request = match Request::read(frame, &self.options.points) {
            Ok(request) => request,
            Err(Some(refusal)) => return sink.send(connection, refusal.frame(None)),
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
            Ok(true) => self.dispatch(&request.method, call, &mut frame, sink),
            Ok(false) => return,
            Err(refusal) => Err(refusal),
        };
        match (answer, request.id) {
            (Ok(answer), Some(id)) => {
                sink.reply(connection, &request.method, answer.frame(frame, id));
            }
            (Err(refusal), Some(id)) => {
                sink.reply(connection, &request.method, refusal.frame(Some(id)));
            }
            (Err(refusal), None) if self.options.points.errors_without_id => {
                sink.send(connection, refusal.frame(None));
            }
            (_, None) => {}
        }
        for (connection, frame) in self.after_reply.drain(..) {
            sink.send(connection, frame);
        }
    }

    /// Whether the Core accepts this call now. Ok(false): it does not answer.
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
        sink: &mut dyn Sink,
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
                self.page_control(method, call, sink)
            }
            "PA.ZoneStatusConfigure" => self.zone_status_configure(call, sink),
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
