//! The handle of a simulated Core: one engine behind a lock, its clock, and its connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bench::{Due, Treatment};
use crate::design::Design;
use crate::engine::{CoreState, CoreStats, Engine, Estate};
use crate::faults::Fault;
use crate::faulty_link::FaultyLink;
use crate::groups::ConnectionId;
use crate::options::CoreOptions;
use crate::queue::Queue;
use crate::script::{Controls, Script};

/// A simulated Core. All clones are handles of the same Core.
///
/// Its clock is tokio's: a test that pauses and advances tokio's time moves the Core's time.
#[derive(Clone)]
pub struct Core {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    /// Signals that the next wake may be earlier.
    woken: Notify,
    /// Held by the one task that lets time pass.
    beat: tokio::sync::Mutex<()>,
    limits: Limits,
    /// When the Core was first used, on the clock of that runtime.
    started: Mutex<Option<Instant>>,
    /// Whether connections must ask for faults before they read and write.
    faulty: AtomicBool,
}

/// The limits that a connection's tasks need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) idle: Option<Duration>,
    pub(crate) request: usize,
    output: usize,
}

struct Inner {
    engine: Engine,
    link: FaultyLink,
    /// When the task that lets time pass wakes next.
    planned: Option<Duration>,
    away_until: Duration,
    stalled_until: Duration,
    partner: Option<Weak<Shared>>,
}

impl Inner {
    fn next_wake(&mut self, now: Duration) -> Option<Duration> {
        let engine = self.engine.next_wake();
        let faults = self.link.bench.next_due(now);
        [engine, faults, self.link.next_release()]
            .into_iter()
            .flatten()
            .min()
    }

    fn drop_connections(&mut self) {
        for connection in self.link.close_all() {
            self.engine.disconnect(connection);
        }
    }

    /// Does what the fault bench asks for now. Returns failovers for the caller, because they need another Core's lock.
    fn strike(&mut self, now: Duration) -> Vec<Duration> {
        let mut failovers = Vec::new();
        for due in self.link.bench.take_due(now) {
            tracing::debug!(?due, "fault");
            match due {
                Due::Drop(time) => {
                    self.away_until = now + time;
                    self.drop_connections();
                }
                Due::Restart(time) => {
                    self.away_until = now + time;
                    self.engine.restart(now, &mut self.link);
                }
                Due::Stall(time) => self.stalled_until = now + time,
                Due::Failover(time) => failovers.push(time),
                Due::Flood(count) => self.engine.flood(count, &mut self.link.bench.random),
            }
        }
        failovers
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A script that panics must not end every connection. The table is whole between writes, so a poisoned lock is
    // usable.
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
                    link: FaultyLink::new(options.seed),
                    engine: Engine::new(design, options),
                    planned: None,
                    away_until: Duration::ZERO,
                    stalled_until: Duration::ZERO,
                    partner: None,
                }),
                woken: Notify::new(),
                beat: tokio::sync::Mutex::new(()),
                limits,
                started: Mutex::new(None),
                faulty: AtomicBool::new(false),
            }),
        }
    }

    /// Adds a script. It starts at once and runs while the Core is served.
    pub fn add_script(&self, script: Box<dyn Script>) {
        self.with(|inner, now| inner.engine.add_script(now, script));
    }

    /// The fault bench.
    pub fn faults(&self) -> Faults<'_> {
        Faults { core: self }
    }

    /// Restarts the Core: connections and groups end, indicators fall back, scripts start again. Texts and values that
    /// people set stay.
    pub fn restart(&self) {
        self.with(|inner, now| inner.engine.restart(now, &mut inner.link));
    }

    /// Deploys another design: connections end and scripts start again. A [`ControlKey`](crate::ControlKey) of the
    /// earlier design must not be used any more.
    pub fn deploy(&self, design: Design) {
        self.with(|inner, now| inner.engine.deploy(now, design, &mut inner.link));
    }

    /// Closes all connections; new ones may come at once.
    pub fn drop_connections(&self) {
        self.with(|inner, _| inner.drop_connections());
    }

    /// Sets the `Status` of the EngineStatus, a code from 0 to 5 and its text, and sends it to every connection.
    pub fn set_status(&self, code: u8, text: &str) {
        self.with(|inner, _| inner.engine.set_status(code, text, &mut inner.link));
    }

    /// Makes the Core Active, Standby or Idle, and tells every connection.
    pub fn set_state(&self, state: CoreState) {
        self.with(|inner, _| inner.engine.set_state(state, &mut inner.link));
    }

    /// Whether the Core is Active, Standby or Idle.
    pub fn state(&self) -> CoreState {
        lock(&self.shared.inner).engine.state()
    }

    /// Access to the controls for the program around the Core. Do not call it inside a script, which has its own
    /// access.
    pub fn with_controls<R>(&self, f: impl FnOnce(&mut Controls<'_>) -> R) -> R {
        self.with(|inner, _| f(&mut inner.engine.controls()))
    }

    /// What the Core has counted.
    pub fn stats(&self) -> CoreStats {
        lock(&self.shared.inner).engine.stats()
    }

    /// Stops running the design and returns it for the other Core of a pair. No Core is active until that one takes
    /// over.
    pub(crate) fn retire(&self) -> Estate {
        self.with(|inner, _| inner.engine.retire(&mut inner.link))
    }

    pub(crate) fn take_over(&self, estate: Estate) {
        self.with(|inner, now| inner.engine.take_over(now, estate, &mut inner.link));
    }

    /// Makes two Cores partners, for faults that ask for a failover.
    pub(crate) fn make_partners(&self, other: &Core) {
        for (core, partner) in [(self, other), (other, self)] {
            lock(&core.shared.inner).partner = Some(Arc::downgrade(&partner.shared));
        }
    }

    /// The active Core of a pair hands over after a time. A Core without a partner is on standby for that time.
    fn fail_over(&self, gap: Duration) {
        let partner = lock(&self.shared.inner)
            .partner
            .as_ref()
            .and_then(Weak::upgrade);
        let partner = partner.map_or_else(|| self.clone(), |shared| Core { shared });
        let (from, to) = if self.state() == CoreState::Active {
            (self.clone(), partner)
        } else if partner.state() == CoreState::Active {
            (partner, self.clone())
        } else {
            return;
        };
        tokio::spawn(async move {
            let estate = from.retire();
            tokio::time::sleep(gap).await;
            to.take_over(estate);
        });
    }

    fn now(&self) -> Duration {
        self.started().elapsed()
    }

    fn started(&self) -> Instant {
        *lock(&self.shared.started).get_or_insert_with(Instant::now)
    }

    fn with<R>(&self, f: impl FnOnce(&mut Inner, Duration) -> R) -> R {
        let now = self.now();
        let mut inner = lock(&self.shared.inner);
        inner.engine.set_now(now);
        inner.link.set_now(now);
        let result = f(&mut inner, now);
        let next = inner.next_wake(now);
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

    pub(crate) fn limits(&self) -> Limits {
        self.shared.limits
    }

    pub(crate) fn connect(&self) -> Option<(ConnectionId, Arc<Queue>)> {
        let queue = Arc::new(Queue::new(self.shared.limits.output));
        let connection = self.with(|inner, now| {
            if now < inner.away_until {
                return None;
            }
            let connection = inner.engine.admit(now)?;
            inner.link.open(connection, queue.clone());
            inner.engine.greet(connection, &mut inner.link);
            Some(connection)
        })?;
        Some((connection, queue))
    }

    pub(crate) fn disconnect(&self, connection: ConnectionId) {
        self.with(|inner, _| {
            inner.engine.disconnect(connection);
            crate::sink::Sink::close(&mut inner.link, connection);
        });
    }

    pub(crate) fn receive(&self, connection: ConnectionId, frame: &[u8]) {
        self.with(|inner, now| {
            inner
                .engine
                .receive(now, connection, frame, &mut inner.link);
        });
    }

    /// Whether connections must ask for faults before they read and write.
    pub(crate) fn is_faulty(&self) -> bool {
        self.shared.faulty.load(Ordering::Relaxed)
    }

    /// Waits while the Core is stalled.
    pub(crate) async fn while_stalled(&self) {
        loop {
            let until = self.started() + lock(&self.shared.inner).stalled_until;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// What to do with the next frame to write.
    pub(crate) fn treat(&self) -> Treatment {
        let now = self.now();
        lock(&self.shared.inner).link.bench.treat(now)
    }

    /// A random size for a piece of a frame, in bytes.
    pub(crate) fn piece(&self) -> usize {
        lock(&self.shared.inner).link.bench.random.usize(1..=512)
    }

    /// Lets the Core's time pass until `stop`. Of several callers only one does so at a time.
    pub(crate) async fn beat(&self, stop: &CancellationToken) {
        let _turn = tokio::select! {
            turn = self.shared.beat.lock() => turn,
            () = stop.cancelled() => return,
        };
        loop {
            let (next, failovers) = {
                let now = self.now();
                let mut inner = lock(&self.shared.inner);
                inner.link.set_now(now);
                let inner = &mut *inner;
                inner.engine.advance(now, &mut inner.link);
                inner.link.release();
                let failovers = inner.strike(now);
                inner.planned = inner.next_wake(now);
                (inner.planned, failovers)
            };
            for gap in failovers {
                self.fail_over(gap);
            }
            let due = next.map(|next| self.started() + next);
            tokio::select! {
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                () = self.shared.woken.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

/// What goes wrong at a Core and on its network.
pub struct Faults<'a> {
    core: &'a Core,
}

impl Faults<'_> {
    /// Switches a fault on. Its times count from now. A plain [`FaultKind`](crate::FaultKind) strikes at once, or hits
    /// every frame.
    ///
    /// ```
    /// # use qrc_sim::{Core, CoreOptions, Design, Fault, FaultKind};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # let _guard = runtime.enter();
    /// let core = Core::new(Design::new("Hall", "code"), CoreOptions::default());
    /// core.faults().add("drop@after=5s,every=30s".parse::<Fault>()?);
    /// core.faults().add(FaultKind::Split(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add(&self, fault: impl Into<Fault>) {
        self.core.shared.faulty.store(true, Ordering::Relaxed);
        self.core
            .with(|inner, now| inner.link.bench.add(now, fault.into()));
    }

    /// Switches all faults off, and ends a stall or an absence under way.
    pub fn clear(&self) {
        self.core.with(|inner, now| {
            inner.link.bench.clear();
            inner.away_until = now;
            inner.stalled_until = now;
        });
    }

    /// How often faults have struck.
    pub fn hits(&self) -> u64 {
        lock(&self.core.shared.inner).link.bench.hits()
    }
}
