//! `events`: what was recorded, oldest of the newest first, as people read a log.

use std::process::ExitCode;

use crate::documents::Event;
use crate::failure::Outcome;
use crate::output::Output;
use crate::settings::Settings;
use crate::{cli, moment, work};

/// Controls longer than this push their value to the right rather than being cut.
const PATH_WIDTH: usize = 36;

pub(super) fn events(
    typed: &cli::Events,
    settings: &Settings,
    output: Output,
) -> Outcome<ExitCode> {
    let store = work::open_store(&settings.store.path)?;
    let query = backup::Query {
        controls: typed.control.iter().cloned().collect(),
        since_ms: typed.since,
        until_ms: typed.until,
        limit: usize::try_from(typed.limit).unwrap_or(usize::MAX),
        newest_first: true,
        after: None,
    };
    let mut page = store.events(&query).map_err(work::failure)?;
    page.events.reverse();
    let documents: Vec<Event> = page.events.iter().map(Event::from).collect();
    output.result(&documents, || {
        if page.events.is_empty() {
            return "No events match.".to_owned();
        }
        let width = page
            .events
            .iter()
            .map(|event| event.series.path.chars().count())
            .max();
        let width = width.unwrap_or(0).min(PATH_WIDTH);
        let mut lines: Vec<String> = Vec::with_capacity(page.events.len() + 1);
        if page.next.is_some() {
            lines.push(format!(
                "… the newest {}; --limit shows more",
                page.events.len()
            ));
        }
        lines.extend(page.events.iter().map(|event| {
            let path = event.series.path.as_str();
            format!(
                "{}  {path:<width$}  {}",
                moment::local_precise(event.at_ms),
                shown(event)
            )
        }));
        lines.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// What a panel would show, else the bare value. Control characters would garble a terminal.
fn shown(event: &backup::Event) -> String {
    let text = match (&event.string, &event.value) {
        (Some(text), _) => text.to_string(),
        (None, Some(backup::Value::Number(number))) => number.to_string(),
        (None, Some(backup::Value::Bool(on))) => on.to_string(),
        (None, Some(backup::Value::Text(text))) => text.to_string(),
        (None, None) => "–".to_owned(),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
