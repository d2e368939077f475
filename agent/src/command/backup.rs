//! `backup`: a verified backup now.

use std::process::ExitCode;

use crate::documents::Backup;
use crate::failure::Outcome;
use crate::local_socket::Request;
use crate::moment;
use crate::output::{Output, bytes, count};
use crate::site::Site;

pub(super) fn backup(site: &Site, output: Output) -> Outcome<ExitCode> {
    let made: Backup = super::through_agent(site, &Request::Backup, output, || {
        site.backup(None, &output.progress())
            .map(|made| Backup::from(&made))
    })?;
    output.result(&made, || {
        format!(
            "Backup {} made and proved by reading it back\n{} events, {} to {}, {}",
            made.id,
            made.events.map_or_else(|| "?".to_owned(), count),
            shown(made.from.as_deref()),
            shown(made.to.as_deref()),
            bytes(made.bytes)
        )
    });
    Ok(ExitCode::SUCCESS)
}

fn shown(time: Option<&str>) -> String {
    let moment = time.and_then(|time| moment::parse(time).ok());
    moment.map_or_else(|| "–".to_owned(), moment::local)
}
