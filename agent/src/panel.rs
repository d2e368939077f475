//! The touch panel's other end: writes the status into the plugin's mailbox, honours its requests.

mod mailbox;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use qrc::{ControlId, Value, WatchEvent};
use tokio_util::sync::CancellationToken;

use crate::audit::{Act, Asked};
use crate::facts::PanelState;
use crate::failure::{Failure, Outcome};
use crate::jobs::{Asker, Jobs, Turn};
use crate::local_socket::RestoreRequest;
use crate::output::count;
use crate::parts::Parts;
use crate::plugin::Plugin;
use crate::{audit, gather, moment};
use mailbox::{ACK, Ack, HEARTBEAT, HEARTBEAT_LIMIT, REQUEST, STATE, VERSION};
use requests::{Judgement, Kind, Requests, Target};

/// At most four writes a second go to the Core.
const TICK: Duration = Duration::from_millis(250);
/// The plugin calls the agent offline after three missed ones.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// How often the request mailbox is asked for; half the time from press to start.
const REQUEST_EVERY: Duration = Duration::from_millis(100);

/// Serves the panel until `stop`. Trouble with the panel never reaches the recording.
pub(crate) async fn serve(parts: Arc<Parts>, stop: CancellationToken) {
    let selection = qrc::Selection {
        include: [REQUEST, VERSION]
            .map(|name| {
                let code_name = globset::escape(&parts.settings.panel.code_name);
                format!("{code_name}.{name}")
            })
            .into(),
        exclude: Vec::new(),
        named: Vec::new(),
        rate: REQUEST_EVERY,
        rates: Vec::new(),
        meters: false,
        max_groups: 1,
    };
    let watch = loop {
        let watched = tokio::select! {
            () = stop.cancelled() => return,
            watched = parts.core.watch(selection.clone()) => watched,
        };
        match watched {
            Ok(watch) => break watch,
            Err(error) => {
                tracing::debug!("panel: not yet watched: {error}");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(HEARTBEAT_EVERY) => {}
                }
            }
        }
    };
    let mut panel = Panel::new(parts);
    // A write may wait long for a silent Core; stopping does not wait for the write. Its answer
    // is lost with it, and the next agent finds the request pending and refuses it.
    tokio::select! {
        () = stop.cancelled() => {}
        () = panel.run(watch) => {}
    }
}

struct Panel {
    parts: Arc<Parts>,
    requests: Requests,
    request_control: Option<ControlId>,
    version_control: Option<ControlId>,
    shown: Option<mailbox::State>,
    seq: u64,
    heartbeat: u32,
    beaten: Option<tokio::time::Instant>,
    /// Jobs run beside the panel; their last words come back here.
    acks: (
        tokio::sync::mpsc::Sender<Ack>,
        tokio::sync::mpsc::Receiver<Ack>,
    ),
}

impl Panel {
    fn new(parts: Arc<Parts>) -> Self {
        Self {
            requests: Requests::new(
                parts.settings.panel.pin.clone(),
                lately_answered(&parts.settings.store.path),
            ),
            parts,
            request_control: None,
            version_control: None,
            shown: None,
            seq: 0,
            // Not 0: a plugin that still shows an older agent's 0 would see no beat.
            heartbeat: std::process::id() % HEARTBEAT_LIMIT,
            beaten: None,
            acks: tokio::sync::mpsc::channel(16),
        }
    }

    /// Until the watch ends.
    async fn run(&mut self, mut watch: qrc::Watch) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = watch.next() => match event {
                    Some(event) => self.on_event(event).await,
                    None => return,
                },
                Some(ack) = self.acks.1.recv() => self.acknowledge(ack).await,
                _ = tick.tick() => self.publish().await,
            }
        }
    }

    async fn on_event(&mut self, event: WatchEvent) {
        match event {
            WatchEvent::Inventory(inventory) => {
                let find = |name: &str| {
                    let mut controls = inventory.controls.iter();
                    let found = controls.position(|control| control.name.name == name);
                    found.and_then(|at| u32::try_from(at).ok()).map(ControlId)
                };
                self.request_control = find(REQUEST);
                self.version_control = find(VERSION);
                self.shown = None;
                let code_name = &self.parts.settings.panel.code_name;
                if self.request_control.is_some() {
                    tracing::info!("panel: found component {code_name}");
                    self.parts.facts.set_panel(PanelState::Found);
                } else {
                    tracing::warn!(
                        "panel: the design shows no component {code_name}; set the plugin's Code Name \
                         so and its Script Access to External or All, or set panel.code_name"
                    );
                    self.parts.facts.set_panel(PanelState::Absent);
                }
            }
            WatchEvent::State { readings, .. } => {
                self.shown = None;
                for (control, reading) in readings {
                    if Some(control) == self.request_control {
                        let judgement = self.requests.found_pending(&text_of(&reading));
                        self.act(judgement).await;
                    }
                    self.note_version(control, &reading);
                }
            }
            WatchEvent::Changes { changes, .. } => {
                for change in changes {
                    if Some(change.control) == self.request_control {
                        let text = text_of(&change.reading);
                        let judgement = self.requests.appeared(&text, moment::now());
                        self.act(judgement).await;
                    }
                    self.note_version(change.control, &change.reading);
                }
            }
            WatchEvent::Lost { .. } | WatchEvent::Gap { .. } => {}
        }
    }

    fn note_version(&self, control: ControlId, reading: &qrc::Reading) {
        if Some(control) == self.version_control {
            self.parts.facts.set_plugin(Plugin {
                code_name: self.parts.settings.panel.code_name.clone(),
                version: text_of(reading),
            });
        }
    }

    async fn act(&mut self, judgement: Judgement) {
        let code_name = &self.parts.settings.panel.code_name;
        match judgement {
            Judgement::Nothing => {}
            Judgement::Refuse { id, why } => {
                tracing::warn!(panel = %code_name, request = %id, "panel request refused: {why}");
                self.write_down_refusal(&id, "request", String::new(), &why)
                    .await;
                self.acknowledge(Ack {
                    id,
                    result: "refused",
                    text: why,
                })
                .await;
            }
            Judgement::Honour { id, kind } => {
                tracing::info!(panel = %code_name, request = %id, "panel request: {kind:?}");
                self.start(id, kind).await;
            }
        }
    }

    async fn start(&mut self, id: String, kind: Kind) {
        let Some(turn) = self.parts.jobs.try_turn() else {
            let text = "another job is running; wait for it to end".to_owned();
            tracing::warn!(request = %id, "panel request refused: {text}");
            let (what, about) = kind.in_words();
            self.write_down_refusal(&id, what, about, &text).await;
            self.acknowledge(Ack {
                id,
                result: "refused",
                text,
            })
            .await;
            return;
        };
        let accepted = Ack {
            id: id.clone(),
            result: "accepted",
            text: String::new(),
        };
        let asked = self.asked(&id);
        let parts = self.parts.clone();
        let acks = self.acks.0.clone();
        tokio::spawn(async move {
            let (what, about) = kind.in_words();
            let act = Act { what, about };
            let work = run(&parts.jobs, turn, kind);
            let outcome = parts.audit.of(asked, act, work, Clone::clone).await;
            let ack = match outcome {
                Ok(text) => Ack {
                    id,
                    result: "done",
                    text,
                },
                Err(failure) => Ack {
                    id,
                    result: "failed",
                    text: failure.to_string(),
                },
            };
            // Nobody listens once the service stops.
            let _ = acks.send(ack).await;
        });
        // The job does not wait for a slow Core; its last words come through the channel, after this.
        self.acknowledge(accepted).await;
    }

    /// Which Core and control asked; which person, QRC does not tell.
    fn asked(&self, id: &str) -> Asked {
        let (host, _) = self.parts.core.link();
        let code_name = &self.parts.settings.panel.code_name;
        Asked {
            asker: "panel",
            place: format!("Core {host}, {code_name}.{REQUEST}"),
            request: Some(id.to_owned()),
        }
    }

    async fn write_down_refusal(&self, id: &str, what: &'static str, about: String, why: &str) {
        let act = Act { what, about };
        self.parts
            .audit
            .refused(self.asked(id), act, why.to_owned())
            .await;
    }

    async fn acknowledge(&mut self, ack: Ack) {
        match serde_json::to_string(&ack) {
            // Lost with the link, an answer is made up for by the plugin's own time-out.
            Ok(text) => drop(self.write(vec![(ACK, Value::Text(text.into()))]).await),
            Err(error) => tracing::error!("panel: cannot write an answer: {error}"),
        }
    }

    /// Writes the state when it changed, and the heartbeat when it is due, in one go.
    async fn publish(&mut self) {
        if self.request_control.is_none() || !self.parts.link_is_up() {
            return;
        }
        let status = gather::with_agent(&self.parts);
        let pin_required = self.parts.settings.panel.pin.is_some();
        let state = mailbox::state(
            &status,
            &self.parts.jobs.backups(),
            self.parts.jobs.current(),
            self.parts.jobs.undo_available(),
            pin_required,
        );
        let mut writes = Vec::new();
        if self.shown.as_ref() != Some(&state) {
            match mailbox::wire(&state, self.seq + 1, moment::now()) {
                Ok(text) => writes.push((STATE, Value::Text(text.into()))),
                Err(error) => tracing::error!("panel: cannot write the state: {error}"),
            }
        }
        let due = self
            .beaten
            .is_none_or(|beaten| beaten.elapsed() >= HEARTBEAT_EVERY);
        if due {
            self.heartbeat = (self.heartbeat + 1) % (HEARTBEAT_LIMIT + 1);
            self.beaten = Some(tokio::time::Instant::now());
            writes.push((HEARTBEAT, Value::Number(f64::from(self.heartbeat))));
        }
        if writes.is_empty() {
            return;
        }
        let with_state = writes[0].0 == STATE;
        if self.write(writes).await && with_state {
            self.seq += 1;
            self.shown = Some(state);
        }
    }

    /// One Component.Set. A Core that refuses or is slow costs the panel, not the recording.
    async fn write(&self, controls: Vec<(&'static str, Value)>) -> bool {
        match self.parts.write_panel(controls).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!("panel: not written: {error}");
                false
            }
        }
    }
}

/// The requests that an earlier agent answered so lately that they would not be stale yet.
fn lately_answered(store: &std::path::Path) -> Vec<String> {
    let since = moment::now() - 2 * requests::WINDOW_MS;
    match audit::rows(store, Some(since), 1000) {
        Ok(rows) => rows.into_iter().filter_map(|row| row.request).collect(),
        Err(failure) => {
            tracing::warn!("panel: what was answered before the start is not known: {failure}");
            Vec::new()
        }
    }
}

/// Does what was asked; what it says is shown on the panel.
async fn run(jobs: &Jobs, turn: Turn, kind: Kind) -> Outcome<String> {
    match kind {
        Kind::Backup => {
            let made = jobs.backup(turn, Asker::Panel).await?;
            Ok(format!("Backup {} made and proved", made.id))
        }
        Kind::Verify => {
            let report = jobs.verify(turn).await?;
            if report.ok {
                return Ok(format!("{} files proved", report.checked));
            }
            let findings = report.findings.len();
            Err(Failure::failed(format!(
                "{findings} findings; run `qsys-agent verify`"
            )))
        }
        Kind::Preview(target) => {
            let plan = jobs.preview(turn, request(target)).await?;
            let most = plan.controls.first().map_or(String::new(), |most| {
                format!(", most of them of {}", most.control_path)
            });
            Ok(format!(
                "Would go to {}: {} events come back, {} go{most}",
                shown(plan.would_restore_to.as_deref()),
                count(plan.events_gained),
                count(plan.events_lost)
            ))
        }
        Kind::Restore(target) => {
            let restored = jobs.restore(turn, request(target)).await?;
            Ok(format!(
                "Restored to {}, {} events",
                shown(restored.restored_to.as_deref()),
                count(restored.events)
            ))
        }
        Kind::Undo => Ok(format!("Taken back: {}", jobs.undo(turn).await?.undone)),
    }
}

/// The panel has shown what goes, armed and confirmed: it goes, and undo keeps it.
fn request(target: Target) -> RestoreRequest {
    let (what, at) = match target {
        Target::Backup(id) => (id, None),
        Target::Moment(at) => ("latest".to_owned(), Some(at)),
    };
    RestoreRequest {
        what,
        at,
        keep_newer: false,
        force: true,
    }
}

fn shown(time: Option<&str>) -> String {
    let moment = time.and_then(|time| moment::parse(time).ok());
    moment.map_or_else(|| "an empty store".to_owned(), moment::local)
}

fn text_of(reading: &qrc::Reading) -> String {
    match (&reading.string, &reading.value) {
        (Some(text), _) | (None, Some(Value::Text(text))) => text.to_string(),
        _ => String::new(),
    }
}
