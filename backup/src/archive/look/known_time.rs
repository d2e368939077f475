//! What an archive knows of the time: the last moment that it was believed, or where none is noted, its backups.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::archive::format::manifest::Manifest;
use crate::archive::format::stamp::rfc3339;
use crate::archive::open::Archive;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::trusted_now::{LastKnown, TrustedNow};

/// The note of the last moment that was believed.
const NOTE: &str = "clock.json";
const KIND: &str = "qsys-agent clock";
const LARGEST: u64 = 4096;
/// A note that is newer by less than this is not worth a write.
const FRESH_MS: i64 = 3_600_000;

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    kind: String,
    /// RFC 3339, for people; `known_ms` counts.
    known_at: String,
    known_ms: i64,
}

impl Archive {
    /// The clock's time, where it agrees with what this archive knows; `ran_evenly` says how long the clock has run
    /// without a step, as far as somebody watched it.
    ///
    /// # Errors
    /// [`Error::ClockInDoubt`] where it does not agree; or when the archive cannot be read.
    pub fn trusted_now(&self, clock: &dyn Clock, ran_evenly: Duration) -> Result<TrustedNow> {
        TrustedNow::by(clock, self.last_known()?, ran_evenly).map_err(Error::ClockInDoubt)
    }

    /// What backups made by a wrong clock say must not count, so from the first one on a note counts alone: it follows
    /// the clock only while that is believed.
    fn last_known(&self) -> Result<Option<LastKnown>> {
        match self.noted() {
            Some(at_ms) => Ok(Some(LastKnown {
                at_ms,
                what: "it was last believed",
            })),
            None => self.newest_trace(),
        }
    }

    fn noted(&self) -> Option<i64> {
        let bytes = self.place.get_small(NOTE, LARGEST).ok()?;
        let note: Note = serde_json::from_slice(&bytes).ok()?;
        (note.kind == KIND).then_some(note.known_ms)
    }

    /// The newest of all times that backups, their events and their files carry.
    fn newest_trace(&self) -> Result<Option<LastKnown>> {
        let mut newest: Option<LastKnown> = None;
        let mut take = |at_ms: i64, what| {
            if newest.as_ref().is_none_or(|known| known.at_ms < at_ms) {
                newest = Some(LastKnown { at_ms, what });
            }
        };
        for (manifest, _) in self.manifests()? {
            take(manifest.created_at_ms, "the newest backup was made");
            if let Some(to_ms) = manifest.to_ms {
                take(to_ms, "the newest archived event happened");
            }
            let name = Manifest::file_name(&manifest.id);
            if let Ok(Some(found)) = self.place.look(&name) {
                take(
                    found.modified_ns / 1_000_000,
                    "the newest file of the archive was written",
                );
            }
        }
        Ok(newest)
    }

    /// Before a backup is made by a clock that nobody has looked at yet: notes what is known without it.
    pub(crate) fn note_what_is_known(&self) -> Result<()> {
        match (self.noted(), self.newest_trace()?) {
            (None, Some(known)) => self.note(known.at_ms),
            _ => Ok(()),
        }
    }

    /// Notes that the time was believed. The caller holds the archive for writing.
    pub(crate) fn note_believed(&self, now: TrustedNow) -> Result<()> {
        match self.noted() {
            Some(noted) if (0..FRESH_MS).contains(&(now.ms().saturating_sub(noted))) => Ok(()),
            _ => self.note(now.ms()),
        }
    }

    fn note(&self, known_ms: i64) -> Result<()> {
        let note = Note {
            kind: KIND.into(),
            known_at: rfc3339(known_ms),
            known_ms,
        };
        let mut text = serde_json::to_vec_pretty(&note).expect("plain data");
        text.push(b'\n');
        self.place.put(NOTE, &text)
    }
}
