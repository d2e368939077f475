//! Which backups stay.

pub(crate) mod policy;

pub(crate) mod prune;
