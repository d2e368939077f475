//! Q-SYS Remote Control (QRC): a client that survives the loss of its link.
//!
//! # The protocol on a page
//!
//! A Core listens on TCP [port 1710](PORT), without encryption. Each side sends *frames*: one JSON
//! text, then one zero byte ([`FrameCodec`]). A frame may arrive in many pieces, and one piece may
//! hold many frames.
//!
//! The texts are JSON-RPC 2.0. A [`Request`] has an id, and its answer has the same id; a push
//! from the Core has none. [`Incoming`] is a frame from the Core, by its kind:
//!
//! ```
//! use qrc::method::{Method, component};
//! use qrc::{Incoming, Request};
//!
//! let get = component::Get::new("Lobby_Gain", ["gain"]);
//! assert_eq!(
//!     Request::new(8, component::Get::NAME, &get).to_frame()?,
//!     br#"{"jsonrpc":"2.0","id":8,"method":"Component.Get","params":{"Name":"Lobby_Gain","Controls":[{"Name":"gain"}]}}"#
//! );
//!
//! let answer = br#"{"jsonrpc":"2.0","result":{"Name":"Lobby_Gain","Controls":[{"Name":"gain","String":"-6.00dB","Value":-6.0,"Position":0.78333336}]},"id":8}"#;
//! let Incoming::Response { id: 8, outcome: Ok(result) } = Incoming::parse(answer)? else {
//!     panic!("an answer to 8");
//! };
//! let readings = component::Get::reply(result)?;
//! assert_eq!(readings.controls[0].reading.string.as_deref(), Some("-6.00dB"));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! A design consists of *components*, each with *controls*. A component is known by its Code Name;
//! only components that Script Access allows are visible. *Named Controls* are further names for
//! controls; they cannot be listed. A control has a [value](Value) in its own unit, a text for
//! people, and a position from 0 to 1 ([`Reading`]).
//!
//! | to | methods |
//! |---|---|
//! | log on, keep the link, ask for the Core's status | [`method::session`] |
//! | list the design, read and write components | [`method::component`] |
//! | read and write Named Controls | [`method::control`] |
//! | get changes reported | [`method::change_group`] |
//! | mixers, loop players, snapshots, paging | [`method::mixer`], [`method::loop_player`], [`method::snapshot`], [`method::pa`] |
//!
//! The Core reports changes through *change groups*: at most four on a connection; they end with
//! it. It pushes the changes of a group at the rate that the client asks for; of several changes of
//! one control between two pushes it reports only the last. It closes a connection that is silent
//! for 60 s.
//!
//! # The client
//!
//! [`Client::start`] never fails: one task connects, logs on, and reconnects after every loss. A
//! [`Watch`] is everything above in one stream: it lists the design, makes the groups, reports the
//! full state, then each change once, and says when it may have [missed](WatchEvent::Gap) some.
//!
//! ```
//! # use qrc_sim::{Component, Control, Core, CoreOptions, Design};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let design = Design::new("Hall", "code").with(Component::new("Lobby", "gain").with(Control::gain("gain", -100.0, 20.0)));
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?;
//! # let core = Core::new(design, CoreOptions::default());
//! # tokio::spawn(async move { core.serve(listener, Default::default()).await });
//! use qrc::method::component::{Set, SetControl};
//! use qrc::{Client, Options, Selection, WatchEvent};
//!
//! let client = Client::start(Options::new(address.ip().to_string(), address.port()));
//! let mut watch = client.watch(Selection::default()).await?;
//! client.call(&Set::new("Lobby", vec![SetControl::value("gain", -12.0)])).await?;
//! while let Some(event) = watch.next().await {
//!     match event {
//!         WatchEvent::Inventory(inventory) => assert_eq!(inventory.controls.len(), 1),
//!         WatchEvent::State { readings, .. } => {
//!             assert_eq!(readings.len(), 1);
//!             break;
//!         }
//!         WatchEvent::Lost { .. } | WatchEvent::Gap { .. } | WatchEvent::Changes { .. } => {}
//!     }
//! }
//! client.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The client never sends a write twice. A write that was under way when the link was lost ends in
//! [`Error::OutcomeUnknown`]; read the value back before you write again.

// In reading order: the wire, the calls, the link, the watch, the pair. Each knows only those above it.
mod value;

mod frame;
mod message;

pub mod method;

mod error;
mod outcome;
mod pending;
mod request;

mod heard;
mod link;
mod options;
mod retry;
mod transport;

mod delivery;
mod watch;

mod grouping;
mod names;
mod patterns;
mod push;

mod aliases;
mod discover;
mod watch_state;

mod session;

mod client;

mod pair;

/// Entry points for the fuzz targets only.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// # Panics
    /// If the quick reader and the slow one read a frame differently.
    pub fn push_reads_the_same_both_ways(frame: &[u8]) {
        if let Some(push) = crate::push::Push::from_frame(frame) {
            assert_eq!(Some(push), crate::push::slowly(frame));
        }
    }
}

pub use client::Client;
pub use error::Error;
pub use frame::{FrameCodec, FrameError};
pub use link::Link;
pub use message::{Incoming, Request, RpcError, code};
pub use method::Method;
pub use method::session::{CoreState, EngineStatus};
pub use options::{Credentials, Options, PORT};
pub use pair::Pair;
pub use value::{Looks, Reading, Value, WireControl, WireText};
pub use watch::{
    Change, ControlId, ControlName, Inventory, Selection, Watch, WatchEvent, WatchedControl,
};
