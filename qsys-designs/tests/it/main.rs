//! The plugin, the host and the demo design, tested as an integrator would meet them.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod bench;

mod designer;
mod host;
mod mailbox;
mod panel;
mod pictures;
mod specs;

mod any;

mod core;
mod scripts;
mod wire;

mod demo;
mod page;
