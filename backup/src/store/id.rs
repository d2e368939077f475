//! An event's identity, which is also its place in time: a hybrid logical clock.

use crate::store::day::Day;

const COUNTER_BITS: u32 = 12;

/// The key of an event: Unix milliseconds shifted left by 12 bits, plus a counter inside the millisecond.
///
/// Ids of one store rise strictly, whatever the wall clock does: when the clock steps back, ids go on counting from
/// the last one, and the event keeps its wall time beside the id. An event belongs to the day of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

impl EventId {
    /// The latest millisecond an id can name: the end of the year 9999.
    pub const MAX_MS: i64 = 253_402_300_799_999;

    /// The first id of a millisecond. Clamped to 1970–9999.
    pub fn first_of_ms(ms: i64) -> EventId {
        EventId(ms.clamp(0, EventId::MAX_MS + 1) << COUNTER_BITS)
    }

    /// The last id of a millisecond. Clamped to 1970–9999.
    pub fn last_of_ms(ms: i64) -> EventId {
        EventId(((ms.clamp(-1, EventId::MAX_MS) + 1) << COUNTER_BITS) - 1)
    }

    /// The id's own time in Unix milliseconds. Equal to the wall time unless the clock had stepped back.
    pub fn ms(self) -> i64 {
        self.0 >> COUNTER_BITS
    }

    /// The day whose file holds the event.
    pub fn day(self) -> Day {
        Day::of_ms(self.ms())
    }
}

/// Hands out ids that rise strictly and stay as near to the wall clock as that allows.
#[derive(Debug, Clone)]
pub(crate) struct IdSource {
    last: i64,
}

impl IdSource {
    /// Ids after `last` (the highest id already in the store).
    pub(crate) fn after(last: Option<EventId>) -> IdSource {
        IdSource {
            last: last.map_or(-1, |id| id.0),
        }
    }

    /// The next id for something that happened at `ms`.
    pub(crate) fn next(&mut self, ms: i64) -> EventId {
        self.last = EventId::first_of_ms(ms).0.max(self.last + 1);
        EventId(self.last)
    }

    /// The highest id given out so far.
    pub(crate) fn last(&self) -> Option<EventId> {
        (self.last >= 0).then_some(EventId(self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_back_goes_on_counting_in_the_last_millisecond() {
        let mut ids = IdSource::after(None);
        let first = ids.next(1_000_000);
        assert_eq!(first.ms(), 1_000_000);
        assert_eq!(ids.next(400_000), EventId(first.0 + 1));
        assert_eq!(ids.next(1_000_001).ms(), 1_000_001);
    }

    #[test]
    fn the_ids_of_a_millisecond_lie_between_its_first_and_last() {
        assert_eq!(EventId::first_of_ms(7).0, 7 << 12);
        assert_eq!(EventId::last_of_ms(7).0, (8 << 12) - 1);
        assert_eq!(EventId::last_of_ms(-5).0, -1);
        assert!(EventId::last_of_ms(i64::MAX) > EventId::first_of_ms(EventId::MAX_MS));
    }

    proptest! {
        #[test]
        fn ids_rise_strictly_and_never_lag_the_clock(steps in proptest::collection::vec(-7_200_000i64..7_200_000, 1..300)) {
            let (mut now, mut ids, mut last) = (1_800_000_000_000i64, IdSource::after(None), EventId(-1));
            for step in steps {
                now += step;
                let id = ids.next(now);
                prop_assert!(id > last);
                prop_assert!(id.ms() >= now);
                last = id;
            }
        }
    }
}
