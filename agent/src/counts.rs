//! What the store holds, in numbers; counting the files is dear, so it is done now and then.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use backup::{Gap, Store, StoreSummary};

/// How often the day files are counted anew; between, the recorder's own count is added.
const RECOUNT: Duration = Duration::from_secs(2);

/// Counts a store that is being recorded into.
pub(crate) struct Counts {
    store: PathBuf,
    last: Mutex<Option<Last>>,
}

struct Last {
    when: Instant,
    /// The recorder's count when the files were counted.
    committed: u64,
    counted: Counted,
}

/// The store in numbers.
#[derive(Clone, Default)]
pub(crate) struct Counted {
    pub(crate) summary: StoreSummary,
    pub(crate) gaps: Vec<Gap>,
}

impl Counts {
    pub(crate) fn new(store: &Path) -> Self {
        Self {
            store: store.to_owned(),
            last: Mutex::default(),
        }
    }

    /// The numbers as of now; `committed` is the recorder's own count. A store that cannot
    /// be read keeps its last numbers: the recorder tells of the trouble.
    pub(crate) fn now(&self, committed: u64) -> Counted {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = last
            .as_ref()
            .is_some_and(|last| last.when.elapsed() < RECOUNT);
        if !fresh {
            match (count(&self.store), &mut *last) {
                (Ok(counted), last) => {
                    *last = Some(Last {
                        when: Instant::now(),
                        committed,
                        counted,
                    });
                }
                (Err(_), Some(last)) => last.when = Instant::now(),
                (Err(_), None) => {}
            }
        }
        let Some(last) = &*last else {
            return Counted::default();
        };
        let mut counted = last.counted.clone();
        counted.summary.events += committed.saturating_sub(last.committed);
        counted
    }
}

/// Counts the files of a store.
pub(crate) fn count(store: &Path) -> backup::Result<Counted> {
    let store = Store::open(store)?;
    Ok(Counted {
        summary: store.summary()?,
        gaps: store.gaps(i64::MIN, i64::MAX)?,
    })
}
