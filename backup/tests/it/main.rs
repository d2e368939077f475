//! The store's behaviours, on real files.
#![allow(clippy::unwrap_used)]

mod clocks;
mod days;
mod questions;
mod record;
mod stage;
