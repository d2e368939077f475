//! Records of one segment file that belong to one day and follow each other.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::format::segment::{self, Content, Record};
use crate::archive::place::interface::Place;
use crate::error::Result;
use crate::store::day::Day;
use crate::store::id::EventId;
use crate::store::identity::LineageId;

#[derive(Debug)]
pub(super) struct Run {
    pub(super) place: Arc<dyn Place>,
    pub(super) name: String,
    pub(super) day: Day,
    /// The history; `None` in version 1.
    pub(super) lineage: Option<LineageId>,
    /// Ids up to here are in the backup already.
    pub(super) after: i64,
    /// The bytes of the file that hold them; records between them may be none of the run.
    pub(super) from: u64,
    pub(super) end: u64,
    /// Where records begin whose rows are not to be believed.
    pub(super) bad: BTreeSet<u64>,
}

impl Run {
    /// Its records, found again one at a time, each with the id up to which its day was taken before it: only its changes
    /// behind that one count.
    pub(super) fn records(&self) -> Result<impl Iterator<Item = Result<(Record, i64)>> + '_> {
        let mut last = self.after;
        let within = |record: &Record| record.offset < self.end;
        let found = segment::records(&*self.place, &self.name, self.from)?
            .take_while(move |record| record.as_ref().map_or(true, within));
        Ok(found.filter_map(move |record| {
            let record = match record {
                Ok(record) => record,
                Err(error) => return Some(Err(error)),
            };
            let covers = record.covers;
            let belongs = record.link().map(|link| link.lineage) == self.lineage
                && covers.day == self.day
                && covers.events > 0
                && covers.to > last
                && !self.bad.contains(&record.offset);
            let after = last;
            belongs.then(|| {
                last = covers.to;
                Ok((record, after))
            })
        }))
    }

    /// Passes on the records with changes up to an id, in order.
    pub(super) fn each(
        &self,
        until: Option<EventId>,
        f: &mut dyn FnMut(&Record, i64) -> Result<()>,
    ) -> Result<()> {
        for record in self.records()? {
            let (record, after) = record?;
            if until.is_some_and(|until| after >= until.0) {
                break;
            }
            f(&record, after)?;
        }
        Ok(())
    }

    pub(super) fn read(&self, record: &Record) -> Result<Content> {
        segment::read(&*self.place, &self.name, record)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.place.path(&self.name)
    }
}
