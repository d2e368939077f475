//! Stories told by the real program: a Core, an agent, a disk, and whoever asks them something.

#![allow(clippy::unwrap_used)] // helpers of tests, too, say more by panicking

mod browser;
mod stage;

mod audit;
mod bad_input;
mod core_restart;
mod crash;
mod damaged;
mod demo;
mod documents;
mod exactly_once;
mod exfat;
mod moments;
mod named_controls;
mod one_agent;
mod operator;
mod owner;
mod page;
mod panel;
mod progress;
mod prune;
mod questions;
mod record;
mod redundant;
mod restore;
mod schedule;
mod settings_file;
mod sources;
mod stop;
mod turn;
mod undo;
mod waiting;
mod whose_archive;
