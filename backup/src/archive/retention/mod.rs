//! Which backups stay.

pub(crate) mod policy;

pub(crate) mod prune;

pub(crate) mod days;
