//! Faults read from their text form and written in it; the module [`faults`](crate::faults) describes the form.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use compact_str::CompactString;

use crate::faults::{Fault, FaultKind};

/// A fault that cannot be read. The text says what was found, what was expected, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault {fault:?}: {problem}")]
pub struct FaultError {
    fault: String,
    problem: String,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        parse(text.trim()).map_err(|problem| FaultError {
            fault: text.to_owned(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<Fault, String> {
    let (what, conditions) = match text.split_once('@') {
        Some((what, conditions)) => (what, Some(conditions)),
        None => (text, None),
    };
    let (name, argument) = match what.split_once('=') {
        Some((name, argument)) => (name.trim(), Some(argument.trim())),
        None => (what.trim(), None),
    };
    let mut fault = Fault::from(parse_kind(name, argument)?);
    let mut periodic_only = false;
    for condition in conditions.into_iter().flat_map(|text| text.split(',')) {
        let Some((key, value)) = condition.split_once('=') else {
            return Err(format!(
                "condition {condition:?}; `after=`, `every=`, `for=`, `times=` or `chance=` was expected"
            ));
        };
        let value = value.trim();
        match key.trim() {
            "after" => fault.after = duration(value)?,
            "for" if fault.kind.is_moment() => {
                return Err(format!(
                    "`for` does not go with {name}: give its time as {name}={value}"
                ));
            }
            "for" => fault.lasting = Some(duration(value)?),
            "times" => fault.times = Some(count(value)?),
            "every" => match count(value) {
                Ok(_) if fault.kind.is_moment() => {
                    return Err(format!("every={value}; a time such as 30s was expected"));
                }
                Ok(nth) => fault.nth = Some(nth),
                Err(_) => {
                    fault.period = Some(duration(value)?);
                    periodic_only = true;
                }
            },
            "chance" => match value.parse() {
                Ok(chance) if (0.0..=1.0).contains(&chance) => fault.chance = chance,
                _ => return Err(format!("chance={value}; a number from 0 to 1 was expected")),
            },
            other => {
                return Err(format!(
                    "condition {other:?}; after, every, for, times or chance was expected"
                ));
            }
        }
    }
    if fault.period == Some(Duration::ZERO) {
        return Err("every=0; a longer time was expected".into());
    }
    // A fault that comes every 30 s comes first after 30 s, unless `after` says otherwise.
    if periodic_only && !text.contains("after=") {
        fault.after = fault.period.unwrap_or_default();
    }
    Ok(fault)
}

fn parse_kind(name: &str, argument: Option<&str>) -> Result<FaultKind, String> {
    let needs = |what: &str| format!("{name} without an argument; {name}={what} was expected");
    let time_or_none = || argument.map_or(Ok(Duration::ZERO), duration);
    Ok(match name {
        "drop" => FaultKind::Drop(time_or_none()?),
        "restart" => FaultKind::Restart(time_or_none()?),
        "failover" => FaultKind::Failover(time_or_none()?),
        "stall" => FaultKind::Stall(duration(argument.ok_or_else(|| needs("10s"))?)?),
        "flood" => match count(argument.ok_or_else(|| needs("1000"))?)? {
            rate @ 1..=1_000_000 => FaultKind::Flood(rate as u32),
            rate => {
                return Err(format!(
                    "flood={rate}; 1 to 1000000 changes a second were expected"
                ));
            }
        },
        "delay" => {
            let argument = argument.ok_or_else(|| needs("200ms"))?;
            let (low, high) = argument.split_once("..").unwrap_or((argument, argument));
            let (low, high) = (duration(low)?, duration(high)?);
            if low > high {
                return Err(format!(
                    "delay={argument}; the shorter time first was expected"
                ));
            }
            FaultKind::Delay(low, high)
        }
        "split" => match argument.map_or(Ok(0), count)? {
            0 if argument.is_some() => {
                return Err("split=0; 1 or more bytes were expected".into());
            }
            bytes => FaultKind::Split(bytes as usize),
        },
        "coalesce" => FaultKind::Coalesce(duration(argument.ok_or_else(|| needs("50ms"))?)?),
        "reorder" => FaultKind::Reorder(argument.map_or(Ok(Duration::from_millis(100)), duration)?),
        "garble" if argument.is_none() => FaultKind::Garble,
        "null" if argument.is_none() => FaultKind::Null,
        "garble" | "null" => return Err(format!("{name} takes no argument")),
        "swallow" => FaultKind::Swallow(argument.map(CompactString::from)),
        other => {
            return Err(format!(
                "the kind {other:?}; drop, stall, restart, failover, flood, delay, split, coalesce, reorder, garble, \
                 null or swallow was expected"
            ));
        }
    })
}

fn count(text: &str) -> Result<u64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("{text:?}; a whole number was expected"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let problem = || format!("{text:?}; a time such as 200ms, 5s or 2m was expected");
    let (number, scale) = if let Some(number) = text.strip_suffix("ms") {
        (number, 0.001)
    } else if let Some(number) = text.strip_suffix('s') {
        (number, 1.0)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60.0)
    } else {
        return Err(problem());
    };
    let seconds = number.trim().parse::<f64>().map_err(|_| problem())? * scale;
    if !(0.0..=604_800.0).contains(&seconds) {
        return Err(format!("{text:?}; a time up to a week was expected"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        match &self.kind {
            FaultKind::Drop(time) | FaultKind::Restart(time) | FaultKind::Failover(time)
                if time.is_zero() => {}
            FaultKind::Drop(time)
            | FaultKind::Stall(time)
            | FaultKind::Restart(time)
            | FaultKind::Failover(time)
            | FaultKind::Coalesce(time)
            | FaultKind::Reorder(time) => write!(f, "={}", Time(*time))?,
            FaultKind::Flood(rate) => write!(f, "={rate}")?,
            FaultKind::Delay(low, high) if low == high => write!(f, "={}", Time(*low))?,
            FaultKind::Delay(low, high) => write!(f, "={}..{}", Time(*low), Time(*high))?,
            FaultKind::Split(0)
            | FaultKind::Garble
            | FaultKind::Null
            | FaultKind::Swallow(None) => {}
            FaultKind::Split(bytes) => write!(f, "={bytes}")?,
            FaultKind::Swallow(Some(method)) => write!(f, "={method}")?,
        }
        let mut lead = '@';
        let mut condition = |f: &mut fmt::Formatter<'_>, key: &str, value: &dyn fmt::Display| {
            write!(f, "{lead}{key}={value}")?;
            lead = ',';
            Ok(())
        };
        if self.after != self.period.unwrap_or_default() {
            condition(f, "after", &Time(self.after))?;
        }
        if let Some(period) = self.period {
            condition(f, "every", &Time(period))?;
        }
        if let Some(nth) = self.nth {
            condition(f, "every", &nth)?;
        }
        if let Some(lasting) = self.lasting {
            condition(f, "for", &Time(lasting))?;
        }
        if self.chance < 1.0 {
            condition(f, "chance", &self.chance)?;
        }
        if let Some(times) = self.times {
            condition(f, "times", &times)?;
        }
        Ok(())
    }
}

struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_nanos() == 0 {
            write!(f, "{}s", self.0.as_secs())
        } else {
            write!(f, "{}ms", self.0.as_secs_f64() * 1000.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_written_alike() {
        for text in [
            "drop",
            "drop@after=5s,every=30s",
            "drop=2s@every=30s,times=3",
            "stall=10s",
            "restart@after=500ms",
            "failover=3s",
            "flood=2000@for=10s",
            "delay=50ms..300ms@chance=0.1",
            "split=1",
            "split@every=10",
            "coalesce=50ms",
            "reorder=100ms@every=7",
            "garble@every=100,times=2",
            "null@chance=0.5",
            "swallow=Component.Get@every=5",
        ] {
            let fault: Fault = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn what_comes_every_30_seconds_comes_first_after_30_seconds() {
        let fault: Fault = "drop@every=30s".parse().unwrap();
        assert_eq!(fault.after, Duration::from_secs(30));
    }

    #[test]
    fn mistakes_are_reported_with_what_was_expected() {
        for (text, problem) in [
            ("explode", "the kind \"explode\"; drop, stall"),
            (
                "drop=soon",
                "\"soon\"; a time such as 200ms, 5s or 2m was expected",
            ),
            ("stall", "stall=10s was expected"),
            ("drop@every=3", "a time such as 30s was expected"),
            ("drop@sometimes", "condition \"sometimes\"; `after=`"),
            ("drop@for=3s", "give its time as drop=3s"),
            ("garble@chance=2", "a number from 0 to 1 was expected"),
            ("delay=2s..1s", "the shorter time first was expected"),
            ("split=0", "1 or more bytes were expected"),
            ("flood=0", "1 to 1000000 changes a second were expected"),
            ("", "the kind \"\""),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(problem), "{text} gave {error}");
            assert!(error.starts_with(&format!("fault {text:?}: ")), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Fault>();
        }

        #[test]
        fn no_near_miss_panics(text in "(drop|delay|split|flood|every)?[=@,.0-9a-z]{0,20}") {
            let _ = text.parse::<Fault>();
        }
    }
}
