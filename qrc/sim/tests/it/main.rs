//! The simulated Core from outside and from inside, one binary.

mod controls;
mod design;
mod faults;
mod house;
mod inside;
mod methods;
mod socket;
mod stage;
mod wire;
