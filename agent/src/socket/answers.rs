//! What the running agent answers to the command line's requests.

use std::sync::Arc;

use backup::Progress as _;
use serde::Serialize;

use super::call::{Caller, Request};
use crate::audit::Asked;
use crate::context::Context;
use crate::documents::{Backup, Imported, Pruned, Restored, Undone};
use crate::failure::{Failure, Outcome};
use crate::jobs::{Asker, Jobs, Steps, Turn};
use crate::status::Status;

/// Does what is asked, tells its steps and returns its document. If it may change something, it is written down.
pub(crate) async fn answer(
    context: Arc<Context>,
    request: Request,
    caller: Caller,
    steps: Steps,
) -> Outcome<serde_json::Value> {
    // The status is no job: it is told at once, whatever runs.
    if request == Request::Status {
        return document(&Status::of_agent(&context));
    }
    let asked = Asked::by_command_line(caller.user, caller.process, context.design());
    let asker = Asker::CommandLine(asked.place.clone());
    let act = request.act();
    let place = match context.jobs.place(request.what(), asker) {
        Ok(place) => place,
        Err(failure) => {
            if let Some(act) = act {
                let why = failure.to_string();
                context.audit.refused(asked, act, why).await;
            }
            return Err(failure);
        }
    };
    if let Some(words) = place.waits() {
        steps.step(&words, 0, 0);
    }
    let jobs = context.jobs.told_to(steps);
    let operation = async { perform(&context, &jobs, place.turn().await?, request).await };
    let done = match act {
        Some(act) => {
            let audit = &context.audit;
            audit
                .of(asked, act, operation, |done| done.said.clone())
                .await
        }
        None => operation.await,
    };
    Ok(done?.document)
}

/// What was done: for the caller, and in words for the audit.
struct Done {
    document: serde_json::Value,
    said: String,
}

impl Done {
    fn new<T: Serialize>(done: &T, said: impl FnOnce(&T) -> String) -> Outcome<Self> {
        Ok(Self {
            document: document(done)?,
            said: said(done),
        })
    }
}

async fn perform(context: &Context, jobs: &Jobs, turn: Turn, request: Request) -> Outcome<Done> {
    match request {
        Request::Status => Done::new(&Status::of_agent(context), |_| String::new()),
        Request::Backup => {
            let made = jobs.backup(turn).await?;
            Done::new(&Backup::from(&made), Backup::in_words)
        }
        Request::Restore(request) => {
            Done::new(&jobs.restore(turn, request).await?, Restored::in_words)
        }
        Request::Undo(request) => Done::new(&jobs.undo(turn, request).await?, Undone::in_words),
        Request::Import { files } => {
            Done::new(&jobs.import(turn, files).await?, Imported::in_words)
        }
        Request::Prune { dry_run, force } => {
            let pruned = jobs.prune(turn, dry_run, force).await?;
            Done::new(&pruned, Pruned::in_words)
        }
    }
}

fn document(told: &impl Serialize) -> Outcome<serde_json::Value> {
    serde_json::to_value(told)
        .map_err(|error| Failure::failed(format!("cannot write the answer: {error}")))
}
