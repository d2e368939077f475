//! What a restore would do, found out without touching anything.

pub(crate) mod pick;

pub(crate) mod outline;

pub(crate) mod reach;

mod lost;

pub(crate) mod compare;
mod moments;

pub(crate) mod of_backup;
pub(crate) mod of_file;

pub(crate) mod choose;
