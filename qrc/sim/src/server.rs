//! The Core on the network: a listener, and for each connection a reading and a writing task.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::groups::ConnectionId;
use crate::queue::Queue;
use crate::simulated_core::Core;

/// How long a peer that has ended its side has to take its last replies.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Core {
    /// Serves QRC on a bound listener until `stop`, then closes its connections. May be called for several listeners.
    ///
    /// # Errors
    /// None at present: a connection that cannot be accepted is logged, and serving goes on.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
        let tasks = TaskTracker::new();
        let stop = stop.child_token();
        let beating = (self.clone(), stop.clone());
        tasks.spawn(async move { beating.0.beat(&beating.1).await });
        let result = loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => break Ok(()),
            };
            match accepted {
                Ok((stream, peer)) => {
                    tracing::debug!(%peer, "connection accepted");
                    tasks.spawn(connection(self.clone(), stream, stop.clone()));
                }
                // The peer left before it was accepted. Others may come.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // For example no more file handles: existing connections go on, and later ones may succeed.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        };
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        result
    }
}

async fn connection(core: Core, stream: TcpStream, stop: CancellationToken) {
    // Pushes are small and must not wait for each other.
    let _ = stream.set_nodelay(true);
    let Some((id, queue)) = core.connect() else {
        tracing::warn!("too many connections: one more refused");
        return;
    };
    let (read, write) = stream.into_split();
    tokio::select! {
        () = reading(&core, id, &queue, read) => {}
        () = writing(&core, &queue, write) => {}
        () = stop.cancelled() => {}
    }
    core.disconnect(id);
}

/// Reads requests. Returns when the peer has gone, was silent for too long, or sent too long a request.
async fn reading(core: &Core, id: ConnectionId, queue: &Arc<Queue>, mut read: OwnedReadHalf) {
    let limits = core.limits();
    let mut buffer = bytes::BytesMut::with_capacity(8 * 1024);
    let mut searched = 0;
    loop {
        queue.room().await;
        let read = read.read_buf(&mut buffer);
        let count = match limits.idle {
            Some(idle) => match tokio::time::timeout(idle, read).await {
                Ok(count) => count,
                Err(_) => {
                    return tracing::debug!("connection closed: nothing received for {idle:?}");
                }
            },
            None => read.await,
        };
        match count {
            Ok(0) => {
                // A peer that ended only its own side still gets its answers.
                let _ = tokio::time::timeout(LAST_WORDS, queue.empty()).await;
                return;
            }
            Ok(_) => {}
            Err(error) => return tracing::debug!(%error, "connection lost"),
        }
        while let Some(end) = memchr::memchr(0, &buffer[searched..]) {
            let frame = buffer.split_to(searched + end + 1);
            searched = 0;
            if core.is_faulty() {
                core.while_stalled().await;
            }
            core.receive(id, &frame[..frame.len() - 1]);
            queue.room().await;
        }
        searched = buffer.len();
        if searched > limits.request {
            return tracing::warn!(
                "connection closed: a request longer than {} bytes",
                limits.request
            );
        }
    }
}

/// Writes what waits, several frames at a time. Returns when the connection ends.
async fn writing(core: &Core, queue: &Queue, mut write: OwnedWriteHalf) {
    while let Some(mut frames) = queue.take().await {
        while let Some(frame) = frames.pop_front() {
            let frame = if core.is_faulty() {
                treated(core, queue, frame, &mut frames, &mut write).await
            } else {
                Some(frame)
            };
            let Some(frame) = frame else { return };
            if write.write_all(&frame).await.is_err() {
                return;
            }
            queue.sent(frame.len());
        }
    }
}

/// Does to a frame what the faults ask for and returns the rest to write. None: the connection is lost.
async fn treated(
    core: &Core,
    queue: &Queue,
    mut frame: Vec<u8>,
    more: &mut VecDeque<Vec<u8>>,
    write: &mut OwnedWriteHalf,
) -> Option<Vec<u8>> {
    core.while_stalled().await;
    let treatment = core.treat();
    if !treatment.delay.is_zero() {
        tokio::time::sleep(treatment.delay).await;
    }
    if !treatment.coalesce.is_zero() {
        tokio::time::sleep(treatment.coalesce).await;
        more.extend(queue.take_now());
        for next in more.drain(..) {
            frame.extend_from_slice(&next);
        }
    }
    let Some(size) = treatment.split else {
        return Some(frame);
    };
    let mut rest = &frame[..];
    while !rest.is_empty() {
        let size = if size == 0 { core.piece() } else { size };
        let (piece, after) = rest.split_at(size.min(rest.len()));
        write.write_all(piece).await.ok()?;
        queue.sent(piece.len());
        rest = after;
        // Gives the peer time to see this piece alone.
        tokio::task::yield_now().await;
    }
    Some(Vec::new())
}
