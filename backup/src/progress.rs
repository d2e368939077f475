//! How work goes on, for whoever shows it.

/// Hears how work goes on. Called often and from the working thread: return quickly.
pub trait Progress {
    /// `what` is being done, `done` of `total` units so far (bytes or pages; `total` 0 where unknown).
    fn step(&self, what: &str, done: u64, total: u64);
}

/// Nobody watches.
impl Progress for () {
    fn step(&self, _what: &str, _done: u64, _total: u64) {}
}
