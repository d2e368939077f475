//! Takes requests in: checks each, does one at a time, and writes it down.

use std::path::Path;
use std::sync::Arc;

use contract::control::REQUEST;
use contract::{Ack, AckResult};
use tokio::sync::mpsc;

use super::named::{Asking, What};
use super::requests::{Claim, Judgement, Kind, Requests, Target, WINDOW_MS};
use crate::audit;
use crate::audit::{Act, Asked};
use crate::context::Context;
use crate::documents::Backup;
use crate::failure::{Failure, Outcome};
use crate::jobs::{Asker, Jobs, Turn};
use crate::moment::{self, Moment};
use crate::site::{RestoreRequest, Source, UndoRequest};
use crate::words::{count, events};

/// The way that a request came; its answers go back the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The plugin's mailbox.
    Plugin,
    /// A Named Control, without the prefix.
    Named(&'static str),
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) way: Way,
    pub(super) ack: Ack,
}

/// Takes requests in.
pub(super) struct Desk {
    context: Arc<Context>,
    requests: Requests,
    /// Jobs run beside the panel and send their results here.
    answers: mpsc::Sender<Answer>,
}

impl Desk {
    pub(super) fn new(context: Arc<Context>, answers: mpsc::Sender<Answer>) -> Self {
        let pin = context.settings().panel.pin.clone();
        let requests = Requests::new(pin, lately_answered(&context.settings().store.path));
        Self {
            context,
            requests,
            answers,
        }
    }

    /// A text that lay in the plugin's mailbox when the agent connected, or has just come.
    pub(super) async fn plugin_asks(&mut self, text: &str, waited: bool) -> Option<Answer> {
        let judgement = self.judge(text, waited);
        self.act(Way::Plugin, judgement).await
    }

    /// What Named Controls ask for.
    pub(super) async fn named_asks(&mut self, asking: Asking) -> Option<Answer> {
        let way = Way::Named(asking.control);
        let judgement = match asking.what {
            What::Text(text) => self.judge(&text, asking.waited),
            What::Press(kind) => {
                Requests::pressed(asking.control, kind, asking.waited, moment::now())
            }
        };
        self.act(way, judgement).await
    }

    fn judge(&mut self, text: &str, waited: bool) -> Judgement {
        if waited {
            self.requests.found_pending(text)
        } else {
            self.requests.appeared(text, moment::now())
        }
    }

    /// The first answer, if there is one to give.
    async fn act(&self, way: Way, judgement: Judgement) -> Option<Answer> {
        match judgement {
            Judgement::Nothing => None,
            Judgement::Refuse { claim, why } => Some(self.refuse(way, claim, why).await),
            Judgement::Honour { claim, kind } => Some(self.start(way, claim, kind).await),
        }
    }

    async fn refuse(&self, way: Way, claim: Claim, why: String) -> Answer {
        let asked = self.asked(way, &claim);
        let Claim {
            id, what, about, ..
        } = claim;
        tracing::warn!(place = %asked.place, request = %id, "panel request refused: {what}: {why}");
        let act = Act { what, about };
        self.context.audit.refused(asked, act, why.clone()).await;
        Answer {
            way,
            ack: ack(id, AckResult::Refused, why),
        }
    }

    async fn start(&self, way: Way, claim: Claim, kind: Kind) -> Answer {
        let place = match self.context.jobs.place(claim.what, Asker::Panel) {
            Ok(place) => place,
            Err(failure) => return self.refuse(way, claim, failure.to_string()).await,
        };
        let asked = self.asked(way, &claim);
        let Claim {
            id, what, about, ..
        } = claim;
        tracing::info!(place = %asked.place, request = %id, "panel request: {kind:?}");
        let accepted = ack(
            id.clone(),
            AckResult::Accepted,
            place.waits().unwrap_or_default(),
        );
        let context = self.context.clone();
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let act = Act { what, about };
            // The row is begun before the wait: what waits when the agent is killed is never done later.
            let operation = async { run(&context.jobs, place.turn().await?, kind).await };
            let outcome = context.audit.of(asked, act, operation, Clone::clone).await;
            let ack = match outcome {
                Ok(text) => ack(id, AckResult::Done, text),
                Err(failure) => ack(id, AckResult::Failed, failure.to_string()),
            };
            // Nobody listens once the service stops.
            let _ = answers.send(Answer { way, ack }).await;
        });
        // The job does not wait for a slow Core; its result comes through the channel, after this.
        Answer { way, ack: accepted }
    }

    /// Which Core and control asked; QRC does not tell which person.
    fn asked(&self, way: Way, claim: &Claim) -> Asked {
        let (host, _) = self.context.core.link();
        let panel = &self.context.settings().panel;
        let control = match way {
            Way::Plugin => format!("{}.{REQUEST}", panel.code_name),
            Way::Named(name) => format!("Named Control {}{name}", panel.named_control_prefix),
        };
        Asked {
            asker: "panel",
            place: format!("Core {host}, {control}"),
            design: self.context.design(),
            request: Some(claim.id.clone()).filter(|id| !id.is_empty()),
            asked_ms: claim.at_ms,
        }
    }
}

fn ack(id: String, result: AckResult, text: String) -> Ack {
    Ack { id, result, text }
}

/// The requests that an earlier agent answered and that would not be stale yet.
fn lately_answered(store: &Path) -> Vec<String> {
    let since = moment::now() - 2 * WINDOW_MS;
    match audit::rows(store, Some(since), 1000) {
        Ok(rows) => rows.into_iter().filter_map(|row| row.request).collect(),
        Err(failure) => {
            tracing::warn!("panel: what was answered before the start is not known: {failure}");
            Vec::new()
        }
    }
}

/// Does what was asked; the panel shows the result.
async fn run(jobs: &Jobs, turn: Turn, kind: Kind) -> Outcome<String> {
    match kind {
        Kind::Backup => {
            let made = jobs.backup(turn).await?;
            Ok(Backup::from(&made).in_words())
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
            let said = plan.of_moment.iter().map(|note| format!("; {note}"));
            let said: String = said.collect();
            let left_out = match plan.days_left_out.is_empty() {
                true => String::new(),
                false => format!(
                    ", NOT {}, damaged in the archive",
                    plan.days_left_out.join(" and ")
                ),
            };
            Ok(format!(
                "Would go to {}: {} come back, {} go{left_out}{most}{said}",
                shown(plan.would_restore_to),
                events(plan.events_gained),
                count(plan.events_lost)
            ))
        }
        Kind::Restore(target) => {
            let restored = jobs.restore(turn, request(target)).await?;
            Ok(restored.in_words())
        }
        // What was recorded since stays: nobody was shown it.
        Kind::Undo => Ok(jobs.undo(turn, UndoRequest::default()).await?.in_words()),
    }
}

/// The panel has shown what would be lost, and somebody armed and confirmed it, so it is forced; undo takes it back.
fn request(target: Target) -> RestoreRequest {
    let (from, at) = match target {
        Target::Backup(id) => (Source::Backup(id), None),
        Target::Moment(at) => (Source::Latest, Some(at)),
    };
    RestoreRequest {
        from,
        at,
        time: None,
        keep_newer: false,
        force: true,
    }
}

fn shown(time: Option<Moment>) -> String {
    time.map_or_else(|| "an empty store".to_owned(), Moment::local)
}
