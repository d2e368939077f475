//! How to reach a Core, and the limits and times of the link.

use std::fmt;
use std::time::Duration;

/// The TCP port of QRC, on a Core and on Designer in Emulate mode.
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

/// Keeps the PIN out of logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// All settings of a client. Start from [`Options::new`] and change what differs.
///
/// ```
/// let mut options = qrc::Options::new("core.example", 1710);
/// options.credentials = Some(qrc::Credentials::new("panel", "4071"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The Core's host name or IP address.
    pub host: String,
    /// The TCP port, usually [`PORT`].
    pub port: u16,
    /// Needed only if the design asks for a log-on.
    pub credentials: Option<Credentials>,
    /// Limit for name look-up and TCP connect together. Default 5 s.
    pub connect_timeout: Duration,
    /// Limit for one call, including the wait for the link. Default 10 s, because a large answer to
    /// an earlier call delays the next one.
    pub reply_timeout: Duration,
    /// After this long without sending, the client sends a `NoOp`. The Core closes a silent
    /// connection after 60 s. Default 4 s, so that the Core answers at least that often.
    pub keepalive: Duration,
    /// A link without any frame from the Core for this long, not even an answer to a `NoOp`, counts
    /// as dead. Default 9 s.
    pub silence_limit: Duration,
    /// The longest frame to accept or send, in bytes. Default 32 MiB; the protocol has no limit.
    pub frame_limit: usize,
    /// How many changes may wait for a watch before the client stops reading the socket. Default
    /// 20,000. Every 128 bytes of text count as one more change. A push with more changes than this
    /// waits until everything before it is taken.
    pub watch_queue: usize,
    /// How many bytes of pushes the client reads ahead for a slow watch while a call waits for its
    /// answer. Default 4 MiB. Beyond that it reads nothing until the watch catches up.
    pub read_ahead: usize,
    /// Upper limit of the first wait before a reconnect. Default 250 ms. The limit doubles from
    /// attempt to attempt; each wait is random between zero and its limit.
    pub retry_first: Duration,
    /// The highest such limit. Default 10 s.
    pub retry_cap: Duration,
    /// How long to wait after the Core refused the log-on. Default 60 s: the same PIN would only be
    /// refused again.
    pub refused_wait: Duration,
}

impl Options {
    /// The defaults, made for a Core on a local network.
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
