//! What may happen to a store and its archive, at random.

use proptest::prelude::*;

/// One thing that happens. Small numbers choose among what there is at that time.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Changes of some controls: which control, so many milliseconds after the one before.
    Record(Vec<(u8, u16)>),
    /// The clock is set forward or back by this.
    Clock(i64),
    Backup,
    /// Shipping begins anew.
    Ship,
    /// Shipping goes on, as it does while an agent runs.
    ShipOn,
    /// The link to the room is down for so many seconds; it comes back where it is said.
    Outage {
        seconds: u16,
        back: bool,
    },
    /// The recorder stops as it should.
    Stop,
    /// The recorder is killed with all that is committed.
    Kill,
    Restore {
        /// Which of the backups; none: the latest.
        backup: Option<u8>,
        /// Up to the moment of one of the events.
        at: Option<u8>,
        keep_newer: bool,
    },
    Undo,
    /// Events of somebody else's file, so many hours ago.
    Import {
        hours: u8,
        events: u8,
    },
    Export,
    /// What was exported last comes back in.
    ImportExport,
    LoseDay(u8),
    LoseStore,
    /// Another store wants to use the archive.
    OtherAgent,
    /// The archive and another folder take each other's place.
    SwapArchive,
    /// A copy of the archive is made.
    CopyArchive,
    /// The last copy takes the archive's place.
    PutCopy,
    Prune(u8),
    /// A copy of the store is made.
    CopyStore,
    /// The last copy takes the store's place.
    PutStore,
    /// A copy of the store is recorded into, and writes the archive once that has lain still.
    Clone,
    /// A command is killed at the n-th thing that it writes, if it comes so far.
    Killed(Job, u8),
    /// What the archive holds is compared.
    Compare,
}

/// What a command does that is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Job {
    Backup,
    Ship,
    Prune,
    Restore,
    RestoreAndKeep,
    Undo,
    Import,
}

const HOUR: i64 = 3_600_000;

fn step() -> impl Strategy<Value = Step> {
    let changes = proptest::collection::vec((0u8..9, 0u16..2_000), 1..12);
    let clock = prop_oneof![
        -50 * HOUR..50 * HOUR,
        -60_000i64..60_000,
        Just(24 * HOUR),
        Just(6 * HOUR),
    ];
    let restore = (
        proptest::option::of(any::<u8>()),
        proptest::option::weighted(0.4, any::<u8>()),
        any::<bool>(),
    );
    let job = proptest::sample::select(vec![
        Job::Backup,
        Job::Ship,
        Job::Prune,
        Job::Restore,
        Job::RestoreAndKeep,
        Job::Undo,
        Job::Import,
    ]);
    prop_oneof![
        10 => changes.prop_map(Step::Record),
        3 => clock.prop_map(Step::Clock),
        6 => Just(Step::Backup),
        4 => Just(Step::Ship),
        4 => Just(Step::ShipOn),
        2 => (1u16..10_000, any::<bool>()).prop_map(|(seconds, back)| Step::Outage { seconds, back }),
        1 => Just(Step::Stop),
        2 => Just(Step::Kill),
        4 => restore.prop_map(|(backup, at, keep_newer)| Step::Restore { backup, at, keep_newer }),
        2 => Just(Step::Undo),
        2 => (0u8..60, 1u8..6).prop_map(|(hours, events)| Step::Import { hours, events }),
        1 => Just(Step::Export),
        1 => Just(Step::ImportExport),
        1 => any::<u8>().prop_map(Step::LoseDay),
        1 => Just(Step::LoseStore),
        1 => Just(Step::OtherAgent),
        1 => Just(Step::SwapArchive),
        1 => Just(Step::CopyArchive),
        1 => Just(Step::PutCopy),
        1 => (1u8..4).prop_map(Step::Prune),
        1 => Just(Step::CopyStore),
        1 => Just(Step::PutStore),
        1 => Just(Step::Clone),
        2 => (job, 1u8..40).prop_map(|(job, at)| Step::Killed(job, at)),
        2 => Just(Step::Compare),
    ]
}

/// So many steps, one after the other. The first ones see to it that there is something to lose.
pub(crate) fn steps(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let first = proptest::collection::vec((0u8..9, 0u16..2_000), 1..12);
    let rest = proptest::collection::vec(step(), length);
    (first, rest).prop_map(|(first, rest)| {
        let mut steps = vec![Step::Record(first), Step::Backup];
        steps.extend(rest);
        steps
    })
}
