//! `status`: how everything is, in lines or as the contract's document.

use std::process::ExitCode;

use crate::failure::Outcome;
use crate::gather;
use crate::local_socket::Request;
use crate::moment;
use crate::output::{Output, bytes, count, many};
use crate::shown;
use crate::site::Site;
use crate::status::{Status, verdict};

pub(super) fn status(site: &Site, output: Output) -> Outcome<ExitCode> {
    let status: Status = super::through_agent(site, &Request::Status, output, || {
        gather::without_agent(site)
    })?;
    output.result(&status, || lines(&status));
    Ok(ExitCode::SUCCESS)
}

fn lines(status: &Status) -> String {
    let (level, sentence) = verdict(status);
    let when = |text: &Option<String>| local(text.as_deref());
    let core = match (&status.core.host, &status.core.design) {
        (None, _) => "none named; set QSYS_HOST".to_owned(),
        (Some(host), Some(design)) => format!(
            "{host}, {}, design {}, {} controls watched",
            status.core.state,
            shown::plain(design),
            status.core.controls
        ),
        (Some(host), None) => format!("{host}, {}", status.core.state),
    };
    let backups = match &status.backup.last {
        None => format!("none in {}", status.backup.path),
        Some(_) => format!(
            "{} in {}, the last {}",
            status.backup.count,
            status.backup.path,
            when(&status.backup.last)
        ),
    };
    let risk = match status.rpo_seconds {
        None => "everything: no proved backup holds any of it yet".to_owned(),
        Some(_) if status.events.total == 0 => "nothing; nothing is recorded yet".to_owned(),
        Some(0.0) => "nothing; all is in a proved backup".to_owned(),
        Some(seconds) => format!(
            "{} of writing that no proved backup holds",
            match seconds {
                ..1.0 => "less than 1 s".to_owned(),
                _ => moment::span((seconds * 1000.0) as i64),
            }
        ),
    };
    let mut panel = format!("{}, {}", status.panel.component, status.panel.state);
    match status.panel.named_controls {
        0 => {}
        1 => panel.push_str("; 1 Named Control"),
        some => panel.push_str(&format!("; {some} Named Controls")),
    }
    let rows = [
        (level.word(), sentence),
        ("Core", core),
        (
            "Events",
            format!(
                "{} recorded, {:.1}/s now, {}",
                count(status.events.total),
                status.events.per_second,
                many(status.events.gaps, "gap")
            ),
        ),
        (
            "Store",
            format!(
                "{} in {}, {}",
                bytes(status.store.bytes),
                status.store.path,
                match span(&status.store.from, &status.store.to) {
                    Some(span) => span,
                    None if status.events.total == 0 => "nothing recorded yet".to_owned(),
                    None => "just begun".to_owned(),
                }
            ),
        ),
        ("Backups", backups),
        (
            "Proved",
            match &status.backup.last_verified {
                Some(_) => format!("the one of {}", when(&status.backup.last_verified)),
                None => "none yet".to_owned(),
            },
        ),
        ("Next", next(status.backup.next.as_deref())),
        (
            "Recoverable",
            match span(&status.recoverable.from, &status.recoverable.to) {
                Some(span) => {
                    let gaps = status.recoverable.gaps.len() as u64;
                    format!("{span}, {}", many(gaps, "gap"))
                }
                None => "nothing yet".to_owned(),
            },
        ),
        ("At risk", risk),
        ("Panel", panel),
    ];
    let damaged = status.store.damaged.iter().flat_map(|damaged| {
        let back = match &damaged.command {
            Some(command) => command.clone(),
            None => "no proved backup holds it".to_owned(),
        };
        let what = format!("{} moved aside as {}", damaged.day, damaged.moved_to);
        [("Damaged", what), ("Put back", back)]
    });
    let lines = rows
        .into_iter()
        .chain(damaged)
        .map(|(name, text)| format!("{name:<12}{text}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// When the next backup is made; one that is due may be put off a little by jitter or by another job.
fn next(due: Option<&str>) -> String {
    let moment = due.and_then(|due| moment::parse(due).ok());
    match moment {
        Some(moment) if moment <= moment::now() => "now".to_owned(),
        _ => local(due),
    }
}

/// From when to when, where both are known.
fn span(from: &Option<String>, to: &Option<String>) -> Option<String> {
    let [from, to] = [from, to].map(|end| end.as_deref().map(|end| local(Some(end))));
    Some(format!("{} to {}", from?, to?))
}

/// An RFC 3339 time of the document as people read it.
fn local(text: Option<&str>) -> String {
    let moment = text.and_then(|text| moment::parse(text).ok());
    moment.map_or_else(|| "–".to_owned(), moment::local)
}
