//! Reads every record of a tail, as a restore will: what is damaged, foreign or altered is left out and named.

use std::path::PathBuf;

use crate::archive::format::segment::{Link, Mark, Record};
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::tail::Tail;
use crate::archive::look::tail::hole::{Before, Cause, Hole};
use crate::archive::look::tail::run::Run;
use crate::error::Error;
use crate::store::identity::StoreId;

impl Tail {
    /// Reads every record; gives how many runs there are, and what is wrong with which file.
    pub(crate) fn check(&self) -> (u64, Vec<(PathBuf, String)>) {
        let mut errors = Vec::new();
        let mut chain = None;
        for run in &self.runs {
            match run.records() {
                Ok(records) => {
                    for record in records {
                        let read = record.map_err(|error| said(&error)).and_then(|record| {
                            let wrong = believed(run, &record, self.store.as_ref(), &mut chain);
                            wrong.map_or(Ok(()), Err)
                        });
                        errors.extend(read.err().map(|said| (run.path(), said)));
                    }
                }
                Err(error) => errors.push((run.path(), said(&error))),
            }
        }
        (self.runs.len() as u64, errors)
    }

    /// Leaves out the records that cannot be read. What an older program wrote ends before the first of them.
    pub(crate) fn readable(mut self) -> Tail {
        let mut chain = None;
        let mut holes = Vec::new();
        let mut reached_ms = None;
        let mut broken = None;
        'runs: for (number, run) in self.runs.iter_mut().enumerate() {
            let mut end = run.from;
            let mut bad = Vec::new();
            let Ok(records) = run.records() else {
                broken = Some((number, end, run.after));
                break;
            };
            let mut last = run.after;
            let mut from_ms = None;
            for record in records {
                let wrong = match &record {
                    Ok(record) => believed(run, record, self.store.as_ref(), &mut chain),
                    Err(error) => Some(said(error)),
                };
                let Ok(record) = record else {
                    broken = Some((number, end, last));
                    break 'runs;
                };
                if wrong.is_some() && run.lineage.is_none() {
                    broken = Some((number, end, last));
                    break 'runs;
                }
                if wrong.is_some() {
                    bad.push(record.offset);
                    from_ms = from_ms.or(Some(last >> 12));
                    holes.push(Hole {
                        what: format!(
                            "a record of segments between {} and {} cannot be read",
                            rfc3339(last.max(0) >> 12),
                            rfc3339(record.covers.to >> 12)
                        ),
                        cause: Some(Cause::Incomplete(run.path())),
                        before: Some(Before {
                            day: run.day,
                            after: record.covers.to,
                            from_ms: last.max(record.covers.after).max(0) >> 12,
                            to_ms: record.covers.at_ms.max(record.covers.to >> 12),
                        }),
                    });
                }
                end = record.offset + record.length as u64;
                last = record.covers.to;
                reached_ms = reached_ms.max(Some(record.covers.at_ms));
            }
            run.bad.extend(bad);
        }
        if let Some((number, end, last)) = broken {
            let run = &mut self.runs[number];
            run.end = end;
            self.holes = vec![Hole {
                what: format!("segments from {} on cannot be read", rfc3339(last >> 12)),
                cause: Some(Cause::Incomplete(run.path())),
                before: None,
            }];
            self.runs.truncate(number + 1);
            self.runs.retain(|run| run.from < run.end);
            self.covers_to_ms = reached_ms;
        } else {
            self.holes.extend(holes);
        }
        self
    }
}

/// The record read last, and where it stands.
type Chain = Option<(Link, Mark)>;

/// Reads a record; gives what is wrong with it in words. Goes on with the chain.
fn believed(
    run: &Run,
    record: &Record,
    store: Option<&StoreId>,
    chain: &mut Chain,
) -> Option<String> {
    let content = match run.read(record) {
        Ok(content) => content,
        Err(error) => {
            *chain = None;
            return Some(said(&error));
        }
    };
    let link = record.link()?;
    let before = chain.replace((link, content.mark));
    if let (Some(found), Some(expected)) = (&content.store, store)
        && found != expected
    {
        return Some(format!(
            "found a record of store {found}, expected {expected}"
        ));
    }
    let (last, mark) = before?;
    (link.number == last.number + 1 && link.previous != mark).then(|| {
        format!(
            "found record {} behind another record {} than the one that is there",
            link.number, last.number
        )
    })
}

/// An error's text without its problem, which the finding about the segment names already.
fn said(error: &Error) -> String {
    match error {
        Error::Found(finding) => {
            let (path, found) = (finding.path.display(), &finding.found);
            let (expected, hint) = (&finding.expected, &finding.hint);
            format!("{path}: found {found}, expected {expected}; {hint}")
        }
        other => other.to_string(),
    }
}
