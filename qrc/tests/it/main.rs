//! The crate from outside: bytes on real sockets, one binary.

mod client;
mod client_wire;
mod pair;
mod sim_design;
mod sim_faults;
mod sim_inside;
mod sim_methods;
mod sim_stage;
mod sim_wire;
mod soak;
