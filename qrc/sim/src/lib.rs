//! A simulated Core: the far end of the wire, as strict as a real one, for tests, demonstrations and development.
//!
//! ```
//! use qrc_sim::{Component, Control, Core, CoreOptions, Design};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let lobby = Component::new("Lobby_Gain", "gain").with(Control::gain("gain", -100.0, 20.0).at(-6.0));
//! let core = Core::new(Design::new("Harbour_Hall", "zT4mQ9wXb2Lk").with(lobby), CoreOptions::default());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let stop = tokio_util::sync::CancellationToken::new();
//! tokio::spawn({
//!     let (core, stop) = (core.clone(), stop.clone());
//!     async move { core.serve(listener, stop).await }
//! });
//!
//! let mut client = tokio::net::TcpStream::connect(address).await?;
//! client.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"NoOp\"}\0").await?;
//! client.shutdown().await?;
//! let mut heard = String::new();
//! client.read_to_string(&mut heard).await?;
//! assert!(heard.starts_with("{\"jsonrpc\":\"2.0\",\"method\":\"EngineStatus\",\"params\":{"));
//! assert!(heard.ends_with("\0{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":1}\0"));
//!
//! let gain = core.with_controls(|controls| controls.lookup("Lobby_Gain", "gain"));
//! assert!(gain.is_some_and(|gain| core.with_controls(|controls| controls.set_value(gain, -12.0))));
//! # stop.cancel();
//! # Ok(())
//! # }
//! ```
//!
//! This crate shares no code with the client crate `qrc`: its framing, method names, error codes and number texts are
//! its own, written from what is known of the protocol. So a mistake in one of the two makes a test fail; it does not
//! stay hidden because both ends agree on it. Keep it that way: `qrc` may use this crate in tests only, and this crate
//! never uses `qrc`.
//!
//! [`Script`]s run inside the Core, in frames of 33 ms: plugins, control scripts, simulated life in the hall.
//! [`Core::faults`] switches faults on. A [`Pair`] is two Cores, of which one is active. Each point about real Cores that
//! no source settles is a field of [`OpenPoints`].
//!
//! The Core never waits for a connection that does not take its output. Above [`CoreOptions::output_limit`] it leaves
//! the connection's AutoPoll pushes out, so that changes merge into the newest values, and does not read its requests.
//! Only intermediate values are lost, and other connections are not affected.
//!
//! The Core does not measure audio, play files, list controls in a real Core's order, know vector controls, or compute
//! anything between controls unless a script does.

// Each module knows only those above it.
mod number;

mod control;

mod design;

mod cell;
mod control_file;
mod design_file;

mod options;
mod table;

mod groups;
mod reading;
mod script;
mod wall;

mod sink;

mod engine;

pub mod faults;

mod bench;
mod fault_text;
mod queue;

mod faulty_link;

mod simulated_core;

mod pair;
mod server;

#[cfg(test)]
mod laws;

pub use cell::{ControlEvent, ControlKey};
pub use control::{Direction, Kind};
pub use design::{
    Component, Control, Design, NamedControl, Paging, Property, ScriptAccess, SnapshotBank, Zone,
};
pub use design_file::DesignError;
pub use engine::{CoreState, CoreStats};
pub use fault_text::FaultError;
pub use faults::{Fault, FaultKind};
pub use number::Unit;
pub use options::{
    CoreOptions, MetadataKeys, OpenPoints, OutOfRange, PushShape, Reply, Standby, Unusable,
};
pub use pair::Pair;
pub use script::{ControlState, Controls, Script};
pub use simulated_core::{Core, Faults};
