//! The series in use by this process, each with a small number.

use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::{Equivalent, HashMap};

use crate::store::event::Series;

/// A series as numbered by [`Recorder::series`](crate::store::recorder::Recorder::series); valid for that recorder only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub(crate) u32);

/// Series by number and numbers by series.
#[derive(Debug, Default)]
pub(crate) struct Names {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    numbers: HashMap<Arc<Series>, SeriesId>,
    list: Vec<Arc<Series>>,
}

impl Names {
    /// The number of a series, the same each time.
    pub(crate) fn intern(&self, series: Series) -> SeriesId {
        if let Some(id) = self
            .inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .numbers
            .get(&series)
        {
            return *id;
        }
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = inner.numbers.get(&series) {
            return *id;
        }
        let (id, series) = (SeriesId(inner.list.len() as u32), Arc::new(series));
        inner.list.push(Arc::clone(&series));
        inner.numbers.insert(series, id);
        id
    }

    /// The number of a series that is told by its names, where it has one.
    pub(crate) fn number<N: Hash + Equivalent<Arc<Series>>>(&self, names: &N) -> Option<SeriesId> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.numbers.get(names).copied()
    }

    /// The series behind a number, if this process has given it out.
    pub(crate) fn get(&self, id: SeriesId) -> Option<Arc<Series>> {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .list
            .get(id.0 as usize)
            .cloned()
    }
}
