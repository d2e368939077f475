//! Faults of a Core and its network, as values and as text (`drop@after=5s,every=30s`).
//!
//! A fault is `KIND`, `KIND=ARGUMENT`, or either of them with conditions after an `@`, separated by commas.
//!
//! | Kind | What happens |
//! |---|---|
//! | `drop`, `drop=TIME` | all connections are closed; with a time, new ones are refused for that time |
//! | `stall=TIME` | nothing is read or written |
//! | `restart`, `restart=TIME` | the Core restarts; with a time, it is away for that time |
//! | `failover`, `failover=TIME` | the other Core of the pair takes over, after a time in which neither is active |
//! | `flood=NUMBER` | this many control changes a second, over all writable numbers |
//! | `delay=TIME`, `delay=TIME..TIME` | a frame goes out later; the order is kept |
//! | `split=BYTES`, `split` | a frame goes out in pieces of this many bytes, or of random sizes |
//! | `coalesce=TIME` | output is collected for this time and written at once |
//! | `reorder`, `reorder=TIME` | a reply goes out after the next one, or after the time (100 ms) if there is none |
//! | `garble` | a byte of a frame becomes one that JSON cannot contain |
//! | `null` | one `Value` of a frame becomes `null`; a Core may write that for what is no number |
//! | `swallow`, `swallow=METHOD` | a reply is not sent |
//!
//! | Condition | Meaning |
//! |---|---|
//! | `after=TIME` | not before this time since the fault was added |
//! | `every=TIME` | again and again; `drop`, `stall`, `restart` and `failover` strike each time, the others begin each time |
//! | `every=NUMBER` | every NUMBERth frame or reply (frame faults only) |
//! | `chance=PART` | a frame or reply is hit with this probability, 0 to 1 (frame faults only) |
//! | `for=TIME` | lasts this long, each time (flood and frame faults) |
//! | `times=NUMBER` | at most this many times |
//!
//! TIME is a number with `ms`, `s` or `m`. Without conditions the first five kinds begin at once, and the others hit
//! every frame.

use std::time::Duration;

use compact_str::CompactString;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// All connections are closed, and new ones refused for a time.
    Drop(Duration),
    /// Nothing is read or written for a time.
    Stall(Duration),
    /// The Core restarts and is away for a time.
    Restart(Duration),
    /// The other Core of the pair takes over after a time.
    Failover(Duration),
    /// This many control changes a second.
    Flood(u32),
    /// Frames go out later, by a time between the two; their order stays.
    Delay(Duration, Duration),
    /// Frames go out in pieces of this many bytes; 0 is of random sizes.
    Split(usize),
    /// Output is collected for a time and written at once.
    Coalesce(Duration),
    /// A reply goes out after the next one, or after this time.
    Reorder(Duration),
    /// A byte of a frame becomes one that JSON cannot contain.
    Garble,
    /// One value of a frame becomes null.
    Null,
    /// A reply, to this method or to any, is not sent.
    Swallow(Option<CompactString>),
}

impl FaultKind {
    /// Its name in the text form.
    pub fn name(&self) -> &'static str {
        match self {
            FaultKind::Drop(_) => "drop",
            FaultKind::Stall(_) => "stall",
            FaultKind::Restart(_) => "restart",
            FaultKind::Failover(_) => "failover",
            FaultKind::Flood(_) => "flood",
            FaultKind::Delay(..) => "delay",
            FaultKind::Split(_) => "split",
            FaultKind::Coalesce(_) => "coalesce",
            FaultKind::Reorder(_) => "reorder",
            FaultKind::Garble => "garble",
            FaultKind::Null => "null",
            FaultKind::Swallow(_) => "swallow",
        }
    }

    /// Whether it strikes at a moment, not frames and not over a time.
    pub(crate) fn is_moment(&self) -> bool {
        matches!(
            self,
            FaultKind::Drop(_)
                | FaultKind::Stall(_)
                | FaultKind::Restart(_)
                | FaultKind::Failover(_)
        )
    }
}

/// A fault and when it happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// When it begins, counted from when it is added.
    pub after: Duration,
    /// How often it comes again, if it does.
    pub period: Option<Duration>,
    /// How long it lasts each time; None is without end.
    pub lasting: Option<Duration>,
    /// Which frames: every nth; None is every one.
    pub nth: Option<u64>,
    /// The probability that a frame is hit, 0 to 1.
    pub chance: f64,
    /// How many times at most.
    pub times: Option<u64>,
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Fault {
        Fault {
            kind,
            after: Duration::ZERO,
            period: None,
            lasting: None,
            nth: None,
            chance: 1.0,
            times: None,
        }
    }
}
