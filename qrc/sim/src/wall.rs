//! The wall clock of a Core, UTC: an epoch and the time since then, as texts and as seconds of the day.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Days since 1970 and seconds of that day.
pub(crate) fn split(epoch: SystemTime, since: Duration) -> (u64, f64) {
    let passed = (epoch + since)
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let days = passed.as_secs() / 86_400;
    (days, passed.as_secs_f64() - (days * 86_400) as f64)
}

/// `2026-03-01T09:30:00.250Z`
pub(crate) fn iso(epoch: SystemTime, since: Duration) -> String {
    let (days, second) = split(epoch, since);
    let (year, month, day) = civil(days);
    let whole = second as u64;
    let millis = ((second - whole as f64) * 1000.0) as u64;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        whole / 3600,
        whole / 60 % 60,
        whole % 60
    )
}

/// The Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_772_357_400, "2026-03-01T09:30:00.000Z"),
        ] {
            assert_eq!(iso(UNIX_EPOCH, Duration::from_secs(seconds)), text);
        }
    }
}
