//! The task that keeps the link: connects, hands the connection its work, waits, begins again.

mod connection;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::delivery::{Room, Teller};
use crate::link::Link;
use crate::options::Options;
use crate::request::Call;
use crate::retry::Retry;
use crate::transport;
use crate::watch::WatchEvent;
use crate::watching::Watching;
use connection::{Connection, End};

/// How long a watch has, at the end, to take what was received for it.
const FAREWELL: Duration = Duration::from_secs(5);

/// Everything that outlives a connection.
pub(crate) struct Session {
    options: Arc<Options>,
    calls: mpsc::Receiver<Call>,
    new_watches: mpsc::Receiver<Watching>,
    watches: Vec<Watching>,
    /// Events whose watch has no room for them yet, in the order in which they happened.
    untold: VecDeque<(u32, WatchEvent)>,
    link: watch::Sender<Link>,
    stop: CancellationToken,
}

impl Session {
    pub(crate) fn new(
        options: Arc<Options>,
        calls: mpsc::Receiver<Call>,
        new_watches: mpsc::Receiver<Watching>,
        link: watch::Sender<Link>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            options,
            calls,
            new_watches,
            watches: Vec::new(),
            untold: VecDeque::new(),
            link,
            stop,
        }
    }

    /// Runs until the stop signal, or until every handle and every watch is gone.
    pub(crate) async fn run(mut self) {
        let mut retry = Retry::new(self.options.retry_first, self.options.retry_cap);
        let mut last_error = None;
        loop {
            self.tell(Link::Connecting {
                attempt: retry.attempt() + 1,
                last_error: last_error.clone(),
            });
            let wait = match self.connect_and_serve().await {
                End::Stopped => break,
                End::Lost { why, proved } => {
                    if proved {
                        retry.proved();
                    }
                    self.lost(&why);
                    tracing::debug!("link: {why}");
                    last_error = Some(why);
                    retry.next_wait()
                }
                End::Refused { reason } => {
                    self.lost(&reason);
                    last_error = Some(reason.clone());
                    self.tell(Link::Refused { reason });
                    self.options.refused_wait
                }
            };
            if matches!(*self.link.borrow(), Link::Up(_)) {
                self.tell(Link::Connecting {
                    attempt: retry.attempt(),
                    last_error: last_error.clone(),
                });
            }
            if self.wait(wait).await.is_err() {
                break;
            }
        }
        self.tell_rest().await;
        self.tell(Link::Closed);
    }

    async fn connect_and_serve(&mut self) -> End {
        let stop = self.stop.clone();
        let options = self.options.clone();
        let connect = transport::connect(&options);
        let stream = tokio::select! {
            () = stop.cancelled() => return End::Stopped,
            stream = connect => stream,
        };
        match stream {
            Ok(stream) => Connection::new(self, stream).serve().await,
            Err(why) => End::Lost { why, proved: false },
        }
    }

    /// Waits, still taking watches in and telling them what is untold. An error means that
    /// it is time to end.
    async fn wait(&mut self, wait: Duration) -> Result<(), ()> {
        let wait = tokio::time::sleep(wait);
        tokio::pin!(wait);
        loop {
            let next = self.next_told();
            tokio::select! {
                () = self.stop.cancelled() => return Err(()),
                watching = self.new_watches.recv() => match watching {
                    Some(watching) => self.watches.push(watching),
                    None => return Err(()),
                },
                room = reserve(next.as_ref()) => self.tell_next(room),
                () = &mut wait => return Ok(()),
            }
        }
    }

    /// What was received is handed over before the end, to those who still take it.
    async fn tell_rest(&mut self) {
        let telling = async {
            while let Some(next) = self.next_told() {
                let room = reserve(Some(&next)).await;
                self.tell_next(room);
            }
        };
        if tokio::time::timeout(FAREWELL, telling).await.is_err() {
            tracing::warn!("{} events were not taken before the end", self.untold.len());
        }
    }

    /// Who is to be told next, if anything is untold, and how many places that takes.
    fn next_told(&mut self) -> Option<(Teller<WatchEvent>, usize)> {
        while let Some((number, event)) = self.untold.front() {
            let number = *number;
            let watch = self.watches.iter().find(|watch| watch.number() == number);
            match watch {
                Some(watch) if !watch.events.is_closed() => {
                    return Some((watch.events.clone(), event.places()));
                }
                _ => self.untold.retain(|(watch, _)| *watch != number),
            }
        }
        None
    }

    fn tell_next(&mut self, room: Option<(Teller<WatchEvent>, Room)>) {
        if let (Some((teller, room)), Some((_, event))) = (room, self.untold.pop_front()) {
            teller.tell(event, room);
        }
    }

    fn lost(&mut self, why: &str) {
        self.watches.retain(|watch| !watch.events.is_closed());
        for watch in &mut self.watches {
            let number = watch.number();
            let lost = watch.lost(why);
            self.untold.extend(lost.map(|event| (number, event)));
        }
    }

    fn tell(&self, link: Link) {
        self.link.send_if_modified(|known| {
            let news = *known != link;
            *known = link;
            news
        });
    }
}

/// Room for what is told next; never, where nobody is to be told anything.
async fn reserve(next: Option<&(Teller<WatchEvent>, usize)>) -> Option<(Teller<WatchEvent>, Room)> {
    match next {
        Some((teller, places)) => Some((teller.clone(), teller.room(*places).await?)),
        None => std::future::pending().await,
    }
}
