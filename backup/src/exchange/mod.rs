//! Events out of the store and into it.

pub(crate) mod export;

pub(crate) mod import;
