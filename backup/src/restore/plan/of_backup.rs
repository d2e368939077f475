//! The plan of a restore from a backup and the segments after it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use crate::archive::format::manifest::Manifest;
use crate::archive::look::tail::Tail;
use crate::archive::open::Archive;
use crate::error::Result;
use crate::restore::days::{self, Work};
use crate::restore::not_recorded::NotRecorded;
use crate::restore::plan::compare::{DayAfter, Origin};
use crate::restore::plan::moments::Archived;
use crate::restore::plan::outline::{Becomes, RestorePlan};
use crate::restore::plan::pick::Picked;
use crate::restore::plan::reach::{self, standing_gaps};
use crate::store::id::EventId;
use crate::store::moment::{self, At};

impl Archive {
    pub(crate) fn plan_backup(
        &self,
        manifest: &Manifest,
        picked: Picked,
        tail: Tail,
        at: Option<At>,
        target: &Path,
        mut notes: Vec<String>,
    ) -> Result<RestorePlan> {
        let mut parts = BTreeMap::new();
        for part in &picked.days {
            parts.insert(days::day_of(part, self)?, part);
        }
        let mut record = match at {
            Some(_) => Some(Archived::new(self, parts, &tail)?),
            None => None,
        };
        let (mut cut, mut told) = (None, None);
        if let (Some(at), Some(record)) = (at, &mut record) {
            let (found, repeated) = moment::resolve(record, at)?;
            notes.extend(repeated.as_ref().map(ToString::to_string));
            (cut, told) = (Some(found), repeated);
        }
        let (until, at) = (cut.map(|cut| cut.until), at.map(|at| at.ms));
        let mut plan = RestorePlan {
            from: format!("backup {}", manifest.id),
            target: target.to_path_buf(),
            would_restore_to_ms: at.or(manifest.to_ms),
            events: 0,
            events_gained: 0,
            events_lost: 0,
            bytes_needed: 0,
            estimate_seconds: 0.0,
            gaps: Vec::new(),
            notes,
            left_out: Vec::new(),
            elsewhere: Vec::new(),
            repeated: told,
            not_recorded: None,
            lost: Vec::new(),
            days: BTreeMap::new(),
            altered: 0,
            archive: self.clone(),
            work: Work::Backup {
                days: Vec::new(),
                tail: Tail::default(),
                until: cut,
                staying: BTreeSet::new(),
            },
            keep_newer: false,
            identity: manifest.identity(),
            other_store: None,
            taken_over: false,
            thorough: false,
        };
        plan.compare_stores(manifest.store.as_ref())?;
        for note in picked.notes {
            plan.take_elsewhere(note);
        }
        let mut shipped = tail.days(until)?;
        for (part, why) in picked.damaged {
            let day = days::day_of(&part, self)?;
            if at.is_some_and(|at| day.start_ms() > at) {
                continue;
            }
            plan.leave_out(&part, day, why);
            if plan.may_stay(day) {
                shipped.remove(&day);
                plan.days.insert(day, Becomes::Same);
            }
        }
        let missing = tail.gaps();
        plan.gaps
            .extend(missing.filter(|gap| at.is_none_or(|at| gap.from_ms <= at)));
        if let Some(at_ms) = at
            && let Some(beyond) = reach::beyond(manifest, &tail, at_ms)?
        {
            plan.not_recorded = Some(NotRecorded {
                at_ms,
                from_ms: beyond.from_ms,
                to_ms: None,
                why: beyond.why.clone(),
            });
            plan.gaps.push(beyond);
        }
        plan.bytes_needed += tail.bytes() * 8;
        if let (None, Some((_, (_, last)))) = (at, shipped.last_key_value()) {
            plan.would_restore_to_ms = plan.would_restore_to_ms.max(Some(EventId(*last).ms()));
        }
        let mut days = Vec::new();
        let mut after = Vec::new();
        for part in &picked.days {
            let day = days::day_of(part, self)?;
            if until.is_some_and(|until| EventId::first_of_ms(day.start_ms()) > until) {
                continue;
            }
            let crossing = until.filter(|until| part.to_id.is_some_and(|last| last > until.0));
            let events = match (crossing, &mut record) {
                (Some(until), Some(record)) => record.count_until(day, until)?,
                _ => part.events,
            };
            let (later, last) = shipped.remove(&day).unwrap_or((0, -1));
            let last = EventId(last.max(part.to_id.unwrap_or(-1)));
            after.push(DayAfter {
                day,
                events: events + later,
                origin: Origin::Archived(part, crossing.unwrap_or(last)),
            });
            plan.bytes_needed += part.raw_bytes();
            days.push(part.clone());
        }
        plan.gaps.extend(standing_gaps(&days, at));
        after.extend(shipped.into_iter().map(|(day, (events, last))| DayAfter {
            day,
            events,
            origin: Origin::Segments(EventId(last)),
        }));
        let mut known = HashSet::new();
        plan.gaps.retain(|gap| known.insert(gap.clone()));
        plan.lost = self.lost_before(manifest, &plan.gaps)?;
        plan.work = Work::Backup {
            days,
            tail,
            until: cut,
            staying: plan.staying(),
        };
        plan.compare(&after, true);
        plan.finish();
        Ok(plan)
    }
}
