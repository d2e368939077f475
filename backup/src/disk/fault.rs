//! Marked steps at which tests stop the process, as a power cut would, or let the disk be full.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Steps left until it happens; 0: it has happened, or never will.
static LEFT: AtomicU64 = AtomicU64::new(0);
/// What happens: the disk is full, else the process stops.
static FULL: AtomicBool = AtomicBool::new(false);

/// Stops this process with SIGKILL at the n-th marked step from now: no destructor runs, nothing is tidied up.
/// For tests of what a crash leaves; nothing in the program calls it.
#[doc(hidden)]
pub fn kill_at_step(n: u64) {
    FULL.store(false, Ordering::SeqCst);
    LEFT.store(n, Ordering::SeqCst);
}

/// Lets the n-th marked step from now fail as on a full disk. For tests.
#[doc(hidden)]
pub fn full_at_step(n: u64) {
    FULL.store(true, Ordering::SeqCst);
    LEFT.store(n, Ordering::SeqCst);
}

/// The steps that are left until it happens. For tests.
#[doc(hidden)]
pub fn steps_left() -> u64 {
    LEFT.load(Ordering::SeqCst)
}

/// A moment at which a crash leaves something else behind than a moment before, right before the disk is given
/// something to do that it may have no room for.
pub(crate) fn step() -> io::Result<()> {
    let left = LEFT.fetch_update(Ordering::SeqCst, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    if left != Ok(1) {
        return Ok(());
    }
    if FULL.load(Ordering::SeqCst) {
        return Err(rustix::io::Errno::NOSPC.into());
    }
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}
