//! What an open day file knows of its series: their numbers, and the rules that strings and positions follow.

use rusqlite::Connection;

use crate::store::cell::Cell;
use crate::store::dictionary::{self, FileSeries};
use crate::store::event::Series;
use crate::store::meaning::SeriesKey;
use crate::store::names::{Names, SeriesId};
use crate::store::rule::{Range, RangeLearner, TextLearner, TextRule};
use crate::store::value::Value;

/// One slot for each series of the recorder; those that the file does not have yet are empty.
#[derive(Default)]
pub(super) struct Slots(Vec<Option<Slot>>);

/// What the file knows of a series.
pub(super) struct Slot {
    /// Its number in the file.
    pub(super) id: i64,
    pub(super) key: SeriesKey,
    text: Option<TextRule>,
    range: Option<Range>,
    /// Until the rule is settled.
    text_learner: Option<Box<TextLearner>>,
    range_learner: Option<Box<RangeLearner>>,
    /// The dictionary says something new of it.
    news: bool,
}

impl Slots {
    /// Reads the file's dictionary.
    pub(super) fn load(conn: &Connection, names: &Names) -> rusqlite::Result<Slots> {
        let mut slots = Slots::default();
        for FileSeries {
            id,
            series,
            text,
            range,
        } in dictionary::load(conn)?
        {
            let slot = Slot::new(id, SeriesKey::of(&series), text, range);
            slots.put(names.intern(Series::clone(&series)), slot);
        }
        Ok(slots)
    }

    /// The number of a series in the file, where it has one already.
    pub(super) fn number(&self, series: SeriesId) -> Option<i64> {
        let slot = self.0.get(series.0 as usize)?.as_ref()?;
        Some(slot.id)
    }

    /// The identity of a series that has its slot.
    pub(super) fn key(&self, series: SeriesId) -> Option<&SeriesKey> {
        Some(&self.0.get(series.0 as usize)?.as_ref()?.key)
    }

    /// A series' slot; a series that is new here goes into the dictionary. `None`: nobody was ever given this id.
    pub(super) fn of(
        &mut self,
        conn: &Connection,
        names: &Names,
        series: SeriesId,
    ) -> rusqlite::Result<Option<&mut Slot>> {
        let place = series.0 as usize;
        if !matches!(self.0.get(place), Some(Some(_))) {
            let Some(entry) = names.get(series) else {
                return Ok(None);
            };
            let id = dictionary::insert(conn, &entry)?;
            let mut slot = Slot::new(id, SeriesKey::of(&entry), None, None);
            slot.news = true;
            self.put(series, slot);
        }
        Ok(self.0.get_mut(place).and_then(Option::as_mut))
    }

    fn put(&mut self, series: SeriesId, slot: Slot) {
        let place = series.0 as usize;
        if self.0.len() <= place {
            self.0.resize_with(place + 1, || None);
        }
        self.0[place] = Some(slot);
    }
}

impl Slot {
    fn new(id: i64, key: SeriesKey, text: Option<TextRule>, range: Option<Range>) -> Slot {
        Slot {
            id,
            key,
            text_learner: text.is_none().then(Box::default),
            range_learner: range.is_none().then(Box::default),
            text,
            range,
            news: false,
        }
    }

    /// Whether the dictionary says something new of it since this was asked last.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// The string's cell; learns the series' rule on the way.
    pub(super) fn string<'t>(
        &mut self,
        conn: &Connection,
        value: Option<&Value>,
        string: Option<&'t str>,
    ) -> rusqlite::Result<Cell<&'t str>> {
        let Some(string) = string else {
            return Ok(Cell::Absent);
        };
        if let Some(learner) = &mut self.text_learner
            && let Some(rule) = learner.observe(value, string)
        {
            dictionary::set_text_rule(conn, self.id, &rule)?;
            self.text_learner = None;
            (self.text, self.news) = (Some(rule), true);
        }
        Ok(match &self.text {
            Some(rule) if rule.gives(value, string) => Cell::Derived,
            _ => Cell::Stored(string),
        })
    }

    pub(super) fn position(
        &mut self,
        conn: &Connection,
        value: Option<&Value>,
        position: Option<f64>,
    ) -> rusqlite::Result<Cell<f64>> {
        let Some(position) = position else {
            return Ok(Cell::Absent);
        };
        if let Some(learner) = &mut self.range_learner
            && let Some(range) = learner.observe(value, position)
        {
            dictionary::set_range(conn, self.id, range)?;
            self.range_learner = None;
            (self.range, self.news) = (Some(range), true);
        }
        Ok(match self.range {
            Some(range) if range.gives(value, position) => Cell::Derived,
            _ => Cell::Stored(position),
        })
    }
}
