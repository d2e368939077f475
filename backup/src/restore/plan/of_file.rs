//! The plan of a restore from a single database file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::archive::look::original::{Database, FileKind};
use crate::archive::open::Archive;
use crate::error::{Error, Result};
use crate::restore::days::{self, Work};
use crate::restore::plan::compare::{DayAfter, Origin, present_days};
use crate::restore::plan::moments::SingleDay;
use crate::restore::plan::outline::RestorePlan;
use crate::restore::plan::reach::unreachable;
use crate::store::id::EventId;
use crate::store::identity::Identity;
use crate::store::moment::{self, At};

impl Archive {
    pub(super) fn plan_file(
        &self,
        database: Database,
        at: Option<At>,
        target: &Path,
    ) -> Result<RestorePlan> {
        let path = database.path(&*self.place);
        let opened = database.open(&*self.place)?;
        let kind = opened.inspect(&path, false)?;
        let (is_original, from_ms, to_ms) = match &kind {
            FileKind::Day(contents) => (false, contents.from_ms, contents.to_ms),
            FileKind::Original(contents) => (true, contents.from_ms, contents.to_ms),
        };
        if let Some(outside) = [from_ms, to_ms]
            .into_iter()
            .flatten()
            .find(|ms| !(0..=EventId::MAX_MS).contains(ms))
        {
            return Err(Error::Unreadable {
                path,
                found: format!("a row with the time {outside} ms"),
                expected: "times between 1970 and 9999; an import takes the other rows over".into(),
            });
        }
        if let (Some(at), Some(from), Some(to)) = (at, from_ms, to_ms)
            && !(from..=to).contains(&at.ms)
        {
            return Err(unreachable(&path, at.ms, &[(from, to)]));
        }
        let (mut until, mut told, mut notes) = (None, None, Vec::new());
        let counted = match &kind {
            FileKind::Original(_) => opened.days_until(at.map_or(i64::MAX, |at| at.ms)),
            FileKind::Day(contents) => {
                let day = days::day_of_file(contents, &path)?;
                if let Some(at) = at {
                    let mut record = SingleDay {
                        conn: &opened.conn,
                        path: &path,
                        day,
                    };
                    let (cut, repeated) = moment::resolve(&mut record, at)?;
                    notes.extend(repeated.as_ref().map(ToString::to_string));
                    (until, told) = (Some(cut), repeated);
                }
                let last = until.map_or(i64::MAX, |cut| cut.until.0);
                let sql = "SELECT count(*) FROM changes WHERE id <= ?1";
                let count = opened.conn.query_row(sql, [last], |row| row.get(0));
                count.map(|events| vec![(day, events)])
            }
        };
        let after: Vec<DayAfter<'_>> = counted
            .map_err(Error::sqlite(&path, "count its events"))?
            .into_iter()
            .map(|(day, events)| DayAfter {
                day,
                events,
                origin: Origin::File,
            })
            .collect();
        let mut plan = RestorePlan {
            from: path.display().to_string(),
            target: target.to_path_buf(),
            would_restore_to_ms: at.map(|at| at.ms).or(to_ms),
            events: 0,
            events_gained: 0,
            events_lost: 0,
            // A table of the original shrinks to less than a quarter in our tables.
            bytes_needed: opened.raw_bytes,
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
            work: Work::File {
                database,
                is_original,
                until,
                at,
            },
            keep_newer: false,
            identity: None,
            other_store: None,
            taken_over: false,
            thorough: false,
        };
        let noted = match &kind {
            FileKind::Day(_) => Identity::noted_in(&opened.conn)
                .map_err(Error::sqlite(&path, "read whose record it is"))?,
            FileKind::Original(_) => None,
        };
        plan.compare_stores(noted.as_ref().map(|noted| &noted.store))?;
        // A folder that says nothing and holds nothing becomes the file's store; any other one stays what it is.
        let nothing_there = present_days(target).is_empty();
        plan.identity = noted.filter(|_| nothing_there && plan.other_store.is_none());
        plan.compare(&after, false);
        plan.notes
            .push("days that the file does not cover stay as they are".into());
        plan.finish();
        Ok(plan)
    }
}
