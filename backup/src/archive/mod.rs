//! The archive: verified backups of the store, and what looks at them. `FORMAT.md` tells what lies on the disk.

pub(crate) mod place;

pub(crate) mod format;

pub(crate) mod open;

pub(crate) mod look;

pub(crate) mod make;

pub(crate) mod retention;
