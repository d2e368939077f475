//! A TIME as people type it, read as Unix milliseconds.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp};

/// With fewer digits, Unix milliseconds are before 1973: a year, a day or Unix seconds were meant.
const FEWEST_DIGITS: usize = 12;

/// Reads a TIME: RFC 3339, `YYYY-MM-DD [HH:MM[:SS]]` in local time (a day alone is its
/// beginning), Unix milliseconds, or relative to now (`-15m`, `-2h30m`, `-7d`). Returns Unix
/// milliseconds. An hour that comes twice, when daylight saving ends, is refused: only the
/// person who typed it knows which one.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    parse_at(text, Timestamp::now(), &TimeZone::system())
}

/// Reads a TIME with, where it happened more than once, which time is meant: `…@1` is the first.
pub(crate) fn parse_time(text: &str) -> Result<backup::At, String> {
    let Some((moment, time)) = text.rsplit_once('@') else {
        return parse(text).map(backup::At::from);
    };
    match time.trim().parse() {
        Ok(time) if time > 0 => Ok(backup::At {
            ms: parse(moment)?,
            time: Some(time),
        }),
        _ => Err(format!(
            "`{text}` does not say which time is meant: expected a number from 1 on behind the @"
        )),
    }
}

fn parse_at(text: &str, now: Timestamp, zone: &TimeZone) -> Result<i64, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(now.as_millisecond());
    }
    if let Some(back) = text.strip_prefix('-').filter(|back| !back.starts_with('-'))
        && let Ok(span) = back.parse::<Span>()
        && let Ok(moment) = now.to_zoned_datetime(zone.clone()).checked_sub(span)
    {
        return Ok(moment.timestamp().as_millisecond());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_millisecond());
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        if text.len() < FEWEST_DIGITS && text != "0" {
            return Err(format!(
                "`{text}` has too few digits for Unix milliseconds (13 today): write a day as \
                 2026-11-23, and three digits more after Unix seconds"
            ));
        }
        return text
            .parse::<i64>()
            .ok()
            .filter(|ms| Timestamp::from_millisecond(*ms).is_ok())
            .ok_or_else(|| format!("`{text}` is too far away for Unix milliseconds"));
    }
    if let Ok(local) = text.parse::<DateTime>() {
        let moment = zone.to_ambiguous_zoned_datetime(local);
        if let AmbiguousOffset::Fold { before, after } = moment.offset() {
            return Err(format!(
                "`{text}` comes twice, as daylight saving ends: write {local}{before} or {local}{after}"
            ));
        }
        if let Ok(moment) = moment.compatible() {
            return Ok(moment.timestamp().as_millisecond());
        }
    }
    Err(format!(
        "`{text}` is no time: expected RFC 3339 (2026-11-23T19:55:00Z), local time \
         (\"2026-11-23 19:55\", or a day alone for its beginning), Unix milliseconds, or relative \
         (-15m, -7d)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    fn read(text: &str) -> Result<i64, String> {
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        parse_at(text, Timestamp::from_millisecond(NOW).unwrap(), &zone)
    }

    #[test]
    fn every_documented_form_is_read() {
        assert_eq!(read("2026-11-23T19:55:00Z"), Ok(1_795_463_700_000));
        assert_eq!(read("2026-11-23T20:55:00+01:00"), Ok(1_795_463_700_000));
        assert_eq!(read("2026-11-23 20:55"), Ok(1_795_463_700_000));
        assert_eq!(read("2026-11-23 20:55:30"), Ok(1_795_463_730_000));
        assert_eq!(read("1795463700000"), Ok(1_795_463_700_000));
        assert_eq!(read("-15m"), Ok(NOW - 900_000));
        assert_eq!(read("-2h30m"), Ok(NOW - 9_000_000));
        assert_eq!(read("-1d"), Ok(NOW - 86_400_000));
        assert_eq!(read("2026-11-23"), Ok(1_795_388_400_000));
        assert_eq!(read("now"), Ok(NOW));
        assert_eq!(read("0"), Ok(0));
    }

    #[test]
    fn a_local_hour_that_daylight_saving_skips_is_still_a_moment() {
        assert!(read("2026-03-29 02:30").is_ok());
    }

    #[test]
    fn a_local_hour_that_comes_twice_is_refused_with_both_ways_to_write_it() {
        let error = read("2026-10-25 02:30").unwrap_err();
        let written = ["2026-10-25T02:30:00+02", "2026-10-25T02:30:00+01"];
        assert!(written.iter().all(|one| error.contains(one)), "{error}");
        let moments = written.map(|one| read(&format!("{one}:00")).unwrap());
        assert_eq!(moments[1] - moments[0], 3_600_000);
        assert!(read("2026-10-25 03:30").is_ok());
    }

    #[test]
    fn days_before_today_are_by_the_calendar_and_not_by_the_hour() {
        let noon = Timestamp::from_millisecond(read("2026-10-25 12:00").unwrap()).unwrap();
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        let before = parse_at("-1d", noon, &zone);
        assert_eq!(before, read("2026-10-24 12:00"));
    }

    #[test]
    fn which_time_is_meant_stands_behind_the_moment() {
        let at = |ms, time| Ok(backup::At { ms, time });
        assert_eq!(
            parse_time("1795463700000@2"),
            at(1_795_463_700_000, Some(2))
        );
        assert_eq!(
            parse_time("2026-11-23T19:55:00Z @ 1"),
            at(1_795_463_700_000, Some(1))
        );
        assert_eq!(parse_time("1795463700000"), at(1_795_463_700_000, None));
        for text in ["1795463700000@", "1795463700000@0", "now@last", "@1"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nonsense_names_what_was_found_and_what_is_expected() {
        for text in [
            "",
            "yesterday",
            "25:00",
            "99999999999999999999",
            "--5m",
            "2026",
            "20261123",
            "1795463700",
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
