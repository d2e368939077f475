//! One day file, open for writing.

pub(crate) mod refusal;
pub(crate) mod slots;
pub(crate) mod watch;

mod load;
pub(crate) mod rows;
mod states;

pub(crate) mod file;

pub(crate) mod foreign;
