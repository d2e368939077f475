//! One connection: writes requests, reads frames, sets watches up, and notices when the link is
//! dead.

// Each knows only those above it.
mod work;

mod state;

mod outgoing;

mod incoming;
mod setup;

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use super::state::permit_for;
use crate::method::session::{EngineStatus, NoOp};
use crate::watch_state::WatchState;
pub(super) use state::{Connection, End};
use work::{greet, next};

/// How often the connection looks at its clock.
const TICK: Duration = Duration::from_millis(250);
/// While this many bytes wait to be written, the connection takes no more requests.
const WRITE_LIMIT: usize = 1 << 20;
/// While this many requests wait for their answers, the connection takes no more.
const PENDING_LIMIT: usize = 1024;

impl Connection<'_> {
    /// Serves until the link is lost or the client is shut down.
    pub(super) async fn serve(mut self) -> End {
        self.work = Some(Box::pin(greet(self.own.clone(), self.options.clone())));
        let end = self.turn_by_turn().await;
        let why = match &end {
            End::Stopped => "the client was shut down",
            End::Lost { why, .. } => why,
            End::Refused { reason } => reason,
        };
        self.pending.fail_all(why);
        end
    }

    async fn turn_by_turn(&mut self) -> End {
        let stop = self.session.stop.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let may_take = self.unwritten.len() < WRITE_LIMIT && self.pending.len() < PENDING_LIMIT;
            let next_in_backlog = self.session.next_in_backlog();
            if next_in_backlog.is_none() {
                self.ahead = 0;
            }
            let may_read = next_in_backlog.is_none()
                || (self.pending.len() > 0 && self.ahead < self.options.read_ahead);
            let is_ready = self.is_ready();
            // The order matters: what the connection has learned counts before it reads more, so
            // that a watch is installed before its first push is read.
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => Some(End::Stopped),
                done = next(&mut self.work) => self.finish(done),
                _ = tick.tick() => self.look_at_the_clock(),
                written = self.writer.write(&self.unwritten), if !self.unwritten.is_empty() => {
                    self.written(written)
                }
                Some(call) = self.own_calls.recv(), if may_take => { self.send(call); None }
                watch = self.session.new_watches.recv() => match watch {
                    Some(watch) => { self.session.watches.push(watch); None }
                    None => Some(End::Stopped),
                },
                Some(call) = self.session.calls.recv(), if may_take && is_ready => {
                    self.send(call);
                    None
                }
                permitted = permit_for(next_in_backlog.as_ref()), if next_in_backlog.is_some() => {
                    self.session.send_next(permitted);
                    // Silence counts only while the connection reads.
                    self.last_read = Instant::now();
                    None
                }
                frame = self.reader.next(), if may_read => match frame {
                    Some(Ok(frame)) => self.receive(&frame),
                    Some(Err(error)) => Some(self.lost(error)),
                    None => Some(self.lost("the Core closed the connection")),
                },
            };
            if let Some(end) = ended {
                return end;
            }
            self.begin_setup();
        }
    }

    /// Callers' requests wait until the Core is greeted, and until every watch that an earlier
    /// connection lost is set up again or cannot be set up now.
    fn is_ready(&self) -> bool {
        let active = self.status.as_ref().is_some_and(EngineStatus::is_active);
        let rebuilding = active
            && self.setup_again <= Instant::now()
            && self
                .session
                .watches
                .iter()
                .any(WatchState::is_to_be_rebuilt);
        self.greeted && !rebuilding
    }

    fn look_at_the_clock(&mut self) -> Option<End> {
        let now = Instant::now();
        self.pending.forget_unwanted();
        if !self.session.backlog.is_empty() {
            self.last_read = now;
        }
        if now - self.last_read > self.options.silence_limit {
            return Some(self.lost(format!(
                "nothing was heard for {:?}",
                self.options.silence_limit
            )));
        }
        if now - self.last_written >= self.options.keepalive {
            self.send_unasked(&NoOp);
        }
        let gone: Vec<u32> = self
            .session
            .watches
            .iter()
            .filter(|watch| watch.events.is_closed())
            .map(WatchState::number)
            .collect();
        for number in gone {
            self.forget(number);
        }
        None
    }
}
