//! `undo`: takes the last restore back.

use std::process::ExitCode;

use crate::advice;
use crate::command::output::Output;
use crate::command::through_agent::through_agent;
use crate::documents::Undone;
use crate::failure::Outcome;
use crate::site::Site;
use crate::socket::Request;

pub(super) fn undo(site: &Site, output: Output) -> Outcome<ExitCode> {
    let undone: Undone = through_agent(
        site,
        &Request::Undo,
        output,
        || site.undo().map(|report| Undone::from(&report)),
        Undone::in_words,
    )?;
    output.result(&undone, || {
        format!(
            "Taken back: {}\nDays as they were before: {}\nRun `{}` again to change your mind",
            undone.undone,
            if undone.days.is_empty() {
                "none".to_owned()
            } else {
                undone.days.join(", ")
            },
            advice::command("undo")
        )
    });
    Ok(ExitCode::SUCCESS)
}
