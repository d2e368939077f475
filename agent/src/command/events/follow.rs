//! `events --follow`: shows new events as they are committed, across midnights and restores, until the reader goes.

use std::process::ExitCode;
use std::time::Duration;

use backup::{Event, EventId, Gap, Query, Store};

use super::lines::Lines;
use crate::command::output::Output;
use crate::documents;
use crate::failure::Outcome;
use crate::moment;

/// How often the store is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// Events taken at a time.
const PAGE: usize = 1000;

/// Shows `begin` and then everything new. Ends when standard output is closed; Ctrl-C ends the
/// process. While the store cannot be read, it waits.
pub(super) fn follow(
    store: &Store,
    mut query: Query,
    begin: &[Event],
    output: Output,
    csv: bool,
) -> Outcome<ExitCode> {
    query.limit = PAGE;
    // Not by the time: where the clock was set back, what is there already is later than now.
    let newest = Query {
        limit: 1,
        newest_first: true,
        ..Query::default()
    };
    let newest = store.events(&newest)?.events.pop();
    let started = newest.map_or(EventId(-1), |event| event.id);
    query.after = Some(begin.last().map_or(started, |event| event.id));
    let mut gaps_to = begin.first().map_or_else(moment::now, |event| event.at_ms);
    let mut lines = Lines::new();
    let mut told = None;
    let mut header = true;
    let mut news = News {
        events: begin.to_vec(),
        gaps: store.gaps(gaps_to, i64::MAX)?,
    };
    loop {
        if let Some(last) = news.gaps.iter().map(|gap| gap.to_ms).max() {
            gaps_to = gaps_to.max(last + 1);
        }
        if let Some(last) = news.events.last() {
            query.after = Some(last.id);
        }
        let more = news.events.len() == PAGE;
        let written = if output.is_json() || csv {
            let documents: Vec<_> = news.events.iter().map(documents::Event::from).collect();
            match csv {
                true => output.csv_part(&documents, std::mem::take(&mut header)),
                false => output.json_lines(&documents),
            }
        } else {
            let mut text = Vec::new();
            lines.add(&mut text, &news.events, &news.gaps);
            output.lines(&text)
        };
        if written.is_err() {
            return Ok(ExitCode::SUCCESS);
        }
        if !more {
            std::thread::sleep(EVERY);
        }
        news = match look(store, &query, gaps_to) {
            Ok(news) => {
                told = None;
                news
            }
            Err(failure) => {
                let reason = failure.to_string();
                if told.as_ref() != Some(&reason) {
                    tracing::warn!("waiting for the store: {reason}");
                    told = Some(reason);
                }
                News::default()
            }
        };
    }
}

#[derive(Default)]
struct News {
    events: Vec<Event>,
    gaps: Vec<Gap>,
}

fn look(store: &Store, query: &Query, gaps_from: i64) -> Outcome<News> {
    let events = store.events(query)?.events;
    let gaps = store.gaps(gaps_from, i64::MAX)?;
    Ok(News { events, gaps })
}
