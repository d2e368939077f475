//! What waits to be written, and who waits for that.

use std::collections::{VecDeque, vec_deque};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::error::Result;
use crate::store::day::Day;
use crate::store::recorder::stats::lock;
use crate::store::recorder::writer::item::Item;

/// Items in the order of ids, the room that they take in the queue, and the callers that wait for all of them.
#[derive(Default)]
pub(super) struct Pending {
    items: VecDeque<Item>,
    changes: usize,
    permits: Vec<OwnedSemaphorePermit>,
    flushes: Vec<oneshot::Sender<Result<()>>>,
    oldest: Option<Instant>,
}

impl Pending {
    pub(super) fn push(&mut self, item: Item) {
        self.wait_from_now();
        self.changes += usize::from(matches!(item, Item::Change(_)));
        self.items.push_back(item);
    }

    /// Puts an item in front of all that waits; it is no change.
    pub(super) fn push_front(&mut self, item: Item) {
        self.items.push_front(item);
    }

    /// Notes that there is something to write from now on.
    pub(super) fn wait_from_now(&mut self) {
        self.oldest.get_or_insert_with(Instant::now);
    }

    pub(super) fn pop_front(&mut self) -> Option<Item> {
        let item = self.items.pop_front();
        self.changes -= usize::from(matches!(item, Some(Item::Change(_))));
        item
    }

    pub(super) fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    pub(super) fn iter(&self) -> vec_deque::Iter<'_, Item> {
        self.items.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many of the items are changes.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    /// Since when the first of the items waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.oldest
    }

    /// Keeps the room in the queue taken until all is written.
    pub(super) fn keep(&mut self, permit: Option<OwnedSemaphorePermit>) {
        self.permits.extend(permit);
    }

    /// Somebody waits until all is written.
    pub(super) fn flush(&mut self, done: oneshot::Sender<Result<()>>) {
        self.flushes.push(done);
    }

    pub(super) fn is_flushed_for(&self) -> bool {
        !self.flushes.is_empty()
    }

    /// Tells all who wait how it went.
    pub(super) fn answer(&mut self, outcome: impl Fn() -> Result<()>) {
        for done in self.flushes.drain(..) {
            let _ = done.send(outcome());
        }
    }

    /// All is written: the queue has its room back.
    pub(super) fn all_written(&mut self) {
        self.oldest = None;
        self.permits.clear();
    }

    /// How many items at the front can be written in one transaction: changes, gaps and steps of one day.
    pub(super) fn run_length(&self, day: Day, most: usize) -> usize {
        self.items
            .iter()
            .take(most)
            .take_while(|item| {
                matches!(item, Item::Change(_) | Item::Gap { .. } | Item::Step { .. })
                    && item.id().day() == day
            })
            .count()
    }

    /// Changes every item in place.
    pub(super) fn each(&mut self, change: impl FnMut(&mut Item)) {
        self.items.iter_mut().for_each(change);
    }

    /// Merges neighbouring places of dropped changes, so that there is one however long the disk fails.
    pub(super) fn merge_dropped(&mut self) {
        while let [
            ..,
            Item::Dropped { place: before, .. },
            Item::Dropped { place: after, .. },
        ] = self.items.make_contiguous()
        {
            let mut later = lock(after);
            later.taken = true;
            let (from_ms, to_ms, count) = (later.from_ms, later.to_ms, later.count);
            lock(before).absorb(
                from_ms,
                to_ms,
                count,
                later.last.drain().map(|(_, change)| change),
            );
            drop(later);
            self.items.pop_back();
        }
    }
}
