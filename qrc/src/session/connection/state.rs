//! What belongs to one connection: the socket, the requests under way, and how far its set-up has
//! got.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::codec::FramedRead;

use super::work::Work;
use crate::frame::FrameCodec;
use crate::method::session::EngineStatus;
use crate::options::Options;
use crate::request::{Call, Requester};
use crate::session::state::Session;

/// Why a connection ended.
pub(crate) enum End {
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

/// An open connection.
///
/// While events wait for a watch, the connection does not read the socket. So a slow consumer slows
/// the Core down and nothing grows here. An answer that a caller waits for comes after those unread
/// changes, and the caller may be the slow consumer itself. So while an answer is due, the
/// connection reads up to `Options::read_ahead` bytes more. Beyond that the call ends by its own
/// timeout: no change is dropped, and nobody waits for ever.
pub(crate) struct Connection<'a> {
    pub(super) session: &'a mut Session,
    pub(super) options: Arc<Options>,
    pub(super) reader: FramedRead<OwnedReadHalf, FrameCodec>,
    pub(super) writer: OwnedWriteHalf,
    pub(super) codec: FrameCodec,
    pub(super) unwritten: BytesMut,
    pub(super) pending: crate::pending::Pending,
    /// Carries the connection's own requests, which may go before the Core is greeted; callers'
    /// requests wait until then.
    pub(super) own: Requester,
    pub(super) own_calls: mpsc::Receiver<Call>,
    pub(super) work: Option<Work>,
    pub(super) setup_again: Instant,
    pub(super) status: Option<EngineStatus>,
    pub(super) greeted: bool,
    /// Bytes read since the backlog was last empty.
    pub(super) ahead: usize,
    pub(super) last_read: Instant,
    pub(super) last_written: Instant,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(session: &'a mut Session, stream: TcpStream) -> Self {
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

    pub(super) fn lost(&self, why: impl ToString) -> End {
        End::Lost {
            why: why.to_string(),
            proved: self.greeted,
        }
    }
}
