//! `undo`: takes the last restore back.

use std::process::ExitCode;

use crate::documents::Undone;
use crate::failure::Outcome;
use crate::local_socket::Request;
use crate::output::Output;
use crate::site::Site;

pub(super) fn undo(site: &Site, output: Output) -> Outcome<ExitCode> {
    let undone: Undone = super::through_agent(site, &Request::Undo, output, || {
        site.undo().map(|report| Undone::from(&report))
    })?;
    output.result(&undone, || {
        format!(
            "Taken back: {}\nDays as they were before: {}\nRun `qsys-agent undo` again to change your mind",
            undone.undone,
            if undone.days.is_empty() { "none".to_owned() } else { undone.days.join(", ") }
        )
    });
    Ok(ExitCode::SUCCESS)
}
