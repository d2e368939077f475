//! What the files of an archive say.

pub(crate) mod gzip;
pub(crate) mod seal;
pub(crate) mod stamp;

pub(crate) mod owner;

pub(crate) mod manifest;
pub(crate) mod segment;

pub(crate) mod looks;
pub(crate) mod proof;
pub(crate) mod pruned;
