//! `qsys-agent`: records, backs up and restores the control history of a Q-SYS Core.
//!
//! Data goes one way: the Core's changes (`qrc`) are recorded into the store (`backup`), backed up into the
//! archive, and what came of it goes back to the plugin in the Core.

// Modules in reading order: each knows only those above it.
mod advice;
mod moment;
mod words;

mod failure;
mod folder;

mod even_clock;

mod documents;

mod schedule;
mod settings;

mod site;
mod store_user;

mod qsys_core;

mod audit;
mod record;

mod jobs;

mod context;

mod status;

mod panel;
mod socket;

mod service;

mod command;

pub use command::main;
