//! The handle: typed calls, watches, and the state of the link.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::delivery::{self, WeakEventSender};
use crate::discover::Wanted;
use crate::error::Error;
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

/// A client of one Core. Cheap to clone; all clones share one connection, which one task
/// keeps up until [`shutdown`](Self::shutdown) or until the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requester: Requester,
    new_watches: mpsc::Sender<WatchState>,
    /// For each watch given out, its number of groups and whether it still lives.
    groups: Mutex<Vec<(usize, WeakEventSender<WatchEvent>)>>,
    watches: AtomicU32,
    watch_queue: usize,
    link: watch::Receiver<Link>,
    stop: CancellationToken,
    session: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Client {
    /// Starts a client. It connects in the background, and again after every loss.
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
        let session = Session::new(Arc::new(options), called, watched, link, stop.clone());
        let session = tokio::spawn(session.run());
        Self {
            shared: Arc::new(Shared {
                requester,
                new_watches,
                groups: Mutex::default(),
                watches: AtomicU32::new(0),
                watch_queue,
                link: link_seen,
                stop,
                session: Mutex::new(Some(session)),
            }),
        }
    }

    /// The state of the link, to look at and to wait on.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        self.shared.link.clone()
    }

    /// Asks the Core. Waits for the link, up to the reply timeout. A question that may be
    /// repeated is asked once more when the link was lost under it; a write never is.
    ///
    /// # Errors
    /// See [`Error`]: no link, refused, outcome unknown, …
    pub async fn call<M: Method>(&self, params: &M) -> Result<M::Reply, Error> {
        self.call_by(params, self.shared.requester.deadline()).await
    }

    /// As [`call`](Self::call), as a part of something that must end by `deadline`.
    pub(crate) async fn call_by<M: Method>(
        &self,
        params: &M,
        deadline: Instant,
    ) -> Result<M::Reply, Error> {
        let requester = &self.shared.requester;
        match requester.call_by(params, deadline).await {
            Err(Error::OutcomeUnknown { .. }) if M::REPEATABLE => {
                requester.call_by(params, deadline).await
            }
            outcome => outcome,
        }
    }

    /// Asks the Core by a method's name, for methods this crate does not know. Sent once.
    ///
    /// # Errors
    /// As [`call`](Self::call).
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

    /// Watches the controls that `selection` picks. Needs no link: the first event comes
    /// when a Core with a running design was read.
    ///
    /// # Errors
    /// A glob that is none, more groups than a connection has, or a client shut down.
    pub async fn watch(&self, selection: Selection) -> Result<Watch, Error> {
        let patterns = Patterns::compile(&selection)?;
        let kinds = 1 + usize::from(!selection.named.is_empty());
        let max_groups = selection.max_groups.clamp(kinds, GROUP_LIMIT);
        let (events, taken) = delivery::channel(self.shared.watch_queue);
        {
            // A poisoned lock still guards a whole list.
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

    /// Ends the connection and all watches, and waits until that is done.
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
