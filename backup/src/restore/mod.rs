//! The way back: what a restore would do, its building beside the store, and the exchange of files.

pub(crate) mod left_out;
pub(crate) mod mended;
pub(crate) mod not_recorded;

pub(crate) mod steps;

pub(crate) mod days;
pub(crate) mod swap;

mod postings;

pub(crate) mod check;

mod same_event;

pub(crate) mod plan;

pub(crate) mod merge;

pub(crate) mod build;
pub(crate) mod undo;

pub(crate) mod drill;
