//! What waits to be sent on one connection: bounded by bytes, filled by the engine, emptied by the connection's writer.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::Notify;

/// The output of one connection. Filling never waits: the engine asks for room before it pushes, and a connection
/// without room is not read from, so that it holds its limit and one frame at most.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    limit: usize,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Vec<u8>>,
    /// Bytes in `frames` and in the hands of the writer.
    bytes: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Queue {
        Queue {
            waiting: Mutex::new(Waiting::default()),
            limit,
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.waiting().bytes < self.limit
    }

    pub(crate) fn push(&self, frame: Vec<u8>) {
        let mut waiting = self.waiting();
        if waiting.closed {
            return;
        }
        waiting.bytes += frame.len();
        waiting.frames.push_back(frame);
        // Status and paging news come unasked and may pile up for a peer that takes nothing: that peer is gone.
        if waiting.bytes > self.limit.saturating_mul(2).max(64 << 20) {
            waiting.closed = true;
            waiting.frames.clear();
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Nothing more will be sent; what waits is given up.
    pub(crate) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.frames.clear();
        drop(waiting);
        self.filled.notify_one();
        self.emptied.notify_one();
    }

    /// Everything that waits, as soon as something does; None once closed.
    pub(crate) async fn take(&self) -> Option<VecDeque<Vec<u8>>> {
        loop {
            {
                let mut waiting = self.waiting();
                if waiting.closed {
                    return None;
                }
                if !waiting.frames.is_empty() {
                    return Some(std::mem::take(&mut waiting.frames));
                }
            }
            self.filled.notified().await;
        }
    }

    /// Everything that waits now.
    pub(crate) fn take_now(&self) -> VecDeque<Vec<u8>> {
        std::mem::take(&mut self.waiting().frames)
    }

    /// `bytes` of what was taken have gone out.
    pub(crate) fn sent(&self, bytes: usize) {
        let mut waiting = self.waiting();
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        let room = waiting.bytes < self.limit;
        drop(waiting);
        if room {
            self.emptied.notify_one();
        }
    }

    /// Waits until everything has gone out, or the end.
    pub(crate) async fn empty(&self) {
        loop {
            {
                let waiting = self.waiting();
                if waiting.closed || waiting.bytes == 0 {
                    return;
                }
            }
            self.emptied.notified().await;
        }
    }

    /// Waits until there is room, or the end.
    pub(crate) async fn room(&self) {
        loop {
            {
                let waiting = self.waiting();
                if waiting.closed || waiting.bytes < self.limit {
                    return;
                }
            }
            self.emptied.notified().await;
        }
    }
}
