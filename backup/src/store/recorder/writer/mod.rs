//! The thread that writes: numbers changes, commits them in groups, and goes on whatever the disk does.

mod clock_watch;
mod failure;
mod item;

mod known;
mod open_file;
mod pending;

pub(super) mod state;

mod vouch;
mod word;

mod damage;
mod files;
mod write;

mod run;
