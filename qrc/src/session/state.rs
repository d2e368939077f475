//! What outlives a connection: the callers' queues, the watches, their backlog, and the state of
//! the link.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::delivery::{EventSender, Permit};
use crate::heard::Heard;
use crate::link::Link;
use crate::options::Options;
use crate::request::Call;
use crate::watch::WatchEvent;
use crate::watch_state::WatchState;

/// Everything that outlives a connection.
pub(crate) struct Session {
    pub(super) options: Arc<Options>,
    pub(super) calls: mpsc::Receiver<Call>,
    pub(super) new_watches: mpsc::Receiver<WatchState>,
    pub(super) watches: Vec<WatchState>,
    /// Events that wait for a permit of their watch, each with the watch's number, in the order in
    /// which they happened.
    pub(super) backlog: VecDeque<(u32, WatchEvent)>,
    pub(super) link: watch::Sender<Link>,
    pub(super) heard: Heard,
    pub(super) stop: CancellationToken,
}

impl Session {
    pub(crate) fn new(
        options: Arc<Options>,
        calls: mpsc::Receiver<Call>,
        new_watches: mpsc::Receiver<WatchState>,
        link: watch::Sender<Link>,
        heard: Heard,
        stop: CancellationToken,
    ) -> Self {
        Self {
            options,
            calls,
            new_watches,
            watches: Vec::new(),
            backlog: VecDeque::new(),
            link,
            heard,
            stop,
        }
    }

    /// The watch of the backlog's first event and the places that the event needs. Drops events whose watch has ended.
    pub(super) fn next_in_backlog(&mut self) -> Option<(EventSender<WatchEvent>, usize)> {
        while let Some((number, event)) = self.backlog.front() {
            let number = *number;
            let watch = self.watches.iter().find(|watch| watch.number() == number);
            match watch {
                Some(watch) if !watch.events.is_closed() => {
                    return Some((watch.events.clone(), event.places()));
                }
                _ => self.backlog.retain(|(watch, _)| *watch != number),
            }
        }
        None
    }

    /// Sends the backlog's first event.
    pub(super) fn send_next(&mut self, permitted: Option<Permitted>) {
        if let (Some((sender, permit)), Some((_, event))) = (permitted, self.backlog.pop_front()) {
            sender.send(event, permit);
        }
    }

    /// Every watch has lost its groups.
    pub(super) fn lost(&mut self, why: &str) {
        self.watches.retain(|watch| !watch.events.is_closed());
        for watch in &mut self.watches {
            let number = watch.number();
            let lost = watch.lost(why);
            self.backlog.extend(lost.map(|event| (number, event)));
        }
    }

    /// Publishes the state of the link, if it is new.
    pub(super) fn set_link(&self, link: Link) {
        self.link.send_if_modified(|known| {
            let news = *known != link;
            *known = link;
            news
        });
    }
}

/// A watch and its permit for one event.
pub(super) type Permitted = (EventSender<WatchEvent>, Permit);

/// Waits for the permit of the backlog's first event; without a backlog it never ends.
pub(super) async fn permit_for(
    next: Option<&(EventSender<WatchEvent>, usize)>,
) -> Option<Permitted> {
    match next {
        Some((sender, places)) => Some((sender.clone(), sender.permit(*places).await?)),
        None => std::future::pending().await,
    }
}
