//! Takes what was just committed from the recorder's memory, where it goes on from what was shipped.

use hashbrown::HashSet;

use crate::archive::make::ship::dictionary::Key;
use crate::archive::make::ship::open::Open;
use crate::archive::make::ship::rows::{Changes, Listed, MOST_ROWS, Rows};
use crate::store::fresh::{Fresh, FreshFile};

/// The changes committed after an id, the same as the file has; `None` where the file has to be read.
pub(super) fn just_committed(
    open: &Open,
    fresh: &Fresh,
    after: i64,
    described: &HashSet<Key>,
) -> Option<Rows> {
    let file = FreshFile {
        day: open.day,
        place: open.identity,
    };
    let runs = fresh.take(open.stretch?, file, after, MOST_ROWS)?;
    let most = runs.iter().map(|run| run.rows).sum();
    let mut list = Listed::with_room(open.dictionary.len().min(most));
    let mut changes = Changes::after(after, most);
    for change in runs.iter().flat_map(|run| run.rows()) {
        changes.push(&mut list, &change);
    }
    let (mut head, mut describes) = (Vec::new(), Vec::new());
    if changes.events > 0 {
        list.describe(&open.dictionary, described, &mut head, &mut describes)
            .ok()?;
    }
    Some(Rows {
        head,
        text: changes.text,
        events: changes.events,
        to: changes.to,
        to_ms: changes.to_ms,
        gap: None,
        describes,
        whole: true,
    })
}
