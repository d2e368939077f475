//! Follows the chain of records after a backup: by their numbers, whatever files they lie in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::format::manifest::Manifest;
use crate::archive::format::segment::{self, Link, Record};
use crate::archive::format::stamp::rfc3339;
use crate::archive::look::tail::hole::{Before, Cause, Hole};
use crate::archive::look::tail::reached::Reached;
use crate::archive::look::tail::run::Run;
use crate::archive::look::tail::signs::Sign;
use crate::archive::place::interface::Place;
use crate::store::day::Day;
use crate::store::identity::LineageId;

/// A file with records, in the order of the first of them.
struct File<'f> {
    first: u64,
    number: u64,
    name: &'f str,
}

/// What a walk has come to.
struct Walk<'w> {
    reached: &'w mut Reached,
    place: &'w Arc<dyn Place>,
    manifest: &'w Manifest,
    ends: &'w mut BTreeMap<Day, i64>,
    /// Days of which records were taken: they end where one of these does.
    taken: BTreeSet<Day>,
    /// The last record that was passed; `None` where the backup is of an older program.
    last: Option<u64>,
    lineage: Option<LineageId>,
    /// What a hole comes from, when one shows.
    cause: Option<Cause>,
    /// The file that ends in damage, until a record goes on from before it.
    broken: Option<PathBuf>,
}

/// Adds the records of the backup's history to the tail. Where some are missing it goes on behind the hole.
pub(super) fn walk(
    reached: &mut Reached,
    place: &Arc<dyn Place>,
    manifest: &Manifest,
    files: &[(u64, String)],
    ends: &mut BTreeMap<Day, i64>,
) {
    let mut found = Vec::new();
    let mut unread = Vec::new();
    let mut spoilt = Vec::new();
    for (number, name) in files {
        match segment::first(&**place, name) {
            Ok(Some(first)) => found.extend(first.link().map(|link| File {
                first: link.number,
                number: *number,
                name,
            })),
            // Nothing was shipped whole into it, or what was is damaged.
            Ok(None) if *number > manifest.segments_to => {
                let mut records = segment::records(&**place, name, 0);
                if records.as_mut().is_ok_and(|records| {
                    records.next().is_none() && records.broken().unwrap_or(true)
                }) {
                    spoilt.push((*number, name));
                }
            }
            Ok(None) => {}
            Err(error) if *number >= manifest.segments_to => unread.push((*number, name, error)),
            Err(_) => {}
        }
    }
    found.sort_by_key(|file| file.first);
    let mut walk = Walk {
        reached,
        place,
        manifest,
        ends,
        taken: BTreeSet::new(),
        last: manifest.shipped.as_ref().map(|shipped| shipped.number),
        lineage: manifest.lineage,
        cause: None,
        broken: None,
    };
    let mut before = manifest.segments_to;
    for file in &found {
        let skipped = unread
            .iter()
            .find(|(number, ..)| (before..file.number).contains(number));
        if let Some((_, name, error)) = skipped {
            walk.cause = Hole::unread(&place.path(name), 0, error).cause;
        } else if file.number > before + 1 && file.number > manifest.segments_to + 1 {
            walk.cause = Some(Cause::Missing(
                place.path(&segment::file_name(before.max(manifest.segments_to) + 1)),
            ));
        }
        before = file.number;
        if !walk.file(file.number, file.name) {
            return;
        }
    }
    // A file behind the last record may hold more of them.
    let behind = unread
        .iter()
        .find(|(number, ..)| *number > before || found.is_empty());
    let reached_ms = walk.reached.covers_to_ms.unwrap_or(manifest.covers_to_ms);
    if let Some((_, name, error)) = behind {
        walk.reached
            .holes
            .push(Hole::unread(&place.path(name), reached_ms, error));
        return;
    }
    let spoilt = spoilt
        .iter()
        .find(|(number, _)| *number > before || found.is_empty());
    let spoilt = spoilt
        .map(|(_, name)| place.path(name))
        .or(walk.broken.take());
    if let Some(file) = spoilt {
        walk.reached.holes.push(Hole {
            what: format!(
                "what was shipped after {} cannot be read",
                rfc3339(reached_ms)
            ),
            cause: Some(Cause::Incomplete(file)),
            before: None,
        });
    }
}

impl Walk<'_> {
    /// Follows the records of one file; `false` where the history ends.
    fn file(&mut self, number: u64, name: &str) -> bool {
        let mut records = match segment::records(&**self.place, name, 0) {
            Ok(records) => records,
            Err(error) => {
                self.cause = Hole::unread(&self.place.path(name), 0, &error).cause;
                return true;
            }
        };
        let mut damaged = 0;
        while let Some(record) = records.next() {
            let Ok(record) = record else {
                self.cause = Some(Cause::Incomplete(self.place.path(name)));
                return true;
            };
            if records.damaged().len() > damaged {
                damaged = records.damaged().len();
                self.cause = Some(Cause::Incomplete(self.place.path(name)));
            }
            if let Some(link) = record.link()
                && !self.record(name, &record, link)
            {
                return false;
            }
        }
        if records.torn() {
            self.cause = Some(Cause::Incomplete(self.place.path(name)));
        }
        // What was there when the backup began is in the backup.
        let held = self
            .manifest
            .shipped
            .as_ref()
            .map_or(0, |shipped| shipped.bytes);
        let grew = number > self.manifest.segments_to || records.size() > held;
        if grew && records.broken().unwrap_or(true) {
            self.broken = Some(self.place.path(name));
        }
        true
    }

    fn record(&mut self, name: &str, record: &Record, link: Link) -> bool {
        let covers = record.covers;
        let end = self.ends.get(&covers.day).copied().unwrap_or(-1);
        let own = match self.lineage {
            Some(lineage) => lineage == link.lineage,
            // A backup of an older program stands under the store's first history alone.
            None => !link.left,
        };
        // What was shipped before the backup is in it, or was left before it.
        let shipped = self.manifest.shipped.as_ref();
        if shipped.is_some_and(|shipped| link.number <= shipped.number) {
            return true;
        }
        if own && covers.events > 0 && covers.after < end && self.taken.contains(&covers.day) {
            let (file, holes) = (self.place.path(name), &mut self.reached.holes);
            Hole::twice(file, covers.day, covers.after, end.min(covers.to), holes);
        }
        // Two may have shipped at once and given the same number twice: what goes on from the last event counts.
        let again = self.last.is_some_and(|last| link.number <= last);
        let held = covers.events == 0 || covers.to <= end || covers.after > end;
        if again && (held || !own) {
            self.pass_over(name, record);
            return true;
        }
        if !own {
            self.reached.holes.push(Hole {
                what: "the store was put back after this backup; make another one".into(),
                cause: None,
                before: None,
            });
            return false;
        }
        self.lineage = Some(link.lineage);
        let missing = self.last.is_some_and(|last| link.number > last + 1) || covers.after > end;
        self.last = self.last.max(Some(link.number));
        let held = covers.to <= end;
        if missing {
            self.hole(record, end);
        }
        self.cause = None;
        self.broken = None;
        self.reached.covers_to_ms = self.reached.covers_to_ms.max(Some(covers.at_ms));
        let signs = &mut self.reached.signs;
        signs.values_mut().for_each(|sign| sign.is_last = false);
        if covers.events == 0 {
            let sign = Sign {
                place: Arc::clone(self.place),
                name: name.to_owned(),
                record: *record,
                is_last: true,
                rows: String::new(),
            };
            signs.insert(covers.day, sign);
            return true;
        }
        signs.remove(&covers.day);
        if held {
            return true;
        }
        self.ends.insert(covers.day, covers.to);
        self.taken.insert(covers.day);
        let place = Arc::clone(self.place);
        let own_run = |run: &&mut Run| {
            run.name == name && run.day == covers.day && run.lineage == Some(link.lineage)
        };
        match self.reached.runs.last_mut().filter(own_run) {
            Some(run) => run.end = record.offset + record.length as u64,
            None => self.reached.runs.push(Run {
                place,
                name: name.to_owned(),
                day: covers.day,
                lineage: Some(link.lineage),
                after: end,
                from: record.offset,
                end: record.offset + record.length as u64,
                bad: BTreeSet::new(),
            }),
        }
        true
    }

    /// A record that lies among those of a run is none of it.
    fn pass_over(&mut self, name: &str, record: &Record) {
        if let Some(run) = self.reached.runs.last_mut()
            && run.name == name
        {
            run.bad.insert(record.offset);
        }
    }

    /// Records are missing before this one.
    fn hole(&mut self, record: &Record, end: i64) {
        let covers = record.covers;
        let reached_ms = self
            .reached
            .covers_to_ms
            .unwrap_or(self.manifest.covers_to_ms);
        // Records that said only that nothing happened may be missing without harm.
        let same_day = self
            .reached
            .runs
            .last()
            .is_none_or(|run| run.day == covers.day);
        if covers.after == end && end >= 0 && same_day {
            return;
        }
        let to_ms = (covers.after >> 12).max(covers.day.start_ms());
        self.reached.holes.push(Hole {
            what: format!(
                "segments are missing between {} and {}",
                rfc3339(reached_ms.min(to_ms)),
                rfc3339(to_ms)
            ),
            cause: self.cause.take(),
            before: Some(Before {
                day: covers.day,
                after: covers.after,
                from_ms: reached_ms.min(to_ms),
                to_ms,
            }),
        });
    }
}
