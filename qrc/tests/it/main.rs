//! The client from outside, over real sockets: one binary.

mod client;
mod client_wire;
mod pair;
mod soak;
// The served Core of the tests of `qrc-sim`.
#[path = "../../sim/tests/it/stage.rs"]
mod stage;
