//! The simulated Core from outside and from inside, one binary.

mod design;
mod faults;
mod inside;
mod methods;
mod socket;
mod stage;
mod wire;
