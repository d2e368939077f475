//! Begins another history of a store whose archive knows more of the present one than the store does.

use std::path::Path;

use crate::clock::{Clock as _, SystemClock};
use crate::disk::store_lock::StoreLock;
use crate::error::{Error, Result};
use crate::parting::Parting;
use crate::store::folder::Store;
use crate::store::identity::{Identity, LineageId};
use crate::store_use::StoreUse;

/// Begins it where nobody records.
pub(crate) fn begin(store: &Path, parting: &Parting) -> Result<()> {
    let own = Some(std::process::id());
    let _lock = match StoreLock::take(store, StoreUse::Restore) {
        // A restore that backs up first what it replaces.
        Err(Error::Locked { pid, .. }) if pid == own => None,
        taken => Some(taken?),
    };
    begin_held(store, parting)
}

/// The same for whoever holds the store's lock and has no file of it open.
pub(crate) fn begin_held(store: &Path, parting: &Parting) -> Result<()> {
    let now_ms = SystemClock.now_ms();
    let after = last_change(&Store::open(store)?)?;
    let known = Identity::of(store, now_ms)?;
    let unknown = parting.unknown.iter().map(|id| LineageId(*id));
    let next = known.next(after, &parting.to_string(), now_ms)?;
    next.beside(unknown.collect()).write(store)
}

/// The last change of the newest day; -1: there is none.
fn last_change(store: &Store) -> Result<i64> {
    let Some(day) = store.days()?.pop() else {
        return Ok(-1);
    };
    let conn = store.day_reader(day)?;
    let sql = "SELECT coalesce(max(id), -1) FROM changes";
    conn.query_row(sql, [], |row| row.get(0))
        .map_err(Error::sqlite(&store.day_path(day), "look for its end"))
}
