//! What the disk is asked for: whole files, locks, free space, scratch, and plain copies of databases.

pub(crate) mod companions;
pub(crate) mod fault;
pub(crate) mod owner;
pub(crate) mod uri;

pub(crate) mod names;
pub(crate) mod real;

pub(crate) mod draft;
pub(crate) mod lanes;
pub(crate) mod lines;
mod lock_file;

pub(crate) mod lock;
pub(crate) mod mount_point;
pub(crate) mod plain;
pub(crate) mod space;
pub(crate) mod store_lock;

pub(crate) mod scratch;

pub(crate) mod copy;
