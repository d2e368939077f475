//! The state of the link to the Core, for everyone who wants to know it.

use crate::method::session::EngineStatus;

/// The state of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// There is no link; the client tries to connect.
    Connecting {
        /// Attempts since the link was last up, this one included.
        attempt: u32,
        /// Why the last attempt failed, or why the link was lost.
        last_error: Option<String>,
    },
    /// The Core answers. It may still be on standby or idle.
    Up(EngineStatus),
    /// The Core answers but refuses the log-on. The client tries again after
    /// [`Options::refused_wait`](crate::Options::refused_wait).
    Refused {
        /// The Core's reason.
        reason: String,
    },
    /// The client was shut down.
    Closed,
}
