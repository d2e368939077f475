//! What the running agent answers to the command line's requests.

use std::sync::Arc;

use serde::Serialize;

use super::call::{Caller, Request};
use crate::audit::Asked;
use crate::context::Context;
use crate::documents::{Backup, Imported, Pruned, Restored, Undone};
use crate::failure::{Failure, Outcome};
use crate::jobs::{Asker, Steps};
use crate::status::Status;

/// Does what is asked, tells its steps and returns its document. If it may change something, it is written down.
pub(crate) async fn answer(
    context: Arc<Context>,
    request: Request,
    caller: Caller,
    steps: Steps,
) -> Outcome<serde_json::Value> {
    let Some(act) = request.act() else {
        return Ok(perform(&context, request, steps).await?.document);
    };
    let asked = Asked::by_command_line(caller.user, caller.process, context.design());
    let operation = perform(&context, request, steps);
    let done = (context.audit)
        .of(asked, act, operation, |done| done.said.clone())
        .await?;
    Ok(done.document)
}

/// What was done: for the caller, and in words for the audit.
struct Done {
    document: serde_json::Value,
    said: String,
}

impl Done {
    fn new<T: Serialize>(done: &T, said: impl FnOnce(&T) -> String) -> Outcome<Self> {
        let document = serde_json::to_value(done)
            .map_err(|error| Failure::failed(format!("cannot write the answer: {error}")))?;
        Ok(Self {
            document,
            said: said(done),
        })
    }
}

async fn perform(context: &Context, request: Request, steps: Steps) -> Outcome<Done> {
    let jobs = context.jobs.told_to(steps);
    match request {
        Request::Status => Done::new(&Status::of_agent(context), |_| String::new()),
        Request::Backup => {
            let made = jobs.backup(jobs.turn().await, Asker::CommandLine).await?;
            Done::new(&Backup::from(&made), Backup::in_words)
        }
        Request::Restore(request) => {
            let restored = jobs.restore(jobs.turn().await, request).await?;
            Done::new(&restored, Restored::in_words)
        }
        Request::Undo => Done::new(&jobs.undo(jobs.turn().await).await?, Undone::in_words),
        Request::Import { files } => {
            let imported = jobs.import(jobs.turn().await, files).await?;
            Done::new(&imported, Imported::in_words)
        }
        Request::Prune { dry_run, force } => {
            let pruned = jobs.prune(jobs.turn().await, dry_run, force).await?;
            Done::new(&pruned, Pruned::in_words)
        }
    }
}
