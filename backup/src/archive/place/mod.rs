//! Where the files of an archive lie.

pub(crate) mod interface;

#[cfg(test)]
mod conformance;

pub(crate) mod folder;

#[cfg(test)]
pub(crate) mod memory;

#[cfg(test)]
mod broken;
