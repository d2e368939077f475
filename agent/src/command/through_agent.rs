//! Has the running agent do what a verb asks, or does it here if none runs. Either way it is written down.

use crate::audit::{Act, Asked, Audit};
use crate::command::output::Output;
use crate::failure::{Failure, Outcome};
use crate::site::Site;
use crate::socket::{self, Answer, Request};

/// Has the running agent do it and shows its progress, or does it here if none runs. `said` puts the result in words
/// for the audit.
pub(super) fn through_agent<T: serde::de::DeserializeOwned>(
    site: &Site,
    request: &Request,
    output: Output,
    here: impl FnOnce() -> Outcome<T>,
    said: impl FnOnce(&T) -> String,
) -> Outcome<T> {
    let bar = output.progress();
    let answer = socket::ask(site.store_path(), request, bar.watcher())?;
    drop(bar);
    match answer {
        Answer::Done(document) => serde_json::from_value(document).map_err(|error| {
            Failure::failed(format!(
                "the running agent answered something else than expected: {error}"
            ))
            .hint("agent and command line may be of different versions")
        }),
        Answer::NoAgent => match request.act() {
            Some(act) => written_down(site, act, output, here, |done| Ok(said(done))),
            None => here(),
        },
    }
}

/// Does something in this process and writes down who asked for it; the user is told where that cannot be written.
/// `said` puts the result in words; if it returns an error, the row says failed.
pub(super) fn written_down<T>(
    site: &Site,
    act: Act,
    output: Output,
    here: impl FnOnce() -> Outcome<T>,
    said: impl FnOnce(&T) -> Result<String, String>,
) -> Outcome<T> {
    let user = rustix::process::getuid().as_raw();
    let process = i32::try_from(std::process::id()).ok();
    let asked = Asked::by_command_line(user, process, None);
    let what = act.what;
    let audit = Audit::of_command(site.store_path());
    let outcome = audit.of_blocking(asked, act, here, said);
    if let Some(problem) = audit.problem() {
        output.warning(format_args!(
            "this {what} is not written down in the audit ({problem}); its result stands"
        ));
    }
    outcome
}
