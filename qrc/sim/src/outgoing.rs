//! From the engine to the connections: a queue for each, with the faults that strike frames on the way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::bench::{Bench, ReplyFate};
use crate::engine::Outlet;
use crate::groups::ConnectionId;
use crate::outbox::Outbox;

pub(super) struct Outgoing {
    outboxes: HashMap<ConnectionId, Arc<Outbox>>,
    pub(super) bench: Bench,
    /// Replies that wait for a later one to pass them.
    held: Vec<Held>,
    now: Duration,
}

struct Held {
    connection: ConnectionId,
    frame: Vec<u8>,
    until: Duration,
}

impl Outgoing {
    pub(super) fn new(seed: u64) -> Outgoing {
        Outgoing {
            outboxes: HashMap::new(),
            bench: Bench::new(seed),
            held: Vec::new(),
            now: Duration::ZERO,
        }
    }

    pub(super) fn set_now(&mut self, now: Duration) {
        self.now = now;
    }

    pub(super) fn open(&mut self, connection: ConnectionId, outbox: Arc<Outbox>) {
        self.outboxes.insert(connection, outbox);
    }

    /// Closes every connection and names them.
    pub(super) fn close_all(&mut self) -> Vec<ConnectionId> {
        let all: Vec<ConnectionId> = self.outboxes.keys().copied().collect();
        for connection in &all {
            self.close(*connection);
        }
        all
    }

    /// When held replies are due.
    pub(super) fn next_release(&self) -> Option<Duration> {
        self.held.iter().map(|held| held.until).min()
    }

    /// Sends the replies that have waited long enough for one to pass them.
    pub(super) fn release(&mut self) {
        let now = self.now;
        let (due, rest) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|h| h.until <= now);
        self.held = rest;
        let due: Vec<Held> = due;
        for held in due {
            self.send(held.connection, held.frame);
        }
    }
}

impl Outlet for Outgoing {
    fn has_room(&self, connection: ConnectionId) -> bool {
        self.outboxes
            .get(&connection)
            .is_some_and(|outbox| outbox.has_room())
    }

    fn send(&mut self, connection: ConnectionId, mut frame: Vec<u8>) {
        if let Some(outbox) = self.outboxes.get(&connection) {
            self.bench.spoil(self.now, &mut frame);
            outbox.push(frame);
        }
    }

    fn reply(&mut self, connection: ConnectionId, method: &str, frame: Vec<u8>) {
        let passed = self
            .held
            .iter()
            .position(|held| held.connection == connection);
        match self.bench.reply(self.now, method) {
            ReplyFate::Swallowed => {}
            ReplyFate::Held(until) if passed.is_none() => {
                self.held.push(Held {
                    connection,
                    frame,
                    until,
                });
                return;
            }
            ReplyFate::Goes | ReplyFate::Held(_) => self.send(connection, frame),
        }
        if let Some(index) = passed {
            let held = self.held.remove(index);
            self.send(connection, held.frame);
        }
    }

    fn close(&mut self, connection: ConnectionId) {
        self.held.retain(|held| held.connection != connection);
        if let Some(outbox) = self.outboxes.remove(&connection) {
            outbox.close();
        }
    }
}
