//! Marked steps at which tests stop the process, as a power cut would.

use std::sync::atomic::{AtomicU64, Ordering};

/// Steps left until the process stops; 0: never.
static LEFT: AtomicU64 = AtomicU64::new(0);

/// Stops this process with SIGKILL at the n-th marked step from now: no destructor runs, nothing is tidied up.
/// For tests of what a crash leaves; nothing in the program calls it.
#[doc(hidden)]
pub fn kill_at_step(n: u64) {
    LEFT.store(n, Ordering::SeqCst);
}

/// A moment at which a crash leaves something else behind than a moment before.
pub(crate) fn step() {
    if LEFT.load(Ordering::Relaxed) != 0 && LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
