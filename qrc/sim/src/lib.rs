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
//! This crate shares no code with the client crate `qrc`: its framing, method names, error codes and number texts
//! are its own, written from the protocol's facts. A mistake in one of the two therefore shows as a test that fails,
//! not as two ends that agree on it. Keep it so: neither may depend on the other, save for tests.
//!
//! Inside run [`Script`]s, in frames of 33 ms: plugins, control scripts, the life in the room. What goes wrong is
//! switched on at [`Core::faults`]; a [`Pair`] is two Cores of which one is active; what no source settles about real
//! Cores is a field of [`OpenPoints`].
//!
//! A connection that does not take its output is never waited for: above [`CoreOptions::output_limit`] its AutoPoll
//! ticks are left out, so that its changes collapse into the newest values, and its requests stay unread; nothing is
//! lost, and nobody else notices.
//!
//! It does not: measure audio, play files, keep the order of a real Core's controls, know vector controls, or compute
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
pub use faults::{Fault, FaultError, FaultKind};
pub use number::Unit;
pub use options::{
    CoreOptions, MetadataKeys, OpenPoints, OutOfRange, PushShape, Reply, Standby, Unusable,
};
pub use pair::Pair;
pub use script::{ControlState, Controls, Script};
pub use simulated_core::{Core, Faults};
