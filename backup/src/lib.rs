//! Event store and archive of the recovery agent: what changed when, kept for years and proved to come back.
//!
//! Data goes one way: events are recorded into day files (the *store*), read back by questions, exported and
//! imported, and backed up into the *archive*. Nothing here knows of a Core or of the agent.

// Modules in reading order: each knows only those above it.
mod clock;
mod digest;
mod finding;
mod progress;

mod irregular;
mod lesser_way;
mod out_of_reach;
mod parting;
mod store_use;

mod trusted_now;

mod error;

mod found;

// Whole files, locks, free space, scratch.
mod disk;

// Day files: events as they are recorded and read back.
mod store;

// Events out and in.
mod exchange;

// Backups of the store.
mod archive;

// The way back.
mod restore;

/// What only the fuzz targets call.
#[cfg(fuzzing)]
pub mod fuzzing;

pub use archive::format::owner::ArchiveId;
pub use archive::look::list::{BackupInfo, BackupKind};
pub use archive::look::mends::{Loss, Mend};
pub use archive::look::past::Past;
pub use archive::look::report::{Depth, Report};
pub use archive::make::settings::{SettingsFile, SettingsSource};
pub use archive::make::ship::{Shipped, Shipper};
pub use archive::open::Archive;
pub use archive::retention::policy::Policy;
pub use archive::retention::prune::{PruneReport, Pruned};
pub use clock::{Clock, SystemClock};
#[cfg(feature = "fault-injection")]
pub use disk::fault::{Refused, full_at_step, kill_at_step, refuse, steps_left};
pub use disk::mount_point::MountPoint;
pub use disk::owner::{give_to_owner_of_folder, make_folder};
pub use disk::real::make_file;
pub use disk::store_lock::StoreLock;
pub use error::{Error, RecordIn, Result, Stores};
pub use exchange::export::{ExportOptions, Format, export, export_to_file};
pub use exchange::import::import;
pub use exchange::import::report::ImportReport;
pub use exchange::import::target::Destination;
pub use finding::Finding;
pub use lesser_way::{LesserWay, lesser_ways};
pub use out_of_reach::OutOfReach;
pub use parting::Parting;
pub use progress::Progress;
pub use restore::build::Restored;
pub use restore::left_out::LeftOut;
pub use restore::not_recorded::NotRecorded;
pub use restore::plan::compare::ControlChange;
pub use restore::plan::outline::{RestorePlan, RestoreSource};
pub use restore::plan::reach::Recoverable;
pub use restore::swap::{RestoreReport, finish_interrupted};
pub use restore::undo::covered::{UndoLimit, UndoPruned, UndoRoom, undo_room};
pub use restore::undo::list::{UndoStep, undo_available, undo_steps};
pub use restore::undo::take::{BuiltUndo, UndoPlan, UndoReport, plan_undo, undo};
pub use store::change::Change;
pub use store::damaged::DamagedDay;
pub use store::day::Day;
pub use store::day_stamp::DayStamp;
pub use store::event::{ClockStep, Event, Gap, Series};
pub use store::folder::{Quarantined, Store, StoreSummary};
pub use store::id::EventId;
pub use store::moment::{At, Repeated};
pub use store::names::SeriesId;
pub use store::query::controls::Controls;
pub use store::query::counts::ControlCounts;
pub use store::query::diff::Difference;
pub use store::query::events::{Page, Query};
pub use store::query::state::{ControlState, State};
pub use store::recorder::options::RecorderOptions;
pub use store::recorder::stats::{RecorderState, RecorderStats};
pub use store::recorder::{Recorder, RecorderThread};
pub use store::retention::{DayFate, Retention, RetentionPlan, StoredDay};
pub use store::schema::{
    APPLICATION_ID, SCHEMA_VERSION, check_schema, open_reader, open_writer, sqlite_version,
};
pub use store::value::Value;
pub use store::word::{OpenGap, Vouched};
pub use store_use::StoreUse;
pub use trusted_now::{ClockDoubt, LastKnown, TrustedNow};
