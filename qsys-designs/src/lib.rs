//! The Q-SYS side of the recovery agent: the plugin, Core-side scripts, a demo design, and a host that runs them.

pub mod host;
pub mod pack;
