//! The task that keeps the link: it connects, serves the connection, waits after a loss and connects again.

// Each knows only those above it.
mod state;

mod connection;

use std::time::Duration;

use crate::link::Link;
use crate::retry::Retry;
use crate::transport;
use connection::{Connection, End};
pub(crate) use state::Session;
use state::permit_for;

/// How long the watches have at the end to take their backlog.
const FAREWELL: Duration = Duration::from_secs(5);

impl Session {
    /// Runs until the stop signal, or until all handles and watches are gone.
    pub(crate) async fn run(mut self) {
        let mut retry = Retry::new(self.options.retry_first, self.options.retry_cap);
        let mut last_error = None;
        loop {
            self.set_link(Link::Connecting {
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
                    self.set_link(Link::Refused { reason });
                    self.options.refused_wait
                }
            };
            if matches!(*self.link.borrow(), Link::Up(_)) {
                self.set_link(Link::Connecting {
                    attempt: retry.attempt(),
                    last_error: last_error.clone(),
                });
            }
            if self.wait(wait).await.is_err() {
                break;
            }
        }
        self.send_rest().await;
        self.set_link(Link::Closed);
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

    /// Waits; meanwhile takes new watches in and sends the backlog. An error means that the session must end.
    async fn wait(&mut self, wait: Duration) -> Result<(), ()> {
        let wait = tokio::time::sleep(wait);
        tokio::pin!(wait);
        loop {
            let next = self.next_in_backlog();
            tokio::select! {
                () = self.stop.cancelled() => return Err(()),
                watch = self.new_watches.recv() => match watch {
                    Some(watch) => self.watches.push(watch),
                    None => return Err(()),
                },
                permitted = permit_for(next.as_ref()) => self.send_next(permitted),
                () = &mut wait => return Ok(()),
            }
        }
    }

    /// Sends the whole backlog before the end, as far as the watches take it in time.
    async fn send_rest(&mut self) {
        let sending = async {
            while let Some(next) = self.next_in_backlog() {
                let permitted = permit_for(Some(&next)).await;
                self.send_next(permitted);
            }
        };
        if tokio::time::timeout(FAREWELL, sending).await.is_err() {
            tracing::warn!(
                "{} events were not taken before the end",
                self.backlog.len()
            );
        }
    }
}
