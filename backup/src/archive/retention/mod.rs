//! Which backups stay.

pub(crate) mod policy;

mod choice;
mod holders;

pub(crate) mod prune;

pub(crate) mod days;
