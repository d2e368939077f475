//! Q-SYS Remote Control: a client that keeps its place, and a simulated Core.

mod frame;
mod message;
pub mod method;
mod value;

#[cfg(feature = "sim")]
pub mod sim;

pub use frame::{FrameCodec, FrameError};
pub use message::{Incoming, Request, RpcError, code};
pub use method::{Method, session::EngineStatus};
pub use value::{Looks, Reading, Value, WireControl};
