//! Reads every record of a tail, as a restore will: what is damaged, foreign or altered is left out and named.

use std::path::PathBuf;

use crate::archive::format::segment::{Content, Mark, Record};
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::tail::Tail;
use crate::archive::look::tail::hole::{Before, Cause, Hole};
use crate::archive::look::tail::run::Run;
use crate::archive::look::tail::signs;
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
                        let read = record
                            .map_err(|error| said(&error))
                            .and_then(|(record, _)| {
                                believed(run, &record, self.store.as_ref(), &mut chain).map(drop)
                            });
                        errors.extend(read.err().map(|said| (run.path(), said)));
                    }
                }
                Err(error) => errors.push((run.path(), said(&error))),
            }
        }
        for sign in self.signs.values() {
            let read = sign.read().map_err(|error| said(&error));
            let read = read.and_then(|content| owned(&content, self.store.as_ref()));
            errors.extend(read.err().map(|said| (sign.path(), said)));
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
                let Ok((record, _)) = record else {
                    broken = Some((number, end, last));
                    break 'runs;
                };
                let rows = believed(run, &record, self.store.as_ref(), &mut chain);
                if rows.is_err() && run.lineage.is_none() {
                    broken = Some((number, end, last));
                    break 'runs;
                }
                if let Ok(rows) = &rows {
                    self.told.extend(signs::gaps_in(rows));
                } else {
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
            self.signs.clear();
        } else {
            self.holes.extend(holes);
            self.read_signs();
        }
        self
    }

    /// What a sign of life would have told is a hole where it cannot be read.
    fn read_signs(&mut self) {
        for (day, sign) in &mut self.signs {
            let read = sign.read().map_err(|error| said(&error));
            let read = read.and_then(|content| {
                owned(&content, self.store.as_ref())?;
                Ok(content.rows)
            });
            let Ok(rows) = read else {
                let covers = sign.record.covers;
                let from_ms = (covers.after >> 12).max(day.start_ms()).min(covers.at_ms);
                self.holes.push(Hole {
                    what: format!(
                        "a record of segments between {} and {} cannot be read",
                        rfc3339(from_ms),
                        rfc3339(covers.at_ms)
                    ),
                    cause: Some(Cause::Incomplete(sign.path())),
                    before: Some(Before {
                        day: *day,
                        after: covers.after,
                        from_ms,
                        to_ms: covers.at_ms,
                    }),
                });
                continue;
            };
            self.told.extend(signs::gaps_in(&rows));
            if sign.is_last {
                self.open_gap = signs::open_in(&rows);
            }
            sign.rows = rows;
        }
    }
}

/// The number of the record read last, and the marks of those that have it: two where two agents shipped at once.
type Chain = Option<(u64, Vec<Mark>)>;

/// Reads a record; gives its rows, or what is wrong with it in words. Goes on with the chain.
fn believed(
    run: &Run,
    record: &Record,
    store: Option<&StoreId>,
    chain: &mut Chain,
) -> std::result::Result<String, String> {
    let content = match run.read(record) {
        Ok(content) => content,
        Err(error) => {
            *chain = None;
            return Err(said(&error));
        }
    };
    let Some(link) = record.link() else {
        return Ok(content.rows);
    };
    let goes_on = match chain {
        Some((last, marks)) if link.number == *last + 1 => marks.contains(&link.previous),
        _ => true,
    };
    match chain {
        Some((last, marks)) if *last == link.number => marks.push(content.mark),
        _ => *chain = Some((link.number, vec![content.mark])),
    }
    owned(&content, store)?;
    if goes_on {
        return Ok(content.rows);
    }
    Err(format!(
        "found record {} behind another record {} than the one that is there",
        link.number,
        link.number - 1
    ))
}

/// A record of another store is none of the tail.
fn owned(content: &Content, store: Option<&StoreId>) -> std::result::Result<(), String> {
    match (&content.store, store) {
        (Some(found), Some(expected)) if found != expected => Err(format!(
            "found a record of store {found}, expected {expected}"
        )),
        _ => Ok(()),
    }
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
