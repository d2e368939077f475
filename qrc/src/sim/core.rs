//! The handle on a simulated Core: one engine behind a lock, its clock, and the connections it talks to.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::design::Design;
use super::engine::{CoreState, CoreStats, Engine, Estate, Outlet};
use super::groups::ConnectionId;
use super::options::CoreOptions;
use super::outbox::Outbox;
use super::script::{Controls, Script};
use super::server;

/// A simulated Core. Clones are handles on the same Core.
///
/// Its clock is tokio's: a test that pauses and advances tokio's time moves the Core's time.
#[derive(Clone)]
pub struct Core {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    /// The next wake may have moved forward.
    woken: Notify,
    /// Held by the one task that lets time pass.
    pub(super) beat: tokio::sync::Mutex<()>,
    limits: Limits,
    clock: Clock,
}

/// What a connection's tasks need to know without asking the engine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) idle: Option<Duration>,
    pub(super) request: usize,
    pub(super) output: usize,
}

/// The time since the Core was made; it starts with the first look, inside a runtime or not.
struct Clock {
    started: Mutex<Option<Instant>>,
}

impl Clock {
    fn started(&self) -> Instant {
        *lock(&self.started).get_or_insert_with(Instant::now)
    }
}

struct Inner {
    engine: Engine,
    outboxes: Outboxes,
    /// When the beating task will look next.
    planned: Option<Duration>,
}

#[derive(Default)]
struct Outboxes(HashMap<ConnectionId, Arc<Outbox>>);

impl Outlet for Outboxes {
    fn has_room(&self, connection: ConnectionId) -> bool {
        self.0
            .get(&connection)
            .is_some_and(|outbox| outbox.has_room())
    }

    fn send(&mut self, connection: ConnectionId, frame: Vec<u8>) {
        if let Some(outbox) = self.0.get(&connection) {
            outbox.push(frame);
        }
    }

    fn close(&mut self, connection: ConnectionId) {
        if let Some(outbox) = self.0.remove(&connection) {
            outbox.close();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A script that panicked must not take every connection with it; the table is whole between writes.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// A Core that runs this design.
    pub fn new(design: Design, options: CoreOptions) -> Core {
        let limits = Limits {
            idle: options.idle_limit,
            request: options.request_limit,
            output: options.output_limit,
        };
        Core {
            shared: Arc::new(Shared {
                inner: Mutex::new(Inner {
                    engine: Engine::new(design, options),
                    outboxes: Outboxes::default(),
                    planned: None,
                }),
                woken: Notify::new(),
                beat: tokio::sync::Mutex::new(()),
                limits,
                clock: Clock {
                    started: Mutex::new(None),
                },
            }),
        }
    }

    /// Adds a script; it starts at once and runs while the Core is served.
    pub fn add_script(&self, script: Box<dyn Script>) {
        self.with(|inner, now| inner.engine.add_script(now, script));
    }

    /// Serves QRC on a bound listener until `stop`, then closes its connections. Several listeners may be served.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
        server::serve(self, listener, stop).await
    }

    /// Restarts the Core: connections and groups are gone, indicators are reset, scripts start again; texts and what
    /// people set stay.
    pub fn restart(&self) {
        self.with(|inner, now| inner.engine.restart(now, &mut inner.outboxes));
    }

    /// Closes all connections, as a pulled cable that is plugged in again would not.
    pub fn drop_connections(&self) {
        self.with(|inner, _| {
            for (connection, outbox) in std::mem::take(&mut inner.outboxes.0) {
                inner.engine.disconnect(connection);
                outbox.close();
            }
        });
    }

    /// Changes the `Status` of the EngineStatus, 0 to 5, and tells every connection.
    pub fn set_status(&self, code: u8, text: &str) {
        self.with(|inner, _| inner.engine.set_status(code, text, &mut inner.outboxes));
    }

    /// Makes the Core Active, Standby or Idle and tells every connection.
    pub fn set_state(&self, state: CoreState) {
        self.with(|inner, _| inner.engine.set_state(state, &mut inner.outboxes));
    }

    /// Hands the running design to the other Core of a pair; nobody is active until `to` has taken over.
    pub(super) fn retire(&self) -> Estate {
        self.with(|inner, _| inner.engine.retire(&mut inner.outboxes))
    }

    pub(super) fn take_over(&self, estate: Estate) {
        self.with(|inner, now| inner.engine.take_over(now, estate, &mut inner.outboxes));
    }

    /// Whether the Core is Active, Standby or Idle.
    pub fn state(&self) -> CoreState {
        lock(&self.shared.inner).engine.state()
    }

    /// Access to the controls from the program around the Core. Not from inside a script: it has its own.
    pub fn with_controls<R>(&self, f: impl FnOnce(&mut Controls<'_>) -> R) -> R {
        self.with(|inner, _| f(&mut inner.engine.controls()))
    }

    /// What the Core has counted.
    pub fn stats(&self) -> CoreStats {
        lock(&self.shared.inner).engine.stats()
    }

    fn now(&self) -> Duration {
        self.shared.clock.started().elapsed()
    }

    fn with<R>(&self, f: impl FnOnce(&mut Inner, Duration) -> R) -> R {
        let now = self.now();
        let mut inner = lock(&self.shared.inner);
        inner.engine.set_now(now);
        let result = f(&mut inner, now);
        let next = inner.engine.next_wake();
        let earlier = match (next, inner.planned) {
            (Some(next), Some(planned)) => next < planned,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if earlier {
            inner.planned = next;
            drop(inner);
            self.shared.woken.notify_one();
        }
        result
    }

    pub(super) fn limits(&self) -> Limits {
        self.shared.limits
    }

    pub(super) fn connect(&self) -> Option<(ConnectionId, Arc<Outbox>)> {
        let outbox = Arc::new(Outbox::new(self.shared.limits.output));
        let connection = self.with(|inner, now| {
            let Inner {
                engine, outboxes, ..
            } = inner;
            let connection = engine.admit(now)?;
            outboxes.0.insert(connection, outbox.clone());
            engine.greet(connection, outboxes);
            Some(connection)
        })?;
        Some((connection, outbox))
    }

    pub(super) fn disconnect(&self, connection: ConnectionId) {
        self.with(|inner, _| {
            inner.engine.disconnect(connection);
            if let Some(outbox) = inner.outboxes.0.remove(&connection) {
                outbox.close();
            }
        });
    }

    pub(super) fn receive(&self, connection: ConnectionId, frame: &[u8]) {
        self.with(|inner, now| {
            let Inner {
                engine, outboxes, ..
            } = inner;
            engine.receive(now, connection, frame, outboxes);
        });
    }

    /// Lets the Core's time pass until `stop`; of several callers one at a time does so.
    pub(super) async fn beat(&self, stop: &CancellationToken) {
        let _turn = tokio::select! {
            turn = self.shared.beat.lock() => turn,
            () = stop.cancelled() => return,
        };
        loop {
            let next = {
                let now = self.now();
                let mut inner = lock(&self.shared.inner);
                let Inner {
                    engine,
                    outboxes,
                    planned,
                } = &mut *inner;
                engine.advance(now, outboxes);
                *planned = engine.next_wake();
                *planned
            };
            let due = next.map(|next| self.shared.clock.started() + next);
            tokio::select! {
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                () = self.shared.woken.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
