//! One connection: writes requests, reads frames, sets watches up, tells when the link is dead.

mod incoming;
mod outgoing;
mod setup;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::codec::FramedRead;

use super::{Session, reserve};
use crate::frame::FrameCodec;
use crate::method::session::{EngineStatus, NoOp};
use crate::options::Options;
use crate::request::{Call, Requester};
use crate::watching::Watching;
use setup::{Work, greet, next};

/// How often the connection looks at its clock, and forgets what nobody waits for.
const TICK: Duration = Duration::from_millis(250);
/// No more requests are taken while this many bytes wait to be written.
const WRITE_LIMIT: usize = 1 << 20;
/// No more requests are taken while this many wait for their answer.
const PENDING_LIMIT: usize = 1024;
/// A watch that could not be set up is tried again after this long.
const SETUP_RETRY: Duration = Duration::from_secs(2);

/// Everything is read again this long after a frame that could not be read.
const REREAD_WAIT: Duration = Duration::from_millis(250);

/// Why a connection ended.
pub(super) enum End {
    Stopped,
    /// `proved`: the Core had given a good answer before.
    Lost {
        why: String,
        proved: bool,
    },
    Refused {
        reason: String,
    },
}

/// A connection at work.
///
/// While a watch has untaken events beyond its queue the socket is left unread: that is
/// how a slow consumer slows the Core down and nothing here grows. An answer that somebody
/// waits for comes behind those unread changes, and the one who waits may be the very
/// consumer. So while an answer is due, reading goes on up to `Options::read_ahead` bytes.
/// Past that the call ends by its own timeout: no change is dropped, nobody waits for ever.
pub(super) struct Connection<'a> {
    session: &'a mut Session,
    options: Arc<Options>,
    reader: FramedRead<OwnedReadHalf, FrameCodec>,
    writer: OwnedWriteHalf,
    codec: FrameCodec,
    unwritten: BytesMut,
    pending: crate::pending::Pending,
    /// The way of the connection's own requests; callers wait until it is greeted.
    own: Requester,
    own_calls: mpsc::Receiver<Call>,
    work: Option<Work>,
    setup_again: Instant,
    status: Option<EngineStatus>,
    greeted: bool,
    /// Bytes read since the first of the untold.
    ahead: usize,
    last_read: Instant,
    last_written: Instant,
}

impl<'a> Connection<'a> {
    pub(super) fn new(session: &'a mut Session, stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        let options = session.options.clone();
        let codec = FrameCodec::new(options.frame_limit);
        let (calls, own_calls) = mpsc::channel(16);
        Self {
            reader: FramedRead::with_capacity(reader, codec.clone(), 64 << 10),
            writer,
            codec,
            unwritten: BytesMut::new(),
            pending: crate::pending::Pending::default(),
            own: Requester::new(calls, options.reply_timeout),
            own_calls,
            work: None,
            setup_again: Instant::now(),
            status: None,
            greeted: false,
            ahead: 0,
            last_read: Instant::now(),
            last_written: Instant::now(),
            options,
            session,
        }
    }

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
            let next_told = self.session.next_told();
            if next_told.is_none() {
                self.ahead = 0;
            }
            let may_read = next_told.is_none()
                || (self.pending.len() > 0 && self.ahead < self.options.read_ahead);
            let is_ready = self.is_ready();
            // In this order: what we have learnt is used before more is read, so that a
            // watch is installed before its first push is looked at.
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => Some(End::Stopped),
                done = next(&mut self.work) => self.finish(done),
                _ = tick.tick() => self.look_at_the_clock(),
                written = self.writer.write(&self.unwritten), if !self.unwritten.is_empty() => {
                    self.written(written)
                }
                Some(call) = self.own_calls.recv(), if may_take => { self.send(call); None }
                watching = self.session.new_watches.recv() => match watching {
                    Some(watching) => { self.session.watches.push(watching); None }
                    None => Some(End::Stopped),
                },
                Some(call) = self.session.calls.recv(), if may_take && is_ready => {
                    self.send(call);
                    None
                }
                room = reserve(next_told.as_ref()), if next_told.is_some() => {
                    self.session.tell_next(room);
                    // Silence is counted only while we listen.
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

    /// Callers' requests wait until the session is as it was: greeted, and every watch that
    /// an earlier connection lost set up again, or found impossible to set up now.
    fn is_ready(&self) -> bool {
        let active = self.status.as_ref().is_some_and(EngineStatus::is_active);
        let rebuilding = active
            && self.setup_again <= Instant::now()
            && self.session.watches.iter().any(Watching::is_to_be_rebuilt);
        self.greeted && !rebuilding
    }

    fn lost(&self, why: impl ToString) -> End {
        End::Lost {
            why: why.to_string(),
            proved: self.greeted,
        }
    }

    fn look_at_the_clock(&mut self) -> Option<End> {
        let now = Instant::now();
        self.pending.forget_unwanted();
        if !self.session.untold.is_empty() {
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
            .map(Watching::number)
            .collect();
        for number in gone {
            self.forget(number);
        }
        None
    }
}
