//! Making backups, and shipping events between them.

mod own_sessions;

pub(crate) mod claim;

pub(crate) mod session;

pub(crate) mod settings;

pub(crate) mod gained;
mod read_back;

pub(crate) mod known;

mod chain;

mod unlisted;

pub(crate) mod covered;

pub(crate) mod backup;

pub(crate) mod ship;
