//! Where the engine sends its output.

use crate::groups::ConnectionId;

/// Takes the engine's output. Frames include their NUL.
pub(crate) trait Sink {
    /// Whether the connection has taken enough of its output to get another push.
    fn has_room(&self, connection: ConnectionId) -> bool;
    /// Sends a frame.
    fn send(&mut self, connection: ConnectionId, frame: Vec<u8>);
    /// Sends the reply to a call of `method`.
    fn reply(&mut self, connection: ConnectionId, method: &str, frame: Vec<u8>);
    /// Ends a connection.
    fn close(&mut self, connection: ConnectionId);
}
