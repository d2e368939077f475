//! Writes what is pending into the day file, in transactions of one kind and one day, or finds out why it cannot.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::store::change::Change;
use crate::store::day::Day;
use crate::store::event::Gap;
use crate::store::id::EventId;
use crate::store::names::SeriesId;
use crate::store::recorder::stats::lock;
use crate::store::recorder::writer::failure::Failure;
use crate::store::recorder::writer::item::Item;
use crate::store::recorder::writer::state::Writer;

/// Rows in one transaction at most.
pub(super) const BATCH: usize = 10_000;
/// Waits between two tries of a failing disk, from the first to the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Changes for each known state between two keyframes. A keyframe writes every state; this keeps it cheap beside the
/// changes.
const CHANGES_PER_STATE: u64 = 25;

impl Writer {
    /// Writes everything pending, or finds out that it cannot.
    pub(super) fn write(&mut self) {
        let (mut surprises, idle) = (0, self.pending.is_empty());
        let failed = loop {
            if self.pending.is_empty() {
                break None;
            }
            match self.write_run() {
                Ok(()) => {}
                Err(failure) => {
                    // Whatever the file object remembers may be ahead of the file.
                    self.open.file = None;
                    surprises += 1;
                    match failure {
                        Failure::Conflict if surprises <= 3 => self.renumber(),
                        Failure::Damaged(reason) if surprises <= 3 => {
                            let day = self.pending.front().map(|item| item.id().day());
                            let moved = day.map(|day| self.move_aside(day, &reason));
                            if let Some(Err(reason)) = moved {
                                break Some(reason);
                            }
                        }
                        Failure::Conflict => {
                            break Some("ids of new events are taken again and again".to_owned());
                        }
                        Failure::Damaged(reason) | Failure::Disk(reason) => break Some(reason),
                    }
                }
            }
        };
        match failed {
            None if idle => self.answer_flushes(),
            None => self.all_written(),
            Some(reason) => self.not_written(reason),
        }
    }

    fn all_written(&mut self) {
        self.shared.set_ok();
        self.retry = None;
        self.pending.all_written();
        self.answer_flushes();
    }

    fn answer_flushes(&mut self) {
        if self.pending.is_flushed_for() {
            self.vouch();
        }
        self.give_word();
        self.pending.answer(|| Ok(()));
    }

    fn not_written(&mut self, reason: String) {
        let pause = self
            .retry
            .map_or(RETRY.0, |(_, pause)| (pause * 2).min(RETRY.1));
        self.retry = Some((Instant::now() + pause, pause));
        self.pending.merge_dropped();
        self.pending.answer(|| {
            Err(Error::Failing {
                reason: reason.clone(),
            })
        });
        let now = self.options.clock.now_ms();
        let oldest = self.pending.front().map(|item| item.id().ms());
        self.shared
            .set_failing(reason, oldest.map_or(now, |oldest| oldest.min(now)));
        self.give_word();
    }

    /// Writes the items at the front that share a day and a kind in one transaction.
    fn write_run(&mut self) -> std::result::Result<(), Failure> {
        let Some(day) = self.pending.front().map(|item| item.id().day()) else {
            return Ok(());
        };
        self.open_day(day)?;
        let alone = !matches!(
            self.pending.front(),
            Some(Item::Change(_) | Item::Gap { .. } | Item::Step { .. })
        );
        if self.in_doubt {
            self.in_doubt = false;
            if let Some(Item::Change(row)) = self
                .pending
                .iter()
                .find(|item| matches!(item, Item::Change(_)))
                && let Some(file) = &self.open.file
                && file.has(row)?
            {
                self.written_before(day);
                return Ok(());
            }
        }
        let run = if alone {
            1
        } else {
            self.pending.run_length(day, BATCH)
        };
        let mut frame = self.frame_at_front();
        let Some(file) = &mut self.open.file else {
            return Ok(());
        };
        file.begin()?;
        let mut poison = Vec::new();
        if let Some(frame) = &mut frame {
            if let Some(gap) = &frame.gap {
                file.put_gap(frame.id, gap)?;
            }
            file.put_keyframe(&self.names, frame.id, frame.reason, frame.states.iter())?;
        } else {
            let rows = self.pending.iter().take(run).filter_map(|item| match item {
                Item::Change(row) => Some(row),
                _ => None,
            });
            file.put_changes(&self.names, rows, |row, reason| poison.push((row, reason)))?;
            for (row, reason) in &poison {
                file.put_quarantine(&self.names, row, reason)?;
            }
            for item in self.pending.iter().take(run) {
                match item {
                    Item::Gap { id, gap } => file.put_gap(*id, gap)?,
                    Item::Step { id, step } => file.put_clock_step(*id, step)?,
                    _ => {}
                }
            }
        }
        if let Err(error) = file.commit() {
            self.in_doubt = true;
            return Err(error.into());
        }
        let quarantined: Vec<EventId> = poison.iter().map(|(row, _)| row.id).collect();
        for (row, reason) in &poison {
            tracing::warn!(at_ms = row.at_ms, reason, "a change was quarantined");
        }
        self.shared
            .quarantined
            .fetch_add(quarantined.len() as u64, Relaxed);
        match frame {
            Some(frame) => self.frame_written(frame),
            None => self.run_written(run, &quarantined),
        }
        self.last_sign = Instant::now();
        self.keyframe_if_due();
        Ok(())
    }

    /// When the first item is a keyframe or a place of dropped changes: all that is to be written for it.
    fn frame_at_front(&self) -> Option<Frame> {
        match self.pending.front()? {
            Item::Keyframe {
                id,
                reason,
                states: Some(states),
            } => Some(Frame {
                id: *id,
                reason,
                states: states.clone(),
                gap: None,
            }),
            Item::Keyframe {
                id,
                reason,
                states: None,
            } => Some(Frame {
                id: *id,
                reason,
                states: self.known.all(),
                gap: None,
            }),
            Item::Dropped { id, place } => {
                let mut dropped = lock(place);
                // Callers begin another place from here on.
                dropped.taken = true;
                let mut states: HashMap<SeriesId, Change> = self
                    .known
                    .all()
                    .into_iter()
                    .map(|change| (change.series, change))
                    .collect();
                states.extend(
                    dropped
                        .last
                        .iter()
                        .map(|(series, change)| (*series, change.clone())),
                );
                let reason = self
                    .shared
                    .failing_reason()
                    .unwrap_or_else(|| "the disk failed".into());
                let why = format!("{} changes were not recorded: {reason}", dropped.count);
                let gap = Gap {
                    from_ms: dropped.from_ms,
                    to_ms: dropped.to_ms,
                    why,
                };
                Some(Frame {
                    id: *id,
                    reason: "gap",
                    states: states.into_values().collect(),
                    gap: Some(gap),
                })
            }
            Item::Change(_) | Item::Gap { .. } | Item::Step { .. } => None,
        }
    }

    fn frame_written(&mut self, frame: Frame) {
        self.pending.pop_front();
        let now = self.options.clock.now_ms();
        // Where the clock was set back, ids go before it.
        self.committed_ms = Some(frame.id.ms().min(now));
        self.known.unsure = false;
        self.shared
            .gaps
            .fetch_add(u64::from(frame.gap.is_some()), Relaxed);
        self.known.replace(frame.id, frame.states);
        self.shared.committed(0, now);
    }

    fn run_written(&mut self, run: usize, quarantined: &[EventId]) {
        let (mut changes, mut gaps) = (0, 0);
        for _ in 0..run {
            match self.pending.pop_front() {
                Some(Item::Change(row)) => {
                    changes += 1;
                    self.committed_ms = Some(row.at_ms);
                    if quarantined.binary_search(&row.id).is_err() {
                        self.known.know(row.id, row.change);
                    }
                }
                Some(Item::Gap { gap, .. }) => {
                    gaps += 1;
                    // That a past day is lost says nothing of how far the record goes.
                    if gap.lost_day().is_none() {
                        self.committed_ms = Some(gap.to_ms);
                    }
                }
                _ => {}
            }
        }
        self.shared.queued.fetch_sub(changes as u64, Relaxed);
        self.shared.gaps.fetch_add(gaps, Relaxed);
        self.shared.committed(
            (changes - quarantined.len()) as u64,
            self.options.clock.now_ms(),
        );
    }

    /// The run whose commit was in doubt is in the file.
    fn written_before(&mut self, day: Day) {
        let run = self.pending.run_length(day, BATCH);
        let Some(file) = &self.open.file else { return };
        let there = self
            .pending
            .iter()
            .take(run)
            .take_while(|item| match item {
                Item::Change(row) => file.has(row).unwrap_or(false),
                _ => true,
            })
            .count();
        self.run_written(there, &[]);
    }

    /// Queues a keyframe after so many changes, so that reading a state need not go through all of them.
    fn keyframe_if_due(&mut self) {
        let Some(file) = &self.open.file else { return };
        let states = self.known.len() as u64;
        let every = self.options.keyframe_every.max(CHANGES_PER_STATE * states);
        if file.since_keyframe() < every || states == 0 {
            return;
        }
        // It comes before whatever is next, even before items that have their ids already.
        if let Ok(Some(last)) = file.last_id() {
            let id = EventId(last.0 + 1);
            if id.day() == file.day() {
                self.pending.push_front(Item::Keyframe {
                    id,
                    reason: "block",
                    states: None,
                });
            }
        }
    }
}

/// A full state to be written, and the gap before it.
struct Frame {
    id: EventId,
    reason: &'static str,
    states: Vec<Change>,
    gap: Option<Gap>,
}
