//! What a gap says of a day whose file another program took away, and how long it tells of a loss; and of a store that was
//! put back.

use crate::parting::PUT_BACK;
use crate::store::day::Day;
use crate::store::event::Gap;

const REMOVED: &str = " was removed by another program";
const REPLACED: &str = " was replaced by another program";

/// Why there is a gap over a day whose file is gone.
pub(crate) fn removed(day: Day) -> String {
    day.file_name() + REMOVED
}

/// The same where another file lies in its place.
pub(crate) fn replaced(day: Day) -> String {
    day.file_name() + REPLACED
}

/// Whether there is a gap since a store was put back to an older copy.
pub(crate) fn is_put_back(why: &str) -> bool {
    why.starts_with(PUT_BACK)
}

impl Gap {
    /// The gap over a whole day that is lost.
    pub(crate) fn over_lost(day: Day) -> Gap {
        Gap {
            from_ms: day.start_ms(),
            to_ms: day.end_ms() - 1,
            why: removed(day),
        }
    }

    /// The day that was recorded and is lost, where the gap tells of one whose file another program took away.
    pub fn lost_day(&self) -> Option<Day> {
        lost_day(&self.why)
    }

    /// Whether the gap, which stands in the file of the day `written`, still tells of something missing in a record that
    /// has `days`: a lost day that came back is no gap any more. What began again in the lost day's own file says
    /// itself what is missing before it.
    pub fn stands(&self, written: Day, days: &[Day]) -> bool {
        stands(&self.why, written, |day| days.contains(&day))
    }
}

/// The lost day that the reason of a gap names.
pub(crate) fn lost_day(why: &str) -> Option<Day> {
    let name = why
        .strip_suffix(REMOVED)
        .or_else(|| why.strip_suffix(REPLACED))?;
    // Older programs named the file with its folder.
    Day::from_file_name(name.rsplit('/').next().unwrap_or(name))
}

/// As [`Gap::stands`], by the gap's reason alone.
pub(crate) fn stands(why: &str, written: Day, is_there: impl Fn(Day) -> bool) -> bool {
    lost_day(why).is_none_or(|lost| lost == written || !is_there(lost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_names_its_lost_day_and_tells_of_it_until_the_day_is_back() {
        let [first, second] = ["2026-03-01", "2026-03-02"].map(|day| day.parse::<Day>().unwrap());
        for why in [
            removed(first),
            replaced(first),
            "/srv/events-2026-03-01.db was removed by another program".into(),
        ] {
            assert_eq!(lost_day(&why), Some(first), "{why}");
            let gap = Gap {
                from_ms: first.start_ms(),
                to_ms: first.end_ms() - 1,
                why,
            };
            assert!(gap.stands(second, &[second]));
            assert!(!gap.stands(second, &[first, second]));
            assert!(gap.stands(first, &[first, second]));
        }
        for other in [
            "the link was down",
            "the design was replaced by another program",
        ] {
            assert_eq!(lost_day(other), None);
        }
    }
}
