//! One connection: writes requests, reads frames, sets watches up, tells when the link is dead.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::codec::{Encoder, FramedRead};

use super::{Session, reserve};
use crate::discover::{self, Found, FoundGroup};
use crate::error::Error;
use crate::frame::FrameCodec;
use crate::link::Link;
use crate::message::{Incoming, Request, code};
use crate::method::session::{ENGINE_STATUS, EngineStatus, Logon, NoOp, StatusGet};
use crate::method::{GroupId, Method, change_group};
use crate::options::Options;
use crate::push::Push;
use crate::request::{Call, Requester};
use crate::watching::Watching;

/// How often deadlines are looked at.
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

type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What a piece of the connection's own work brought.
enum Done {
    Greeted(Result<EngineStatus, Error>),
    Discovered {
        watch: u32,
        result: Result<Box<Found>, Error>,
    },
    Armed(Result<(), Error>),
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
            let listener = self.session.listener();
            if listener.is_none() {
                self.ahead = 0;
            }
            let may_read = listener.is_none()
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
                permit = reserve(listener.as_ref()), if listener.is_some() => {
                    self.session.tell_next(permit);
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

    /// Nobody takes a watch's events any more: its groups go, too.
    fn forget(&mut self, number: u32) {
        self.session.untold.retain(|(watch, _)| *watch != number);
        let Some(at) = self
            .session
            .watches
            .iter()
            .position(|watch| watch.number() == number)
        else {
            return;
        };
        let watch = self.session.watches.swap_remove(at);
        for id in watch.group_ids() {
            self.send_unasked(&change_group::Destroy {
                id: GroupId::Text(id),
            });
        }
    }

    fn send(&mut self, call: Call) {
        if !call.is_wanted() {
            return;
        }
        let Call {
            method,
            params,
            deadline,
            sent,
            answer,
        } = call;
        let id = self.pending.next_id();
        let frame = Request::new(id, &method, &*params).to_frame();
        let refused = match frame {
            Ok(frame) if frame.len() <= self.options.frame_limit => {
                sent.store(true, Ordering::Release);
                self.pending.add(id, method, deadline, answer);
                self.write(&frame);
                return;
            }
            Ok(frame) => format!(
                "the request has {} bytes, more than a frame's limit of {}",
                frame.len(),
                self.options.frame_limit
            ),
            Err(error) => error.to_string(),
        };
        // A caller that has gone away needs no answer.
        let _ = answer.send(Err(Error::BadRequest {
            what: method,
            why: refused,
        }));
    }

    /// A request whose answer nobody waits for.
    fn send_unasked<M: Method>(&mut self, params: &M) {
        let id = self.pending.next_id();
        if let Ok(frame) = Request::new(id, M::NAME, params).to_frame() {
            self.write(&frame);
        }
    }

    fn write(&mut self, frame: &[u8]) {
        // Encoding to memory cannot fail.
        let _ = self.codec.encode(frame, &mut self.unwritten);
        self.last_written = Instant::now();
    }

    fn written(&mut self, written: std::io::Result<usize>) -> Option<End> {
        match written {
            Ok(0) => Some(self.lost("the Core takes no more bytes")),
            Ok(count) => {
                self.unwritten.advance(count);
                None
            }
            Err(error) => Some(self.lost(error)),
        }
    }

    fn look_at_the_clock(&mut self) -> Option<End> {
        let now = Instant::now();
        self.pending.expire(now);
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

    fn receive(&mut self, frame: &Bytes) -> Option<End> {
        self.last_read = Instant::now();
        if !self.session.untold.is_empty() {
            self.ahead += frame.len();
        }
        if let Some(push) = Push::from_frame(frame) {
            self.receive_push(push);
            return None;
        }
        let incoming = match Incoming::parse(frame) {
            Ok(incoming) => incoming,
            Err(error) => {
                let start = String::from_utf8_lossy(&frame[..frame.len().min(80)]).into_owned();
                tracing::warn!("a frame cannot be read ({error}): {start}");
                self.read_again("a frame could not be read");
                return None;
            }
        };
        match incoming {
            Incoming::Response { id, outcome } => self.pending.answer(id, outcome),
            Incoming::Notification {
                method,
                params: Some(params),
            } => match method.as_ref() {
                change_group::PUSH => match Push::from_params(params.get()) {
                    Ok(push) => self.receive_push(push),
                    Err(error) => {
                        tracing::warn!("a push cannot be read: {error}");
                        self.read_again("a push could not be read");
                    }
                },
                ENGINE_STATUS => match serde_json::from_str(params.get()) {
                    Ok(status) => self.receive_status(status),
                    Err(error) => tracing::warn!("EngineStatus cannot be read: {error}"),
                },
                _ => {}
            },
            Incoming::StrayError(error) => tracing::warn!("{error}"),
            Incoming::Notification { .. } | Incoming::Other => {}
        }
        None
    }

    fn receive_push(&mut self, push: Push<'_>) {
        let watches = &mut self.session.watches;
        let Some(watch) = watches
            .iter_mut()
            .find(|watch| watch.owns_group(&push.group))
        else {
            return;
        };
        let number = watch.number();
        if let Some(event) = watch.push(push, SystemTime::now()) {
            self.session.untold.push_back((number, event));
        }
    }

    /// What a frame said that nobody could read may have been changes: all watches read
    /// everything again, behind a gap. Not at once, lest a Core that keeps sending such
    /// frames keeps us at it.
    fn read_again(&mut self, why: &str) {
        if self.session.watches.iter().any(Watching::is_live) {
            self.session.lost(why);
            self.setup_again = Instant::now() + REREAD_WAIT;
        }
    }

    fn receive_status(&mut self, status: EngineStatus) {
        let was = self.status.replace(status.clone());
        if let Some(was) = was.filter(|_| self.greeted) {
            let why = if was.is_active() && !status.is_active() {
                Some(format!("the Core went to {}", status.state.word()))
            } else if was.design_code != status.design_code {
                Some("another design was loaded".to_owned())
            } else {
                None
            };
            if let Some(why) = why {
                self.session.lost(&why);
            }
            self.session.tell(Link::Up(status));
        }
    }

    /// Sets the next watch up that needs it, if nothing else is under way.
    fn begin_setup(&mut self) {
        let active = self.status.as_ref().is_some_and(EngineStatus::is_active);
        if self.work.is_some() || !self.greeted || !active || self.setup_again > Instant::now() {
            return;
        }
        if let Some(watch) = self.session.watches.iter().find(|watch| !watch.is_live()) {
            let wanted = watch.wanted.clone();
            let core = self.own.clone();
            self.work = Some(Box::pin(async move {
                let result = discover::discover(&core, &wanted).await.map(Box::new);
                Done::Discovered {
                    watch: wanted.number,
                    result,
                }
            }));
        }
    }

    fn finish(&mut self, done: Done) -> Option<End> {
        match done {
            Done::Greeted(Ok(status)) => {
                self.greeted = true;
                let status = self.status.clone().unwrap_or(status);
                self.status = Some(status.clone());
                self.session.tell(Link::Up(status));
                None
            }
            Done::Discovered {
                watch,
                result: Ok(found),
            } => self.install(watch, *found),
            Done::Armed(Ok(())) => None,
            Done::Greeted(Err(error))
            | Done::Discovered {
                result: Err(error), ..
            }
            | Done::Armed(Err(error)) => self.failed(&error),
        }
    }

    fn install(&mut self, number: u32, found: Found) -> Option<End> {
        let status = self.status.clone().unwrap_or_default();
        let watches = &mut self.session.watches;
        let watch = watches.iter_mut().find(|watch| watch.number() == number)?;
        let groups: Vec<FoundGroup> = found.groups.clone();
        for event in watch.install(found, status, SystemTime::now()) {
            self.session.untold.push_back((number, event));
        }
        let core = self.own.clone();
        self.work = Some(Box::pin(async move {
            Done::Armed(discover::arm(&core, &groups).await)
        }));
        None
    }

    fn failed(&mut self, error: &Error) -> Option<End> {
        match error.code() {
            Some(code::LOGON_REQUIRED) => Some(End::Refused {
                reason: match self.options.credentials {
                    Some(_) => "the Core does not accept this user and PIN".to_owned(),
                    None => "the Core asks for a user and PIN".to_owned(),
                },
            }),
            // A Core that answers, but not this: a standby partner, a design just being
            // replaced. Groups half made are made anew.
            Some(_) => {
                tracing::warn!("setting up: {error}");
                self.session.lost(&error.to_string());
                self.setup_again = Instant::now() + SETUP_RETRY;
                (!self.greeted).then(|| self.lost(error))
            }
            None => Some(self.lost(error)),
        }
    }
}

/// Logs on where credentials are set, then asks how the Core is.
async fn greet(core: Requester, options: Arc<Options>) -> Done {
    let greeting = async {
        if let Some(credentials) = &options.credentials {
            let logon = Logon {
                user: credentials.user.clone(),
                pin: credentials.pin.clone(),
            };
            let answer = core.call(&logon).await?;
            if answer != serde_json::Value::Bool(true) {
                return Err(Error::Refused {
                    method: Logon::NAME.to_owned(),
                    error: crate::message::RpcError {
                        code: code::LOGON_REQUIRED,
                        message: format!("Logon was answered by {answer}"),
                    },
                });
            }
        }
        core.call(&StatusGet).await
    };
    Done::Greeted(greeting.await)
}

/// The end of the work under way, or never.
async fn next(work: &mut Option<Work>) -> Done {
    match work {
        Some(running) => {
            let done = running.await;
            *work = None;
            done
        }
        None => std::future::pending().await,
    }
}
