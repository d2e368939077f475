//! The thread that writes: takes commands, commits them in groups, and goes on whatever the disk does.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::disk::store_lock::StoreLock;
use crate::error::{Error, Result};
use crate::store::change::Row;
use crate::store::names::Names;
use crate::store::recorder::options::RecorderOptions;
use crate::store::recorder::queue::{Command, Queued};
use crate::store::recorder::stats::{RecorderState, Shared};
use crate::store::recorder::writer::item::Item;
use crate::store::recorder::writer::state::Writer;
use crate::store::recorder::writer::write::BATCH;

/// How often an idle recorder notes that it is alive, so that a crash leaves a short gap.
const ALIVE: Duration = Duration::from_secs(30);

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
            None => ALIVE,
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Changes { at_ms, changes } => {
                self.look_at_clock(at_ms);
                self.close_open_gap(at_ms);
                let near_ms = self.believed(at_ms);
                for change in changes {
                    let id = self.ids.next(near_ms);
                    self.queue(Item::Change(Row { id, at_ms, change }));
                }
            }
            Command::Keyframe { at_ms, states } => {
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
                    Some((from, _)) => (from_ms.min(from), to_ms),
                    None => (from_ms, to_ms),
                };
                self.queue_gap(from_ms, to_ms, why);
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
        if self.open_gap.is_none()
            && lost == 0
            && let Some(file) = &mut self.open.file
        {
            let now = self.options.clock.now_ms();
            let noted = file
                .begin()
                .and_then(|()| file.put_meta("alive_ms", now))
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
