//! One day file, open for writing.

pub(crate) mod refusal;
pub(crate) mod slots;
pub(crate) mod watch;

pub(crate) mod rows;

pub(crate) mod file;

pub(crate) mod foreign;
