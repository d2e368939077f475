//! `backup`: a verified backup now.

use std::process::ExitCode;
use std::time::Duration;

use crate::command::output::Output;
use crate::command::through_agent::through_agent;
use crate::documents::Backup;
use crate::failure::Outcome;
use crate::moment::Moment;
use crate::site::{Site, TimeBy};
use crate::socket::Request;
use crate::words::{bytes, count};

pub(super) fn backup(site: &Site, output: Output) -> Outcome<ExitCode> {
    let made: Backup = through_agent(
        site,
        &Request::Backup,
        output,
        || {
            let made = site.backup(TimeBy::Clock(Duration::ZERO), None, &output.progress())?;
            Ok(Backup::from(&made))
        },
        Backup::in_words,
    )?;
    output.result(&made, || {
        format!(
            "Backup {} made and proved by reading it back\n{} events, {} to {}, {}",
            made.id,
            made.events.map_or_else(|| "?".to_owned(), count),
            shown(made.from),
            shown(made.to),
            bytes(made.bytes)
        )
    });
    Ok(ExitCode::SUCCESS)
}

fn shown(time: Option<Moment>) -> String {
    time.map_or_else(|| "–".to_owned(), Moment::local)
}
