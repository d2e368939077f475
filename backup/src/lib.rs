//! Event store and archive of the recovery agent: what changed when, kept for years and proved to come back.
//!
//! Data goes one way: events are recorded into day files (the *store*), read back by questions, exported and
//! imported, and backed up into the *archive*. Nothing here knows of a Core or of the agent.

mod clock;
mod day;
mod error;
mod event;
mod id;
mod schema;
mod store;
mod value;

pub use clock::{Clock, SystemClock};
pub use day::Day;
pub use error::{Error, Result};
pub use event::{Event, Gap, Series};
pub use id::{EventId, IdSource};
pub use schema::{
    APPLICATION_ID, SCHEMA_VERSION, check_schema, open_reader, open_writer, sqlite_version,
};
pub use store::{Store, StoreSummary};
pub use value::Value;
