//! What is different between two moments.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::error::Result;
use crate::store::folder::Store;
use crate::store::moment::At;
use crate::store::query::state::ControlState;

/// A control that was not the same at two moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its content at the first moment; `None` when it was not known then.
    pub before: Option<ControlState>,
    /// Its content at the second moment; `None` when it was no longer known.
    pub after: Option<ControlState>,
}

impl Store {
    /// The controls whose content differs between two moments, by path. Changes that were taken back in between do
    /// not count.
    ///
    /// # Errors
    /// When a day file cannot be read, or a moment did not happen as often as asked.
    pub fn diff(&self, from: impl Into<At>, to: impl Into<At>) -> Result<Vec<Difference>> {
        let mut pairs: BTreeMap<CompactString, Difference> = BTreeMap::new();
        for state in self.state_at(from)?.controls {
            pairs.insert(
                state.series.path.clone(),
                Difference {
                    before: Some(state),
                    after: None,
                },
            );
        }
        for state in self.state_at(to)?.controls {
            let pair = pairs
                .entry(state.series.path.clone())
                .or_insert(Difference {
                    before: None,
                    after: None,
                });
            pair.after = Some(state);
        }
        Ok(pairs.into_values().filter(Difference::is_real).collect())
    }
}

impl Difference {
    fn is_real(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(a), Some(b)) => {
                (&a.value, &a.string, a.position) != (&b.value, &b.string, b.position)
            }
            _ => true,
        }
    }
}
