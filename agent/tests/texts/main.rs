//! Every text that people read, as it is: a change of wording shows in review as a change of these files.
//!
//! After a change that is meant, `INSTA_UPDATE=always cargo test -p agent --test texts` writes them anew.

#![allow(clippy::unwrap_used)] // helpers of tests, too, say more by panicking

mod stage;

mod answers;
mod failures;
mod help;
#[cfg(feature = "demo")] // a simulated Core
mod running;
