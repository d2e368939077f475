//! What one step of shipping did.

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shipped {
    /// Events that are in the archive now and were not before.
    pub events: u64,
    /// Bytes written.
    pub bytes: u64,
    /// There is more to catch up with: call again at once.
    pub more: bool,
    /// Everything that the recorder vouches for up to here is in the archive, Unix milliseconds. 0 after the store was put back or a day was lost,
    /// until the next backup.
    pub covers_to_ms: i64,
    /// No backup covers the beginning of what is shipped: the store was put back or a day was lost since the last one.
    pub unanchored: bool,
    /// How often the history broke off since shipping began. A backup made before the last time covers nothing of what
    /// is shipped now.
    pub breaks: u64,
}
