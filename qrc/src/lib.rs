//! Q-SYS Remote Control: a client that keeps its place, and a simulated Core.

#[cfg(feature = "sim")]
pub mod sim;
