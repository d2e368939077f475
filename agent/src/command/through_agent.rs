//! Has the running agent do what a verb asks, or does it here if none runs. Either way it is written down.

use crate::audit::{Act, Asked, Audit};
use crate::command::output::Output;
use crate::failure::{Failure, Outcome};
use crate::site::Site;
use crate::socket::{self, Answer, Request};

/// Has the running agent do it and shows its progress, or does it here if none runs.
pub(super) fn through_agent<T: serde::de::DeserializeOwned>(
    site: &Site,
    request: &Request,
    output: Output,
    here: impl FnOnce() -> Outcome<T>,
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
            Some(act) => written_down(site, act, here, |_| Ok(String::new())),
            None => here(),
        },
    }
}

/// Does something in this process and writes down who asked for it. `said` puts the result in words;
/// if it returns an error, the row says failed.
pub(super) fn written_down<T>(
    site: &Site,
    act: Act,
    here: impl FnOnce() -> Outcome<T>,
    said: impl FnOnce(&T) -> Result<String, String>,
) -> Outcome<T> {
    let user = rustix::process::getuid().as_raw();
    let process = i32::try_from(std::process::id()).ok();
    let asked = Asked::by_command_line(user, process, None);
    Audit::of_store(site.store_path()).of_blocking(asked, act, here, said)
}
