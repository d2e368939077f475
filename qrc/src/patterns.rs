//! A selection's compiled globs: which controls to watch, and at which rate.

use std::time::Duration;

use globset::{Glob, GlobMatcher, GlobSet, GlobSetBuilder};

use crate::error::Error;
use crate::method::component::ControlInfo;
use crate::watch::Selection;

/// The names that Q-SYS gives to controls that show a level.
const METER_NAMES: [&str; 6] = [
    "*meter*",
    "*level",
    "*rms*",
    "*peak*",
    "*gain.reduction*",
    "*signal*",
];

/// A compiled selection.
#[derive(Debug)]
pub(crate) struct Patterns {
    include: GlobSet,
    exclude: GlobSet,
    meters: Option<GlobSet>,
    rates: Vec<(GlobMatcher, Duration)>,
    rate: Duration,
}

impl Patterns {
    pub(crate) fn compile(selection: &Selection) -> Result<Self, Error> {
        let rates = selection
            .rates
            .iter()
            .map(|(glob, rate)| Ok((compile(glob)?.compile_matcher(), *rate)));
        Ok(Self {
            include: set(&selection.include)?,
            exclude: set(&selection.exclude)?,
            meters: if selection.meters {
                None
            } else {
                Some(set(&METER_NAMES)?)
            },
            rates: rates.collect::<Result<_, Error>>()?,
            rate: selection.rate,
        })
    }

    /// True for a component's control to watch. Triggers have no value and are never among changes,
    /// so they are left out.
    pub(crate) fn wants(&self, path: &str, control: &ControlInfo) -> bool {
        control.kind != "Trigger"
            && self.include.is_match(path)
            && !self.exclude.is_match(path)
            && !self.is_meter(control)
    }

    /// True for a Named Control to watch.
    pub(crate) fn wants_named(&self, name: &str) -> bool {
        !self.exclude.is_match(name)
    }

    /// How often the Core must report a control.
    pub(crate) fn rate(&self, path: &str) -> Duration {
        let own = self.rates.iter().find(|(glob, _)| glob.is_match(path));
        own.map_or(self.rate, |(_, rate)| *rate)
    }

    fn is_meter(&self, control: &ControlInfo) -> bool {
        control.kind == "Float"
            && control.direction == "Read Only"
            && self
                .meters
                .as_ref()
                .is_some_and(|meters| meters.is_match(control.name.as_str()))
    }
}

fn set<S: AsRef<str>>(globs: &[S]) -> Result<GlobSet, Error> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        builder.add(compile(glob.as_ref())?);
    }
    builder.build().map_err(|error| Error::BadRequest {
        what: "globs".to_owned(),
        why: error.to_string(),
    })
}

fn compile(glob: &str) -> Result<Glob, Error> {
    Glob::new(glob).map_err(|error| Error::BadRequest {
        what: format!("glob \"{glob}\""),
        why: error.kind().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(name: &str, kind: &str, direction: &str) -> ControlInfo {
        ControlInfo {
            name: name.into(),
            kind: kind.into(),
            direction: direction.into(),
            ..ControlInfo::default()
        }
    }

    #[test]
    fn exclude_wins_and_meters_and_triggers_stay_out() {
        let selection = Selection {
            exclude: vec!["Secret.*".into()],
            ..Selection::default()
        };
        let patterns = Patterns::compile(&selection).unwrap();
        let gain = control("gain", "Float", "Read/Write");
        assert!(patterns.wants("Lobby.gain", &gain));
        assert!(!patterns.wants("Secret.gain", &gain));
        assert!(!patterns.wants("Lobby.go", &control("go", "Trigger", "Write Only")));
        let meter = control("input.1.meter", "Float", "Read Only");
        assert!(!patterns.wants("Lobby.input.1.meter", &meter));
        let with = Selection {
            meters: true,
            ..Selection::default()
        };
        assert!(
            Patterns::compile(&with)
                .unwrap()
                .wants("Lobby.input.1.meter", &meter)
        );
    }

    #[test]
    fn the_first_matching_rate_counts() {
        let selection = Selection {
            rates: vec![
                ("Clock.*".into(), Duration::from_secs(5)),
                ("*".into(), Duration::from_secs(1)),
            ],
            ..Selection::default()
        };
        let patterns = Patterns::compile(&selection).unwrap();
        assert_eq!(patterns.rate("Clock.time"), Duration::from_secs(5));
        assert_eq!(patterns.rate("Lobby.gain"), Duration::from_secs(1));
    }

    #[test]
    fn a_glob_that_is_none_is_named() {
        let selection = Selection {
            include: vec!["a[".into()],
            ..Selection::default()
        };
        let error = Patterns::compile(&selection).unwrap_err();
        assert!(error.to_string().contains("a["), "{error}");
    }
}
