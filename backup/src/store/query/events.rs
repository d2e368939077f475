//! Events in a span, oldest or newest first, page by page.

use std::fmt::Write as _;

use globset::GlobSet;
use rusqlite::{Rows, params};

use crate::error::Result;
use crate::store::day::Day;
use crate::store::event::Event;
use crate::store::folder::Store;
use crate::store::id::EventId;
use crate::store::postings;
use crate::store::query::controls::matcher;
use crate::store::query::reader::{COLUMNS, DayReader};

/// Which events. A span is what lies between two moments in the order of events: where the clock was set back over a
/// moment, its last time counts, as [`Store::repeated`] tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Globs on control paths (`*` `?` `[a-z]` `{a,b}`); none means all.
    pub controls: Vec<String>,
    /// From this Unix millisecond on, inclusive.
    pub since_ms: Option<i64>,
    /// Up to this Unix millisecond, inclusive.
    pub until_ms: Option<i64>,
    /// Events in a page at most.
    pub limit: usize,
    /// The newest first instead of the oldest.
    pub newest_first: bool,
    /// Only what comes after this event in the chosen order: the `next` of the page before.
    pub after: Option<EventId>,
}

impl Default for Query {
    fn default() -> Query {
        Query {
            controls: Vec::new(),
            since_ms: None,
            until_ms: None,
            limit: 1000,
            newest_first: false,
            after: None,
        }
    }
}

/// Some events and where the next page begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The events, in the asked order.
    pub events: Vec<Event>,
    /// To be put into [`Query::after`] for the next page; `None` when there is nothing more.
    pub next: Option<EventId>,
}

impl Store {
    /// One page of events.
    ///
    /// # Errors
    /// When a glob is malformed or a day file cannot be read.
    pub fn events(&self, query: &Query) -> Result<Page> {
        let mut page = Page::default();
        let limit = query.limit;
        self.each_event(query, &mut |event| {
            if page.events.len() == limit {
                page.next = page.events.last().map(|event| event.id);
                return false;
            }
            page.events.push(event);
            true
        })?;
        Ok(page)
    }

    /// Passes events on one by one until `take` says no. [`Query::limit`] does not count here.
    pub(crate) fn each_event(
        &self,
        query: &Query,
        take: &mut dyn FnMut(Event) -> bool,
    ) -> Result<()> {
        let (low, high) = self.span(query.since_ms, query.until_ms)?;
        self.each_between(query, low, high, take)
    }

    /// Passes on the events of a day's file.
    pub(crate) fn each_of_day(&self, day: Day, take: &mut dyn FnMut(Event) -> bool) -> Result<()> {
        let first = EventId::first_of_ms(day.start_ms()).0;
        let last = EventId::first_of_ms(day.end_ms()).0 - 1;
        self.each_between(&Query::default(), first, last, take)
    }

    fn each_between(
        &self,
        query: &Query,
        mut low: i64,
        mut high: i64,
        take: &mut dyn FnMut(Event) -> bool,
    ) -> Result<()> {
        let globs = matcher(&query.controls)?;
        match query.after {
            Some(after) if query.newest_first => high = high.min(after.0.saturating_sub(1)),
            Some(after) => low = low.max(after.0.saturating_add(1)),
            None => {}
        }
        if low > high {
            return Ok(());
        }
        let (first, last) = (EventId(low).day(), EventId(high).day());
        let mut days: Vec<Day> = self
            .days()?
            .into_iter()
            .filter(|day| (first..=last).contains(day))
            .collect();
        if query.newest_first {
            days.reverse();
        }
        for day in days {
            let reader = DayReader::open(&self.day_path(day))?;
            let mut scan = Scan {
                reader: &reader,
                low,
                high,
                newest_first: query.newest_first,
                take,
            };
            if !scan.day(globs.as_ref()).map_err(reader.failed())? {
                break;
            }
        }
        Ok(())
    }
}

struct Scan<'a> {
    reader: &'a DayReader,
    low: i64,
    high: i64,
    newest_first: bool,
    take: &'a mut dyn FnMut(Event) -> bool,
}

impl Scan<'_> {
    /// Passes on a day's events; false when no more are wanted.
    fn day(&mut self, globs: Option<&GlobSet>) -> rusqlite::Result<bool> {
        let Some(wanted) = self.reader.matching(globs) else {
            return self.rows(self.low, self.high, None);
        };
        if wanted.is_empty() {
            return Ok(true);
        }
        // The span falls into blocks and what lies between and after them; each part in the cheaper way.
        let mut parts = Vec::new();
        let mut from = self.low;
        let mut blocks = self.reader.conn.prepare_cached(
            "SELECT first, last, count FROM blocks WHERE last >= ?1 AND first <= ?2 ORDER BY first",
        )?;
        let mut rows = blocks.query([self.low, self.high])?;
        while let Some(row) = rows.next()? {
            let (first, last, count): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if from < first {
                parts.push((from, first - 1, None));
            }
            parts.push((from.max(first), last.min(self.high), Some((first, count))));
            from = last.saturating_add(1);
        }
        if from <= self.high {
            parts.push((from, self.high, None));
        }
        if self.newest_first {
            parts.reverse();
        }
        for (low, high, block) in parts {
            let postings = match block {
                Some((block, count)) => self.postings(block, count, &wanted)?,
                None => None,
            };
            let more = match postings {
                Some(ids) => self.points(low, high, ids)?,
                None => self.rows(low, high, Some(&wanted))?,
            };
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The ids of the wanted series in a block, when fetching them one by one is cheaper than reading the block.
    fn postings(
        &self,
        block: i64,
        count: i64,
        wanted: &[i64],
    ) -> rusqlite::Result<Option<Vec<i64>>> {
        let conn = &self.reader.conn;
        let mut find = conn
            .prepare_cached("SELECT count, ids FROM postings WHERE block = ?1 AND series = ?2")?;
        let (mut ids, mut found) = (Vec::new(), 0);
        for series in wanted {
            let mut rows = find.query([block, *series])?;
            let Some(row) = rows.next()? else { continue };
            found += row.get::<_, i64>(0)?;
            // Fetching one row costs about six times as much as passing it in a scan.
            if found * 6 > count
                || postings::unpack(block, row.get_ref(1)?.as_blob()?, &mut ids).is_none()
            {
                return Ok(None);
            }
        }
        ids.sort_unstable();
        Ok(Some(ids))
    }

    fn points(&mut self, low: i64, high: i64, mut ids: Vec<i64>) -> rusqlite::Result<bool> {
        ids.retain(|id| (low..=high).contains(id));
        if self.newest_first {
            ids.reverse();
        }
        // One statement that walks the list costs less than one statement for each id. SQLite keeps the
        // order of the left side of a CROSS JOIN.
        let mut find = self.reader.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM json_each(?1) wanted CROSS JOIN changes ON changes.id = wanted.value"
        ))?;
        let mut rows = find.query([list(&ids)])?;
        self.take_all(&mut rows)
    }

    fn rows(&mut self, low: i64, high: i64, wanted: Option<&[i64]>) -> rusqlite::Result<bool> {
        let only = match wanted {
            Some(_) => "AND series IN (SELECT value FROM json_each(?3))",
            None => "AND ?3 IS NULL",
        };
        let order = if self.newest_first { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT {COLUMNS} FROM changes WHERE id BETWEEN ?1 AND ?2 {only} ORDER BY id {order}"
        );
        let mut query = self.reader.conn.prepare_cached(&sql)?;
        let mut rows = query.query(params![low, high, wanted.map(list)])?;
        self.take_all(&mut rows)
    }

    fn take_all(&mut self, rows: &mut Rows<'_>) -> rusqlite::Result<bool> {
        while let Some(row) = rows.next()? {
            if let Some(event) = self.reader.event(row)?
                && !(self.take)(event)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Numbers as a JSON array, which SQL can walk.
fn list(numbers: &[i64]) -> String {
    let mut list = String::with_capacity(numbers.len() * 18 + 2);
    for number in numbers {
        list.push(if list.is_empty() { '[' } else { ',' });
        let _ = write!(list, "{number}");
    }
    list.push_str(if list.is_empty() { "[]" } else { "]" });
    list
}
