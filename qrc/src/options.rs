//! How to reach a Core, and the limits and times of the link.

use std::fmt;
use std::time::Duration;

/// The port of QRC on a Core and on Designer in Emulate mode.
pub const PORT: u16 = 1710;

/// A user of Q-SYS Administrator with permission for external control.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The PIN: digits, sent as text.
    pub pin: String,
}

impl Credentials {
    /// A user and their PIN.
    pub fn new(user: impl Into<String>, pin: impl Into<String>) -> Credentials {
        Credentials {
            user: user.into(),
            pin: pin.into(),
        }
    }
}

/// The PIN stays out of logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Everything that can be set about a client. Take [`Options::new`] and change what differs.
///
/// ```
/// let mut options = qrc::Options::new("core.example", 1710);
/// options.credentials = Some(qrc::Credentials::new("panel", "4071"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Name or address of the Core.
    pub host: String,
    /// Usually [`PORT`].
    pub port: u16,
    /// Only needed where the design asks for a log-on.
    pub credentials: Option<Credentials>,
    /// For name look-up and TCP connect together; 5 s.
    pub connect_timeout: Duration,
    /// For one call, the wait for the link included; 10 s, since a large answer before ours
    /// delays it.
    pub reply_timeout: Duration,
    /// A `NoOp` goes out when this long nothing was sent; the Core closes after 60 s. 4 s, so
    /// that a link is heard at least that often.
    pub keepalive: Duration,
    /// A link on which this long nothing is heard, not even the answer to a `NoOp`, is dead; 9 s.
    pub silence_limit: Duration,
    /// The longest frame taken or sent, in bytes; 32 MiB. The protocol names no limit.
    pub frame_limit: usize,
    /// Changes that a watch may leave untaken before the socket is left unread; 20,000. Every
    /// 128 bytes of text count as one more. A push that brings more waits until all before it
    /// are taken.
    pub watch_queue: usize,
    /// Bytes of pushes read ahead for a watch whose consumer is behind, while somebody waits
    /// for an answer; 4 MiB. Beyond it nothing is read until the consumer catches up.
    pub read_ahead: usize,
    /// Ceiling of the first wait before a reconnect; 250 ms. Waits double and are drawn at
    /// random below their ceiling.
    pub retry_first: Duration,
    /// Ceiling of all waits; 10 s.
    pub retry_cap: Duration,
    /// Wait after the Core refused the log-on; 60 s. The same PIN would only be wrong again.
    pub refused_wait: Duration,
}

impl Options {
    /// Sound defaults for a Core on a local network.
    pub fn new(host: impl Into<String>, port: u16) -> Options {
        Options {
            host: host.into(),
            port,
            credentials: None,
            connect_timeout: Duration::from_secs(5),
            reply_timeout: Duration::from_secs(10),
            keepalive: Duration::from_secs(4),
            silence_limit: Duration::from_secs(9),
            frame_limit: 32 << 20,
            watch_queue: 20_000,
            read_ahead: 4 << 20,
            retry_first: Duration::from_millis(250),
            retry_cap: Duration::from_secs(10),
            refused_wait: Duration::from_secs(60),
        }
    }
}
