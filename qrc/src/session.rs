//! The task that keeps the link: connects, hands the connection its work, waits, begins again.

mod connection;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::link::Link;
use crate::options::Options;
use crate::request::Call;
use crate::retry::Retry;
use crate::transport;
use crate::watching::Watching;
use connection::{Connection, End};

/// Everything that outlives a connection.
pub(crate) struct Session {
    options: Arc<Options>,
    calls: mpsc::Receiver<Call>,
    new_watches: mpsc::Receiver<Watching>,
    watches: Vec<Watching>,
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

    /// Waits, still taking watches in. An error means that it is time to end.
    async fn wait(&mut self, wait: Duration) -> Result<(), ()> {
        let wait = tokio::time::sleep(wait);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Err(()),
                watching = self.new_watches.recv() => match watching {
                    Some(watching) => self.watches.push(watching),
                    None => return Err(()),
                },
                () = &mut wait => return Ok(()),
            }
        }
    }

    fn lost(&mut self, why: &str) {
        for watch in &mut self.watches {
            watch.lost(why);
        }
        self.watches.retain(|watch| !watch.events.is_closed());
    }

    fn tell(&self, link: Link) {
        self.link.send_if_modified(|known| {
            let news = *known != link;
            *known = link;
            news
        });
    }
}
