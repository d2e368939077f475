//! The crate from outside: bytes on real sockets, one binary.

mod client;
mod client_wire;
mod pair;
mod soak;
// The simulated Core that the crate `qrc-sim` serves to its own tests.
#[path = "../../sim/tests/it/stage.rs"]
mod stage;
