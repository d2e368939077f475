//! Marked steps at which tests stop the process, as a power cut would, or let the disk be full. Without the feature
//! `fault-injection` a step is nothing.

use std::io;

#[cfg(feature = "fault-injection")]
pub use injected::{full_at_step, kill_at_step, refuse, steps_left};

/// Marks a moment right before something is written: a crash here leaves something else behind than a moment earlier,
/// and the disk may be full.
pub(crate) fn step() -> io::Result<()> {
    #[cfg(feature = "fault-injection")]
    injected::step()?;
    Ok(())
}

/// What a disk may be unable to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "fault-injection"),
    expect(unreachable_pub, reason = "only tests ask for it from outside")
)]
pub enum Refused {
    /// To sync a folder.
    FolderSync,
    /// To keep a lock.
    Lock,
}

/// The disk's refusal, where a test wants one.
pub(crate) fn refusal(what: Refused) -> Option<rustix::io::Errno> {
    #[cfg(feature = "fault-injection")]
    return injected::refusal(what);
    #[cfg(not(feature = "fault-injection"))]
    {
        let _ = what;
        None
    }
}

#[cfg(feature = "fault-injection")]
mod injected {
    use std::io;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use rustix::io::Errno;

    use super::Refused;

    /// Steps left until it happens; 0: it has happened, or never will.
    static LEFT: AtomicU64 = AtomicU64::new(0);
    /// What happens: the disk is full, else the process stops.
    static FULL: AtomicBool = AtomicBool::new(false);

    static NO_FOLDER_SYNC: AtomicBool = AtomicBool::new(false);
    static NO_LOCK: AtomicBool = AtomicBool::new(false);

    fn switch(what: Refused) -> &'static AtomicBool {
        match what {
            Refused::FolderSync => &NO_FOLDER_SYNC,
            Refused::Lock => &NO_LOCK,
        }
    }

    /// Lets every disk refuse this from now on, in this process.
    pub fn refuse(what: Refused) {
        switch(what).store(true, Ordering::SeqCst);
    }

    pub(super) fn refusal(what: Refused) -> Option<Errno> {
        let answer = match what {
            Refused::FolderSync => Errno::INVAL,
            Refused::Lock => Errno::NOLCK,
        };
        switch(what).load(Ordering::SeqCst).then_some(answer)
    }

    /// Stops this process with SIGKILL at the n-th marked step from now: no destructor runs, nothing is tidied up.
    pub fn kill_at_step(n: u64) {
        FULL.store(false, Ordering::SeqCst);
        LEFT.store(n, Ordering::SeqCst);
    }

    /// Lets the n-th marked step from now fail as on a full disk.
    pub fn full_at_step(n: u64) {
        FULL.store(true, Ordering::SeqCst);
        LEFT.store(n, Ordering::SeqCst);
    }

    /// The steps that are left until it happens.
    pub fn steps_left() -> u64 {
        LEFT.load(Ordering::SeqCst)
    }

    pub(super) fn step() -> io::Result<()> {
        let left = LEFT.fetch_update(Ordering::SeqCst, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        if left != Ok(1) {
            return Ok(());
        }
        if FULL.load(Ordering::SeqCst) {
            return Err(rustix::io::Errno::NOSPC.into());
        }
        let own = rustix::process::getpid();
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
