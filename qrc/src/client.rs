//! The client's handle: typed calls, watches, and the state of the link.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::delivery::{self, WeakEventSender};
use crate::discover::Wanted;
use crate::error::Error;
use crate::heard::Heard;
use crate::link::Link;
use crate::method::Method;
use crate::options::Options;
use crate::patterns::Patterns;
use crate::request::Requester;
use crate::session::Session;
use crate::watch::{Selection, Watch, WatchEvent};
use crate::watch_state::WatchState;

/// A Core gives each connection this many change groups.
const GROUP_LIMIT: usize = 4;

/// A client of one Core. Cheap to clone: all clones share one connection. One task keeps it up
/// until [`shutdown`](Self::shutdown), or until the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requester: Requester,
    new_watches: mpsc::Sender<WatchState>,
    /// Each watch given out: how many groups it may use, and whether it still lives.
    groups: Mutex<Vec<(usize, WeakEventSender<WatchEvent>)>>,
    watches: AtomicU32,
    watch_queue: usize,
    link: watch::Receiver<Link>,
    heard: Heard,
    stop: CancellationToken,
    session: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Client {
    /// Starts a client. It connects in the background and reconnects after every loss.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let (calls, called) = mpsc::channel(64);
        let (new_watches, watched) = mpsc::channel(4);
        let (link, link_seen) = watch::channel(Link::Connecting {
            attempt: 0,
            last_error: None,
        });
        let stop = CancellationToken::new();
        let requester = Requester::new(calls, options.reply_timeout);
        let watch_queue = options.watch_queue;
        let heard = Heard::default();
        let session = Session::new(
            Arc::new(options),
            called,
            watched,
            link,
            heard.clone(),
            stop.clone(),
        );
        let session = tokio::spawn(session.run());
        Self {
            shared: Arc::new(Shared {
                requester,
                new_watches,
                groups: Mutex::default(),
                watches: AtomicU32::new(0),
                watch_queue,
                link: link_seen,
                heard,
                stop,
                session: Mutex::new(Some(session)),
            }),
        }
    }

    /// The state of the link. The receiver can also wait for the next state.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        self.shared.link.clone()
    }

    /// When the Core's last frame came; `None` before the first. A Core that is there is heard at least once in a
    /// [keepalive](Options::keepalive), whatever changes.
    #[must_use]
    pub fn heard(&self) -> Option<SystemTime> {
        self.shared.heard.last()
    }

    /// Calls a method of the Core. Waits for the link too; [`Options::reply_timeout`] bounds the
    /// whole call. If the link is lost during a call that is [repeatable](Method::REPEATABLE), it
    /// is sent once more; a write is never sent twice.
    ///
    /// # Errors
    /// See [`Error`]: among others [`NoLink`](Error::NoLink), [`Refused`](Error::Refused),
    /// [`TimedOut`](Error::TimedOut), [`OutcomeUnknown`](Error::OutcomeUnknown).
    pub async fn call<M: Method>(&self, params: &M) -> Result<M::Reply, Error> {
        self.call_by(params, self.shared.requester.deadline()).await
    }

    /// Like [`call`](Self::call), as a part of something that must end by `deadline`.
    pub(crate) async fn call_by<M: Method>(
        &self,
        params: &M,
        deadline: Instant,
    ) -> Result<M::Reply, Error> {
        let requester = &self.shared.requester;
        match requester.call_by(params, deadline).await {
            Err(unknown @ Error::OutcomeUnknown { .. }) if M::REPEATABLE => {
                match requester.call_by(params, deadline).await {
                    // The first one was sent, whatever became of the second.
                    Err(Error::NoLink { .. } | Error::Closed) => Err(unknown),
                    outcome => outcome,
                }
            }
            outcome => outcome,
        }
    }

    /// Calls a method by its name, for methods that this crate does not know. Sent once. A success
    /// without a result is `null`.
    ///
    /// # Errors
    /// Same as [`call`](Self::call).
    pub async fn raw(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized + Sync),
    ) -> Result<serde_json::Value, Error> {
        let result = self.shared.requester.raw(method, params).await?;
        let text = result.as_deref().map_or("null", |result| result.get());
        serde_json::from_str(text).map_err(|error| Error::BadReply {
            method: method.to_owned(),
            why: error.to_string(),
        })
    }

    /// Watches the controls that `selection` picks. Works without a link: the first event comes
    /// after the client has read the design of a running Core.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for a glob that cannot be read, [`Error::TooManyGroups`] if all
    /// watches together want more than the connection's four groups, [`Error::Closed`] after a
    /// shutdown.
    pub async fn watch(&self, selection: Selection) -> Result<Watch, Error> {
        let patterns = Patterns::compile(&selection)?;
        let kinds = 1 + usize::from(!selection.named.is_empty());
        let max_groups = selection.max_groups.clamp(kinds, GROUP_LIMIT);
        let (events, taken) = delivery::channel(self.shared.watch_queue);
        {
            // A panic elsewhere cannot leave this list half changed, so a poisoned lock is usable.
            let mut groups = (self.shared.groups.lock()).unwrap_or_else(PoisonError::into_inner);
            groups.retain(|(_, watch)| !watch.is_closed());
            let used: usize = groups.iter().map(|(count, _)| count).sum();
            if used + max_groups > GROUP_LIMIT {
                return Err(Error::TooManyGroups { limit: GROUP_LIMIT });
            }
            groups.push((max_groups, events.downgrade()));
        }
        let wanted = Wanted {
            number: self.shared.watches.fetch_add(1, Ordering::Relaxed),
            patterns,
            named: selection.named.iter().map(Into::into).collect(),
            exclude_named: selection.exclude_named.iter().map(Into::into).collect(),
            max_groups,
        };
        let complete_until: Arc<AtomicU64> = Arc::default();
        let state = WatchState::new(wanted, events, complete_until.clone());
        self.shared
            .new_watches
            .send(state)
            .await
            .map_err(|_| Error::Closed)?;
        Ok(Watch {
            events: taken,
            complete_until,
        })
    }

    /// Ends the connection and all watches. Returns when both have ended; watches first get up to 5
    /// s to take their backlog.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        let session = (self.shared.session.lock())
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(session) = session
            && let Err(error) = session.await
        {
            tracing::error!("the session ended badly: {error}");
        }
    }
}
