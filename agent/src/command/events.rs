//! `events`: what was recorded, as people read a log, as a table for programs, or as a picture.

mod lines;
mod plot;

mod follow;

use std::process::ExitCode;

use crate::command::cli;
use crate::command::output::Output;
use crate::documents::Event;
use crate::failure::Outcome;
use crate::site::Site;

use lines::Lines;

pub(super) fn events(typed: &cli::Events, site: &Site, output: Output) -> Outcome<ExitCode> {
    let store = site.store()?;
    for ms in [typed.since, typed.until].into_iter().flatten() {
        warn_of_repeated(&store, ms)?;
    }
    if typed.plot {
        return plot::plot(typed, &store, output);
    }
    let mut query = backup::Query {
        controls: typed.control.clone(),
        since_ms: typed.since,
        until_ms: typed.until,
        limit: usize::try_from(typed.limit).unwrap_or(usize::MAX),
        newest_first: typed.order != Some(cli::Order::Oldest),
        after: typed.after.map(backup::EventId),
    };
    let mut page = store.events(&query)?;
    if typed.order.is_none() {
        page.events.reverse();
    }
    if typed.follow {
        // From here on only newer events come, and those oldest first.
        query.newest_first = false;
        return follow::follow(&store, query, &page.events, output, typed.csv);
    }
    let documents: Vec<Event> = page.events.iter().map(Event::from).collect();
    if typed.csv {
        output.csv(&documents)?;
        return Ok(ExitCode::SUCCESS);
    }
    let gaps = match seen(&page.events, typed, page.next.is_some()) {
        Some((from, to)) => store.gaps(from, to)?,
        None => Vec::new(),
    };
    output.result(&documents, || {
        let mut lines = Lines::new();
        if page.events.is_empty() && gaps.is_empty() {
            return "No events match.".to_owned();
        }
        let mut text = Vec::new();
        if page.next.is_some() && typed.order.is_none() {
            let shown = page.events.len();
            text.push(format!("… the newest {shown}; --limit shows more"));
        }
        lines.add(&mut text, &page.events, &gaps);
        if let (Some(next), true) = (page.next, typed.order.is_some()) {
            text.push(format!("… more with --after {}", next.0));
        }
        text.join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// Says on standard error, as the events have a form of their own, that a moment happened more than once.
pub(super) fn warn_of_repeated(store: &backup::Store, ms: i64) -> Outcome<()> {
    if let Some(repeated) = store.repeated(ms)? {
        tracing::warn!("{}", repeated.in_order());
    }
    Ok(())
}

/// The span that a page covers: as asked for, and no further than its events reach.
fn seen(events: &[backup::Event], typed: &cli::Events, more: bool) -> Option<(i64, i64)> {
    let ends = [events.first()?, events.last()?].map(|event| event.at_ms);
    let (first, last) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    let oldest_first = typed.order == Some(cli::Order::Oldest);
    // Where the page was cut off or entered, its own events are its bounds.
    let entered = typed.after.is_some();
    let (cut_below, cut_above) = match oldest_first {
        true => (entered, more),
        false => (more, entered),
    };
    let from = typed.since.filter(|_| !cut_below).unwrap_or(first);
    let to = match cut_above {
        true => last,
        false => typed.until.unwrap_or(i64::MAX),
    };
    Some((from, to))
}
