//! The store: how events lie in day files, and the writing and reading of these.

pub(crate) mod day;

pub(crate) mod id;
pub(crate) mod value;

pub(crate) mod identity;

pub(crate) mod event;
pub(crate) mod lost;
pub(crate) mod names;

pub(crate) mod change;
pub(crate) mod meaning;

pub(crate) mod stretches;

pub(crate) mod moment;

pub(crate) mod cell;
pub(crate) mod rule;
pub(crate) mod schema;

pub(crate) mod dictionary;
pub(crate) mod postings;

pub(crate) mod word;

pub(crate) mod fresh;

pub(crate) mod folder;

pub(crate) mod arrival;
pub(crate) mod damaged;
pub(crate) mod day_stamp;
pub(crate) mod history;
pub(crate) mod ledger;
pub(crate) mod losses;
pub(crate) mod own_days;
pub(crate) mod query;

pub(crate) mod retention;

pub(crate) mod row_digest;
pub(crate) mod state_digest;
pub(crate) mod unite;

pub(crate) mod day_file;

pub(crate) mod reindex;

pub(crate) mod recorder;
