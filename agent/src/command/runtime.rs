//! Where asynchronous work of a verb runs.

use crate::failure::Outcome;

/// Runs asynchronous work to its end.
pub(super) fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(work)
}
