//! The service: starts everything in the order in which data flows, and stops it in the same order.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::{Act, Asked, Audit};
use crate::context::Context;
use crate::documents::Pruned;
use crate::failure::{Failure, Outcome};
use crate::folder;
use crate::jobs::Jobs;
use crate::moment;
use crate::panel;
use crate::qsys_core::Core;
use crate::record::Counts;
use crate::record::Damage;
use crate::record::LiveFacts;
use crate::record::{Shipped, Shipping, translate};
use crate::settings::Settings;
use crate::site::Site;
use crate::socket;
use crate::socket::answers;
use crate::status::{self, Status};
use crate::store_user::StoreUser;

/// A started service.
pub(crate) struct Service {
    pub(crate) context: Arc<Context>,
    /// Ends the tasks that ask for something: panel, schedule, callers.
    stop: CancellationToken,
    tasks: TaskTracker,
    recording: tokio::task::JoinHandle<()>,
    writer: backup::RecorderThread,
    shipping: Shipping,
}

impl Service {
    /// Starts recording at once, with or without a Core that answers. Waits while a command such as an import has the
    /// store; `None` where `stop` comes meanwhile. Fails when another agent has the store, or the store cannot be made.
    pub(crate) async fn start(
        site: Site,
        stop: &mut (impl Future<Output = Outcome<()>> + Unpin),
    ) -> Outcome<Option<Self>> {
        let settings = &site.settings;
        let Some(host) = settings.core.host.clone() else {
            return Err(Failure::usage("no Core is named").hint(
                "set QSYS_HOST, or host under [core] in qsys-agent.toml; \
                 `qsys-agent demo` needs no Core",
            ));
        };
        let other = "set another path";
        folder::make(site.store_path(), "the store's folder", other)?;
        folder::make(site.archive_path(), "the archive's folder", other)?;
        let site = Arc::new(site);
        let store = site.store_path();

        let Some((recorder, writer)) = start_recorder(&site, stop).await? else {
            return Ok(None);
        };
        site.recorded_by(&recorder);
        let audit = Audit::of_store(store);
        audit.close_open_rows();
        let socket = socket::Listener::bind(store)?;

        let core = Core::start(&host, &site.settings.core);
        let live_facts = Arc::new(LiveFacts::default());
        let shipped = Arc::new(Shipped::default());
        let shipping = Shipping::start(site.clone(), shipped.clone())?;
        let jobs = Jobs::new(site.clone(), recorder.clone(), live_facts.clone());
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let counts = Counts::start(site.store()?, recorder.clone(), stop.clone(), &tasks).await;
        let damage = Damage::start(
            site.clone(),
            recorder.clone(),
            counts.clone(),
            stop.clone(),
            &tasks,
        )
        .await;
        let context = Arc::new(Context {
            counts,
            damage,
            audit,
            site,
            core,
            recorder,
            jobs,
            live_facts,
            shipped,
        });

        let recording = tokio::spawn(record_forever(context.clone(), stop.clone()));
        tasks.spawn(panel::serve(context.clone(), stop.clone()));
        tasks.spawn(run_schedule(context.clone(), stop.clone()));
        for (host, link) in context.core.links() {
            tasks.spawn(report_link(host, link, stop.clone()));
        }
        let callers = context.clone();
        tasks.spawn(socket::answer_all(
            socket,
            stop.clone(),
            move |request, caller, steps| answers::answer(callers.clone(), request, caller, steps),
        ));
        Ok(Some(Self {
            context,
            stop,
            tasks,
            recording,
            writer,
            shipping,
        }))
    }

    /// Stops in the order in which data flows: first the requests, then the changes; what is in memory
    /// is committed, then shipped.
    pub(crate) async fn stop(self) -> Outcome<()> {
        self.stop.cancel();
        self.context.jobs.stop();
        self.tasks.close();
        self.tasks.wait().await;
        self.context.core.shutdown().await;
        if let Err(panic) = self.recording.await {
            tracing::error!("the recording stopped badly: {panic}");
        }
        let recorder = self.context.recorder.clone();
        if let Err(error) = recorder.flush().await {
            tracing::error!("the last changes cannot be committed: {error}");
        }
        let shipping = self.shipping;
        let shipped = tokio::task::spawn_blocking(move || shipping.stop()).await;
        if let Err(panic) = shipped {
            tracing::error!("the last changes were not shipped: {panic}");
        }
        recorder.stop().await?;
        self.writer.join();
        Ok(())
    }
}

/// How often to look whether the store is free, while a command has it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Starts the recorder as soon as no command has the store; `None` where `stop` comes before.
async fn start_recorder(
    site: &Site,
    stop: &mut (impl Future<Output = Outcome<()>> + Unpin),
) -> Outcome<Option<(backup::Recorder, backup::RecorderThread)>> {
    let mut told = None;
    loop {
        let user = match try_to_record(site) {
            Ok(started) => return Ok(Some(started)),
            Err(error) => match StoreUser::named(&error) {
                Some(user) if user.is_command() => user,
                _ => return Err(error.into()),
            },
        };
        if told != Some(user) {
            let store = site.store_path().display();
            tracing::warn!(
                "waiting: {} the store {store}; recording begins when it is done",
                user.does()
            );
            told = Some(user);
        }
        tokio::select! {
            stopped = &mut *stop => return stopped.map(|()| None),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

fn try_to_record(site: &Site) -> backup::Result<(backup::Recorder, backup::RecorderThread)> {
    let store = site.store_path();
    // What a command is doing right now is not interrupted.
    backup::StoreLock::look(store)?;
    if let Some(done) = backup::finish_interrupted(store)? {
        tracing::warn!("an interrupted restore was found at start: {done}");
    }
    site.take_up();
    backup::Recorder::start(store, recorder_options(&site.settings))
}

/// Listens for SIGTERM and Ctrl-C from now on, and waits for the first.
pub(crate) fn stop_signal() -> impl Future<Output = Outcome<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listening = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    async move {
        let [term, interrupt] = listening;
        let (mut term, mut interrupt) = (term?, interrupt?);
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }
}

/// The longest that an answer of the Core takes to arrive, beyond the time between two polls.
const ON_THE_WAY: Duration = Duration::from_secs(1);

fn recorder_options(settings: &Settings) -> backup::RecorderOptions {
    let record = &settings.record;
    let rates = record.rates.iter().map(|(_, every)| *every);
    let slowest = rates.fold(record.every, Duration::max);
    backup::RecorderOptions {
        flush_interval: settings.store.commit_every,
        flush_events: settings.store.commit_events,
        arrival: slowest + ON_THE_WAY,
        ..backup::RecorderOptions::default()
    }
}

/// Watches the design and records it; tries again while the watch cannot be made.
async fn record_forever(context: Arc<Context>, stop: CancellationToken) {
    let settings = &context.settings().panel;
    let ours = panel::names(&settings.named_control_prefix);
    let selection = translate::selection(&context.settings().record, &settings.code_name, ours);
    loop {
        match context.core.watch(selection.clone()).await {
            Ok(watch) => {
                let (recorder, live_facts) = (context.recorder.clone(), context.live_facts.clone());
                tokio::select! {
                    () = translate::record_all(watch, recorder, live_facts) => return,
                    () = tell_what_is_heard(&context) => {}
                }
            }
            Err(error) => tracing::debug!("not yet watching: {error}"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// How often the recorder is told when the Core was heard last.
const TELL: Duration = Duration::from_secs(1);

/// A link that has just died is known to be dead only seconds later. Until then the recorder must not take silence for a
/// quiet room.
async fn tell_what_is_heard(context: &Context) {
    let mut tick = tokio::time::interval(TELL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Some(at) = context.core.heard() {
            context.recorder.heard(translate::unix_ms(at));
        }
    }
}

/// Makes a backup and prunes, each whenever it is due.
async fn run_schedule(context: Arc<Context>, stop: CancellationToken) {
    let mut archive_changed = None;
    loop {
        context.jobs.watch_clock();
        if context.shipped.archive_changed() != archive_changed {
            archive_changed = context.shipped.archive_changed();
            context.jobs.archive_changed().await;
        }
        let schedule = &context.settings().backup.schedule;
        let (history, now) = (context.history(), moment::now());
        let backup = schedule.next_due(&history, now);
        let prune = schedule.next_prune(&history, now);
        let next = backup.map_or(prune, |backup| backup.min(prune));
        // The wall clock may be set meanwhile, so it is read again every few seconds.
        let wait = Duration::from_millis(u64::try_from(next - now).unwrap_or(0));
        tokio::select! {
            () = stop.cancelled() => return,
            () = context.jobs.changed() => continue,
            () = tokio::time::sleep(wait.min(Duration::from_secs(5))) => {}
        }
        if backup_is_due(&context) {
            let Some(turn) = context.jobs.own_turn("backup").await else {
                return;
            };
            // The job before may have been a backup.
            if backup_is_due(&context) {
                let operation = context.jobs.scheduled_backup(turn);
                by_schedule(&context, "backup", operation, Clone::clone).await;
            }
        }
        if moment::now() >= prune {
            let Some(turn) = context.jobs.own_turn("prune").await else {
                return;
            };
            if context.jobs.anything_to_prune(&turn).await {
                let operation = context.jobs.scheduled_prune(turn);
                by_schedule(&context, "prune", operation, Pruned::in_words).await;
            }
        }
    }
}

fn backup_is_due(context: &Context) -> bool {
    let (history, now) = (context.history(), moment::now());
    let due = context.settings().backup.schedule.next_due(&history, now);
    due.is_some_and(|due| due <= now)
}

/// Does it and writes it down. The log and the status tell of a failure; the schedule tries again.
async fn by_schedule<T>(
    context: &Context,
    what: &'static str,
    operation: impl Future<Output = Outcome<T>>,
    said: impl FnOnce(&T) -> String,
) {
    let about = String::new();
    let asked = Asked::by_schedule(context.design());
    let _ = context
        .audit
        .of(asked, Act { what, about }, operation, said)
        .await;
}

/// Writes to the log when a Core comes and goes, and why.
async fn report_link(
    host: String,
    mut link: tokio::sync::watch::Receiver<qrc::Link>,
    stop: CancellationToken,
) {
    loop {
        match &*link.borrow_and_update() {
            qrc::Link::Up(core) => {
                tracing::info!(%host, design = %core.design_name, state = core.state.word(), "Core connected");
            }
            qrc::Link::Connecting {
                attempt,
                last_error: Some(why),
            } => tracing::warn!(%host, attempt, "no link to the Core: {why}"),
            qrc::Link::Refused { reason } => {
                tracing::error!(%host, "the Core refuses: {reason}; check QSYS_USER and QSYS_PIN");
            }
            qrc::Link::Connecting { .. } | qrc::Link::Closed => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = link.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

/// How the status is, for the last line of the log.
pub(crate) fn last_words(status: &Status) -> String {
    let (level, sentence) = status::verdict(status);
    format!("{}: {sentence}", level.word())
}
