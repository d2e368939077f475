//! Taking restores back: which steps there are, what each would bring and drop, and the taking itself.

pub(crate) mod difference;

pub(crate) mod list;

pub(crate) mod covered;

pub(crate) mod keep;
pub(crate) mod take;
