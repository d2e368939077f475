//! Pieces of work on all cores with bounded memory, their results in the order of the pieces.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// More threads than this would need more memory than they save time.
const MOST_THREADS: usize = 8;

/// A worker thread ended before its work was done.
#[derive(Debug, thiserror::Error)]
#[error("a worker thread ended early")]
pub(crate) struct WorkerGone;

/// The channels to and from one worker thread, which holds at most two pieces at a time.
struct Lane<A, B> {
    to: SyncSender<A>,
    from: Receiver<B>,
}

/// Hands pieces to the workers in turn and gives their results on in the same order.
pub(crate) struct Lanes<'a, A, B, E> {
    lanes: Vec<Lane<A, B>>,
    sent: usize,
    taken: usize,
    sink: &'a mut dyn FnMut(B) -> Result<(), E>,
}

impl<A, B, E: From<WorkerGone>> Lanes<'_, A, B, E> {
    pub(crate) fn send(&mut self, piece: A) -> Result<(), E> {
        if self.sent - self.taken == self.lanes.len() * 2 {
            self.take()?;
        }
        let lane = &self.lanes[self.sent % self.lanes.len()];
        lane.to.send(piece).map_err(|_| WorkerGone)?;
        self.sent += 1;
        Ok(())
    }

    fn take(&mut self) -> Result<(), E> {
        let lane = &self.lanes[self.taken % self.lanes.len()];
        let done = lane.from.recv().map_err(|_| WorkerGone)?;
        self.taken += 1;
        (self.sink)(done)
    }
}

/// Runs `source`, which sends pieces; `work` on each, on worker threads; `sink` on each result, on this thread.
pub(crate) fn in_order<A: Send, B: Send, E: From<WorkerGone>>(
    source: impl FnOnce(&mut Lanes<'_, A, B, E>) -> Result<(), E>,
    work: impl Fn(A) -> B + Sync,
    mut sink: impl FnMut(B) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, |n| n.get().min(MOST_THREADS));
    thread::scope(|scope| {
        let work = &work;
        let lanes = (0..threads)
            .map(|_| {
                let (to, pieces) = sync_channel::<A>(2);
                let (results, from) = sync_channel::<B>(2);
                scope.spawn(move || {
                    for piece in pieces {
                        if results.send(work(piece)).is_err() {
                            break;
                        }
                    }
                });
                Lane { to, from }
            })
            .collect();
        let mut lanes = Lanes {
            lanes,
            sent: 0,
            taken: 0,
            sink: &mut sink,
        };
        source(&mut lanes)?;
        while lanes.taken < lanes.sent {
            lanes.take()?;
        }
        Ok(())
    })
}
