//! Event store and archive of the recovery agent: what changed when, kept for years and proved to come back.
//!
//! Data goes one way: events are recorded into day files (the *store*), read back by questions, exported and
//! imported, and backed up into the *archive*. Nothing here knows of a Core or of the agent.

// Modules in reading order: each knows only those above it.
mod clock;
mod day;
mod digest;
mod error;
mod id;
mod value;

mod change;
mod event;
mod names;

// How an event lies in a day file.
mod cell;
mod rule;
mod schema;

mod dictionary;
mod postings;

// Writing and reading day files.
mod day_file;
mod lock;
mod mount_point;
mod store;

mod damaged;

mod retention;

mod query;

mod state_digest;

mod reindex;

mod recorder;

// Events out and in.
mod export;
mod import;

// Backups of the store.
mod archive;

/// What only the fuzz targets call.
#[cfg(fuzzing)]
pub use archive::fuzzing;
pub use archive::{
    Archive, BackupInfo, BackupKind, ControlChange, Depth, Finding, Mend, Policy, Progress,
    PruneReport, Pruned, Recoverable, Report, RestorePlan, RestoreReport, RestoreSource, Restored,
    SettingsFile, SettingsSource, Shipped, Shipper, UndoReport, finish_interrupted, full_at_step,
    kill_at_step, steps_left, undo, undo_available,
};
pub use change::Change;
pub use clock::{Clock, SystemClock};
pub use damaged::DamagedDay;
pub use day::Day;
pub use error::{Error, Result};
pub use event::{Event, Gap, Series};
pub use export::{ExportOptions, Format, export};
pub use id::EventId;
pub use import::{Destination, ImportReport, import};
pub use lock::StoreLock;
pub use names::SeriesId;
pub use query::{ControlCounts, ControlState, Controls, Difference, Page, Query, State};
pub use recorder::{Recorder, RecorderOptions, RecorderState, RecorderStats, RecorderThread};
pub use retention::{DayFate, Retention, RetentionPlan};
pub use schema::{
    APPLICATION_ID, SCHEMA_VERSION, check_schema, open_reader, open_writer, sqlite_version,
};
pub use store::{Quarantined, Store, StoreSummary};
pub use value::Value;
