//! Event store and archive of the recovery agent: what changed when, kept for years and proved to come back.
//!
//! Data goes one way: events are recorded into day files (the *store*), read back by questions, exported and
//! imported, and backed up into the *archive*. Nothing here knows of a Core or of the agent.

mod clock;
mod day;
mod error;
mod id;
mod value;
// Used by everything below.
mod cell;
mod day_file;
mod dictionary;
mod event;
mod lock;
mod names;
mod postings;
mod query;
mod recorder;
mod rule;
mod schema;
mod store;

mod archive;

pub use archive::{
    Archive, BackupInfo, BackupKind, Depth, Finding, Policy, Progress, PruneReport, Pruned, Report,
    RestorePlan, RestoreReport, RestoreSource, Restored, SettingsFile, UndoReport,
    finish_interrupted, undo, undo_available,
};
pub use clock::{Clock, SystemClock};
pub use day::Day;
pub use day_file::Change;
pub use error::{Error, Result};
pub use event::{Event, Gap, Series};
pub use id::EventId;
pub use lock::StoreLock;
pub use names::SeriesId;
pub use query::{ControlCounts, ControlState, Difference, Page, Query, State};
pub use recorder::{Recorder, RecorderOptions, RecorderState, RecorderStats, RecorderThread};
pub use schema::{
    APPLICATION_ID, SCHEMA_VERSION, check_schema, open_reader, open_writer, sqlite_version,
};
pub use store::{Quarantined, Store, StoreSummary};
pub use value::Value;
