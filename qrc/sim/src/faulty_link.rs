//! From the engine to the connections: a queue for each, and the faults that strike frames on the way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::bench::{Bench, ReplyFate};
use crate::groups::ConnectionId;
use crate::queue::Queue;
use crate::sink::Sink;

pub(crate) struct FaultyLink {
    queues: HashMap<ConnectionId, Arc<Queue>>,
    pub(crate) bench: Bench,
    /// Replies that wait until a later one has passed them.
    held: Vec<HeldReply>,
    now: Duration,
}

struct HeldReply {
    connection: ConnectionId,
    frame: Vec<u8>,
    until: Duration,
}

impl FaultyLink {
    pub(crate) fn new(seed: u64) -> FaultyLink {
        FaultyLink {
            queues: HashMap::new(),
            bench: Bench::new(seed),
            held: Vec::new(),
            now: Duration::ZERO,
        }
    }

    pub(crate) fn set_now(&mut self, now: Duration) {
        self.now = now;
    }

    pub(crate) fn open(&mut self, connection: ConnectionId, queue: Arc<Queue>) {
        self.queues.insert(connection, queue);
    }

    /// Closes every connection and returns them.
    pub(crate) fn close_all(&mut self) -> Vec<ConnectionId> {
        let all: Vec<ConnectionId> = self.queues.keys().copied().collect();
        for connection in &all {
            self.close(*connection);
        }
        all
    }

    /// When the next held reply is due.
    pub(crate) fn next_release(&self) -> Option<Duration> {
        self.held.iter().map(|held| held.until).min()
    }

    /// Sends the held replies that are due, though no later one has passed them.
    pub(crate) fn release(&mut self) {
        let now = self.now;
        let (due, rest) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|h| h.until <= now);
        self.held = rest;
        let due: Vec<HeldReply> = due;
        for held in due {
            self.send(held.connection, held.frame);
        }
    }
}

impl Sink for FaultyLink {
    fn has_room(&self, connection: ConnectionId) -> bool {
        self.queues
            .get(&connection)
            .is_some_and(|queue| queue.has_room())
    }

    fn send(&mut self, connection: ConnectionId, mut frame: Vec<u8>) {
        if let Some(queue) = self.queues.get(&connection) {
            self.bench.spoil(self.now, &mut frame);
            queue.push(frame);
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
                self.held.push(HeldReply {
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
        if let Some(queue) = self.queues.remove(&connection) {
            queue.close();
        }
    }
}
