//! The runtime that a verb's asynchronous code runs on.

use crate::failure::Outcome;

/// Runs it to its end.
pub(super) fn block_on<T>(verb: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(verb)
}
