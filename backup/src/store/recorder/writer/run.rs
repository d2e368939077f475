//! The thread that writes: takes commands, commits them in groups, and goes on whatever the disk does.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::disk::store_lock::StoreLock;
use crate::error::{Error, Result};
use crate::store::change::Row;
use crate::store::folder::Store;
use crate::store::names::Names;
use crate::store::recorder::options::RecorderOptions;
use crate::store::recorder::queue::{Command, Queued};
use crate::store::recorder::stats::{RecorderState, Shared};
use crate::store::recorder::writer::item::Item;
use crate::store::recorder::writer::state::Writer;
use crate::store::recorder::writer::write::BATCH;
use crate::store::word::OpenGap;

/// How often an idle recorder notes that it is alive, so that a crash leaves a short gap.
const ALIVE: Duration = Duration::from_secs(30);
/// How often an idle recorder gives its word anew.
const WORD: Duration = Duration::from_secs(1);

impl Writer {
    /// Takes the store up where recording ended.
    pub(crate) fn new(
        dir: PathBuf,
        lock: StoreLock,
        options: RecorderOptions,
        names: Arc<Names>,
        shared: Arc<Shared>,
    ) -> Result<Writer> {
        let mut writer = Writer::holding(dir, lock, options, names, shared);
        writer.take_up()?;
        if let Ok(before) = Store::open(&writer.open.dir).and_then(|store| store.vouched()) {
            writer.committed_ms = writer.committed_ms.or(before.until_ms);
            writer.until_ms = writer.committed_ms;
        }
        writer.give_word();
        Ok(writer)
    }

    /// Works until it is told to stop or until the last handle is gone.
    pub(crate) fn run(mut self, commands: &mpsc::Receiver<Queued>) {
        loop {
            let mut command = match commands.recv_timeout(self.patience()) {
                Ok(command) => Some(command),
                Err(mpsc::RecvTimeoutError::Timeout) => None,
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    let _ = self.stop();
                    return;
                }
            };
            while let Some((next, permit)) = command {
                self.pending.keep(permit);
                match next {
                    Command::Stop(done) => {
                        let _ = done.send(self.stop());
                        return;
                    }
                    other => self.take(other),
                }
                let more = self.pending.changes() < BATCH || self.retry.is_some();
                command = if more { commands.try_recv().ok() } else { None };
            }
            self.write_when_due();
        }
    }

    /// How long the thread may sleep.
    fn patience(&self) -> Duration {
        if let Some((at, _)) = self.retry {
            return at.saturating_duration_since(Instant::now());
        }
        match self.pending.oldest() {
            Some(_) if self.pending.is_flushed_for() => Duration::ZERO,
            Some(oldest) => {
                (oldest + self.options.flush_interval).saturating_duration_since(Instant::now())
            }
            None if self.live => WORD,
            None => ALIVE,
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Changes { at_ms, changes } => {
                self.live = true;
                self.look_at_clock(at_ms);
                self.close_open_gap(at_ms);
                let near_ms = self.believed(at_ms);
                for change in changes {
                    let id = self.ids.next(near_ms);
                    self.queue(Item::Change(Row { id, at_ms, change }));
                }
            }
            Command::Keyframe { at_ms, states } => {
                self.live = true;
                self.look_at_clock(at_ms);
                self.close_open_gap(at_ms);
                let id = self.next_id(at_ms);
                self.queue(Item::Keyframe {
                    id,
                    reason: "connect",
                    states: Some(states),
                });
            }
            Command::Gap {
                from_ms,
                to_ms,
                why,
            } => {
                let (from_ms, to_ms) = match self.open_gap.take() {
                    Some(open) => (from_ms.min(open.from_ms), to_ms),
                    None => (from_ms, to_ms),
                };
                self.queue_gap(from_ms, to_ms, why);
            }
            Command::Heard { at_ms } => self.heard_ms = Some(at_ms),
            Command::Lost { from_ms, why } => {
                if let (None, Some(from_ms)) = (&self.open_gap, from_ms.or(self.seen_to())) {
                    self.open_gap = Some(OpenGap { from_ms, why });
                }
                self.live = false;
                self.give_word();
            }
            Command::Dropped(place) => {
                let id = self.next_id(self.options.clock.now_ms());
                self.queue(Item::Dropped { id, place });
            }
            Command::Flush(done) => {
                self.pending.flush(done);
                self.write();
            }
            Command::Paused { replaced, job } => {
                if let Some(reply) = self.pause(replaced, job) {
                    reply();
                }
            }
            Command::Examine { day, done } => {
                let _ = done.send(self.examine(day));
            }
            Command::LookForLosses(done) => {
                let _ = done.send(self.look_for_losses());
            }
            Command::Stop(_) => {}
        }
    }

    fn write_when_due(&mut self) {
        let now = Instant::now();
        let due = match (self.retry, self.pending.oldest()) {
            (Some((at, _)), _) => now >= at,
            (None, Some(oldest)) => {
                self.pending.is_flushed_for()
                    || self.pending.changes() >= self.options.flush_events
                    || now >= oldest + self.options.flush_interval
            }
            (None, None) => {
                self.give_word();
                if now >= self.last_sign + ALIVE {
                    self.sign_of_life();
                }
                false
            }
        };
        if due {
            self.write();
        }
    }

    fn stop(&mut self) -> Result<()> {
        if !self.pending.is_empty() {
            self.write();
        }
        let lost = self.pending.changes();
        let reason = self.shared.failing_reason();
        if self.pending.is_empty() {
            self.vouch();
        }
        self.give_word();
        // Where the room is not seen any more, nothing later is to be taken for recorded.
        let open_ms = self.open_gap.as_ref().map(|gap| gap.from_ms);
        let seen_ms = open_ms.or(self.seen_to());
        if lost == 0
            && let Some(file) = &mut self.open.file
        {
            let noted = file
                .begin()
                .and_then(|()| seen_ms.map_or(Ok(()), |ms| file.put_meta("alive_ms", ms)))
                .and_then(|()| file.put_meta("stopped", 1))
                .and_then(|()| file.commit());
            if let Err(error) = noted {
                tracing::warn!(%error, "the stop could not be noted");
            }
        }
        // Before the answer: whoever waited for it may want to start the next one.
        self.open.release();
        self.shared.set_state(RecorderState::Stopped);
        match reason {
            Some(reason) if lost > 0 => Err(Error::Failing {
                reason: format!("{lost} changes were not written: {reason}"),
            }),
            _ => Ok(()),
        }
    }
}
