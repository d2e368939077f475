//! Q-SYS Remote Control: a client that keeps its place, and a simulated Core.

mod client;
mod discover;
mod error;
mod frame;
mod grouping;
mod link;
mod message;
pub mod method;
mod names;
mod options;
mod patterns;
mod pending;
mod push;
mod request;
mod retry;
mod session;
mod transport;
mod value;
mod watch;
mod watching;

#[cfg(feature = "sim")]
pub mod sim;

pub use client::Client;
pub use error::Error;
pub use frame::{FrameCodec, FrameError};
pub use link::Link;
pub use message::{Incoming, Request, RpcError, code};
pub use method::Method;
pub use method::session::{CoreState, EngineStatus};
pub use options::{Credentials, Options, PORT};
pub use value::{Looks, Reading, Value, WireControl, WireText};
pub use watch::{
    Change, ControlId, ControlName, Inventory, Selection, Watch, WatchEvent, WatchedControl,
};
