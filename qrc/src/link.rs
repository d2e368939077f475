//! How the link to the Core is, as everyone may watch it.

use crate::method::session::EngineStatus;

/// The state of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// There is none; the client is trying.
    Connecting {
        /// Attempts since the link was last up, this one included.
        attempt: u32,
        /// Why the last one failed, or the link was lost.
        last_error: Option<String>,
    },
    /// The Core answers. It may still be on standby, or idle.
    Up(EngineStatus),
    /// The Core answers but refuses us; asked again only slowly.
    Refused {
        /// The Core's reason.
        reason: String,
    },
    /// The client was shut down.
    Closed,
}
