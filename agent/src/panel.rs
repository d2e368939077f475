//! The panel: writes the status into the plugin's mailbox and to plain Named Controls, and does what they
//! ask for.

mod heartbeat;
mod mailbox;
mod plain;
mod requests;

mod component;
mod named;

mod desk;

use std::sync::Arc;
use std::time::Duration;

use contract::control::{REQUEST, VERSION};
use qrc::{ControlId, Reading, WatchEvent};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub(crate) use named::names;

use crate::context::Context;
use crate::qsys_core::Plugin;
use crate::record::PanelState;
use crate::status::Status;
use component::Component;
use desk::{Answer, Desk, Way};
use heartbeat::HEARTBEAT_EVERY;
use mailbox::text_of;
use named::Named;
use plain::Picture;

/// At most four writes a second go to the Core.
const TICK: Duration = Duration::from_millis(250);
/// How often the agent looks for requests; a press waits half of this on average.
const REQUEST_EVERY: Duration = Duration::from_millis(100);

/// Serves the panel until `stop`. Trouble with the panel never affects the recording.
pub(crate) async fn serve(context: Arc<Context>, stop: CancellationToken) {
    let selection = qrc::Selection {
        include: [REQUEST, VERSION]
            .map(|name| {
                let code_name = globset::escape(&context.settings().panel.code_name);
                format!("{code_name}.{name}")
            })
            .into(),
        rate: REQUEST_EVERY,
        max_groups: 1,
        ..qrc::Selection::default()
    };
    let watch = loop {
        let watched = tokio::select! {
            () = stop.cancelled() => return,
            watched = context.core.watch(selection.clone()) => watched,
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
    let mut panel = Panel::new(context);
    // A write to a silent Core may take long; stopping does not wait for it. Its answer is lost then,
    // and the next agent finds the request pending and refuses it.
    tokio::select! {
        () = stop.cancelled() => {}
        () = panel.run(watch) => {}
    }
}

struct Panel {
    context: Arc<Context>,
    component: Component,
    named: Named,
    /// The component wrote last, so the Named Controls have the next turn.
    component_wrote: bool,
    desk: Desk,
    answers: mpsc::Receiver<Answer>,
}

impl Panel {
    fn new(context: Arc<Context>) -> Self {
        let (tell, answers) = mpsc::channel(16);
        let settings = &context.settings().panel;
        let links = context.core.links().into_iter().map(|(_, link)| link);
        Self {
            component: Component::new(&settings.code_name),
            named: Named::new(&settings.named_control_prefix, links.collect()),
            component_wrote: false,
            desk: Desk::new(context.clone(), tell),
            answers,
            context,
        }
    }

    /// Until the watch ends.
    async fn run(&mut self, mut watch: qrc::Watch) {
        let [mut tick, mut look] = [TICK, REQUEST_EVERY].map(interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = watch.next() => match event {
                    Some(event) => self.on_event(event).await,
                    None => return,
                },
                Some(answer) = self.answers.recv() => self.tell(answer),
                _ = tick.tick() => self.publish().await,
                _ = look.tick(), if self.named.asks() => self.look().await,
            }
        }
    }

    async fn on_event(&mut self, event: WatchEvent) {
        match event {
            WatchEvent::Inventory(design) => self.component.find(&design),
            WatchEvent::State { readings, .. } => {
                self.component.write_anew();
                self.named.connected();
                for (control, reading) in readings {
                    self.on_reading(control, &reading, true).await;
                }
            }
            WatchEvent::Changes { changes, .. } => {
                for change in changes {
                    self.on_reading(change.control, &change.reading, false)
                        .await;
                }
            }
            WatchEvent::Lost { .. } => self.named.lost(),
            WatchEvent::Gap { .. } => {}
        }
    }

    /// Takes a reading of one of the plugin's controls; `found` if it is the first after a connect.
    async fn on_reading(&mut self, control: ControlId, reading: &Reading, found: bool) {
        if self.component.is_request(control) {
            let answer = self.desk.plugin_asks(&text_of(reading), found).await;
            answer.into_iter().for_each(|answer| self.tell(answer));
        }
        if self.component.is_version(control) {
            self.context.live_facts.set_plugin(Plugin {
                code_name: self.context.settings().panel.code_name.clone(),
                version: text_of(reading),
            });
        }
    }

    /// Reads what Named Controls ask for.
    async fn look(&mut self) {
        if !self.context.link_is_up() {
            return;
        }
        for asking in self.named.look(&self.context.core).await {
            let answer = self.desk.named_asks(asking).await;
            answer.into_iter().for_each(|answer| self.tell(answer));
        }
    }

    /// Answers are written with the next ticks.
    fn tell(&mut self, answer: Answer) {
        match answer.way {
            Way::Plugin => self.component.acknowledge(answer.ack),
            Way::Named(control) => self.named.answer(control, &answer.ack),
        }
    }

    /// Writes what changed. The plugin and the Named Controls take turns, so that together they
    /// write once a tick.
    async fn publish(&mut self) {
        if !self.context.link_is_up() {
            return;
        }
        if self.named.is_to_seek() {
            self.named.seek(&self.context.core).await;
            if !self.named.is_to_seek() {
                self.note_found();
            }
        }
        if !self.component.is_there() && self.named.count() == 0 {
            return;
        }
        let jobs = &self.context.jobs;
        let status = Status::of_agent(&self.context);
        let state = mailbox::state(
            &status,
            &jobs.backups(),
            jobs.current(),
            jobs.undo_available(),
            self.context.settings().panel.pin.is_some(),
        );
        let picture = Picture {
            status: &status,
            state: &state,
        };
        let core = &self.context.core;
        if std::mem::take(&mut self.component_wrote) && self.named.write_one(core, &picture).await {
            return;
        }
        self.component_wrote = self.component.publish(core, &state).await;
        if !self.component_wrote {
            self.named.write_one(core, &picture).await;
        }
    }

    fn note_found(&self) {
        let settings = &self.context.settings().panel;
        let (code_name, prefix) = (&settings.code_name, &settings.named_control_prefix);
        let named = self.named.count();
        self.context.live_facts.set_named_controls(named);
        if named > 0 {
            tracing::info!("panel: found {named} Named Controls {prefix}…");
        }
        if self.component.is_there() {
            tracing::info!("panel: found component {code_name}");
            self.context.live_facts.set_panel(PanelState::Found);
            return;
        }
        self.context.live_facts.set_panel(PanelState::Absent);
        if named == 0 {
            tracing::warn!(
                "panel: the design shows no component {code_name}; set the plugin's Code Name so \
                 and its Script Access to External or All, or set panel.code_name"
            );
        }
    }
}
