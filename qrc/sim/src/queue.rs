//! The frames that wait to be sent on one connection. The engine fills it, the connection's writer empties it, a limit
//! in bytes bounds it.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::Notify;

/// The output of one connection. Filling it never waits: the engine checks for room before it pushes, and the server
/// does not read from a connection without room. So it holds at most its limit and one frame.
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
    /// Bytes in `frames`, and bytes that the writer is sending.
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
        // Status and paging notifications come without a request and could pile up. A peer that takes nothing of them
        // is gone.
        if waiting.bytes > self.limit.saturating_mul(2).max(64 << 20) {
            waiting.closed = true;
            waiting.frames.clear();
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Ends the queue and drops what waits.
    pub(crate) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.frames.clear();
        drop(waiting);
        self.filled.notify_one();
        self.emptied.notify_one();
    }

    /// Takes everything that waits, as soon as there is something. None: the queue has ended.
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

    /// Takes everything that waits now.
    pub(crate) fn take_now(&self) -> VecDeque<Vec<u8>> {
        std::mem::take(&mut self.waiting().frames)
    }

    /// The writer has sent `bytes` of what it took.
    pub(crate) fn sent(&self, bytes: usize) {
        let mut waiting = self.waiting();
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        let room = waiting.bytes < self.limit;
        drop(waiting);
        if room {
            self.emptied.notify_one();
        }
    }

    /// Waits until everything is sent, or the queue has ended.
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

    /// Waits until there is room, or the queue has ended.
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
