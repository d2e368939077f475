//! What the running agent answers to the command line's requests.

use std::sync::Arc;

use super::call::{Caller, Request};
use crate::audit::Asked;
use crate::context::Context;
use crate::documents;
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
        return perform(&context, request, steps).await;
    };
    let asked = Asked::by_command_line(caller.user, caller.process, context.design());
    let operation = perform(&context, request, steps);
    context
        .audit
        .of(asked, act, operation, |_| String::new())
        .await
}

async fn perform(context: &Context, request: Request, steps: Steps) -> Outcome<serde_json::Value> {
    let document = |value: serde_json::Result<serde_json::Value>| {
        value.map_err(|error| Failure::failed(format!("cannot write the answer: {error}")))
    };
    let jobs = context.jobs.told_to(steps);
    match request {
        Request::Status => document(serde_json::to_value(Status::of_agent(context))),
        Request::Backup => {
            let turn = jobs.turn().await;
            let made = jobs.backup(turn, Asker::CommandLine).await?;
            document(serde_json::to_value(documents::Backup::from(&made)))
        }
        Request::Restore(request) => {
            let turn = jobs.turn().await;
            document(serde_json::to_value(jobs.restore(turn, request).await?))
        }
        Request::Undo => {
            let turn = jobs.turn().await;
            document(serde_json::to_value(jobs.undo(turn).await?))
        }
        Request::Import { files } => {
            let turn = jobs.turn().await;
            document(serde_json::to_value(jobs.import(turn, files).await?))
        }
        Request::Prune { dry_run } => {
            let turn = jobs.turn().await;
            document(serde_json::to_value(jobs.prune(turn, dry_run).await?))
        }
    }
}
