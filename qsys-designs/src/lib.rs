//! The Q-SYS side of the recovery agent: the plugin, Core-side scripts, a demo design, and a host that runs them.

#![doc = include_str!("../README.md")]

// Modules in reading order: each knows only those above it.
pub mod host;
pub mod pack;
pub mod panel;

mod component;
mod plugin;
mod scripts;

mod place;

mod example;

pub mod page;

mod life;

mod demo;

pub use component::plugin_component;
pub use demo::{DemoDesign, DemoOptions, demo_design, demo_room};
pub use example::example_pictures;
pub use place::{Placed, place_plugin};
pub use plugin::{PLUGIN_FILE, PluginHost, built_plugin, write_plugin};
pub use scripts::CORE_SCRIPTS;
