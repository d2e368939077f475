//! `undo`: takes the last restore back.

use std::process::ExitCode;

use crate::documents::Undone;
use crate::failure::Outcome;
use crate::local_socket::Request;
use crate::output::Output;
use crate::settings::Settings;
use crate::work;

pub(super) fn undo(settings: &Settings, output: Output) -> Outcome<ExitCode> {
    let undone: Undone = super::through_agent(settings, &Request::Undo, output, || {
        let store = &settings.store.path;
        work::open_store(store)?;
        let _lock = backup::StoreLock::take(store).map_err(work::failure)?;
        backup::undo(store)
            .map(|report| Undone::from(&report))
            .map_err(work::failure)
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
