//! The layer of the environment: the original's variables, and our own for the Core.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::layer;
use super::place::{self, Place};
use super::values::{Pin, Settings};
use crate::failure::{Failure, Outcome};
use crate::schedule::When;

/// Lays the variables of a file in the form of `.env` over the settings; its paths are relative to `place`.
pub(super) fn apply_file(settings: &mut Settings, place: &Place, path: &Path) -> Outcome<()> {
    let wrong = |error: dotenvy::Error| {
        Failure::usage(format!("{}: {error}", path.display()))
            .hint("expected lines such as EVENT_MAX_BACKUPS=7; correct the file or move it away")
    };
    let text = layer::read(path, "", layer::MEND)?;
    let variables: HashMap<String, String> = dotenvy::from_read_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(wrong)?;
    apply(
        settings,
        Environment {
            place: &path.display().to_string(),
            var: |name: &str| variables.get(name).map(OsString::from),
            path: |written: &Path| place.path(written),
        },
    )
}

/// Lays the process's environment over the settings; its paths are relative to the working directory.
pub(super) fn apply_process(settings: &mut Settings) -> Outcome<()> {
    apply(
        settings,
        Environment {
            place: "environment variable",
            var: |name: &str| std::env::var_os(name),
            path: place::from_working_directory,
        },
    )
}

fn apply<V, P>(settings: &mut Settings, environment: Environment<'_, V, P>) -> Outcome<()>
where
    V: Fn(&str) -> Option<OsString>,
    P: Fn(&Path) -> PathBuf,
{
    let core = &mut settings.core;
    environment.text("QSYS_HOST", |host| core.host = Some(host))?;
    environment.number("QSYS_PORT", 1..=65_535, |port: u16| core.port = port)?;
    environment.text("QSYS_BACKUP_HOST", |host| core.backup_host = Some(host))?;
    environment.text("QSYS_USER", |user| core.user = user)?;
    environment.text("QSYS_PIN", |pin| core.pin = Some(Pin(pin)))?;

    environment.text("QSYS_PANEL_PIN", |pin| settings.panel.pin = Some(Pin(pin)))?;

    let store = &mut settings.store;
    environment.path("EVENT_MONITORING_DB_PATH", |path| store.path = path);
    environment.number("EVENT_MONITORING_RETENTION_DAYS", 1..=36_500, |days| {
        store.retention.days = Some(days);
    })?;
    environment.number("EVENT_MONITORING_BUFFER_SIZE", 1..=1_000_000, |events| {
        store.commit_events = events;
    })?;
    environment.number("EVENT_MONITORING_FLUSH_INTERVAL", 1..=60_000, |ms| {
        store.commit_every = Duration::from_millis(ms);
    })?;

    let backup = &mut settings.backup;
    environment.path("EVENT_BACKUP_PATH", |path| backup.path = path);
    environment.number("EVENT_MAX_BACKUPS", 1..=1_000_000, |keep| {
        backup.keep.keep = keep;
    })?;
    environment.number(
        "EVENT_BACKUP_INTERVAL",
        0..=u64::from(u32::MAX) * 1000,
        |ms| {
            backup.schedule.when = match ms {
                0 => When::Off,
                _ => When::Every(Duration::from_millis(ms)),
            };
        },
    )?;
    Ok(())
}

/// Where variables come from.
struct Environment<'a, V, P> {
    /// Where they stand, for messages.
    place: &'a str,
    /// Looks one up.
    var: V,
    /// What a path in one means.
    path: P,
}

impl<V, P> Environment<'_, V, P>
where
    V: Fn(&str) -> Option<OsString>,
    P: Fn(&Path) -> PathBuf,
{
    fn path(&self, name: &str, set: impl FnOnce(PathBuf)) {
        if let Some(value) = (self.var)(name).filter(|value| !value.is_empty()) {
            set((self.path)(Path::new(&value)));
        }
    }

    fn text(&self, name: &str, set: impl FnOnce(String)) -> Outcome<()> {
        let Some(value) = (self.var)(name).filter(|value| !value.is_empty()) else {
            return Ok(());
        };
        match value.into_string() {
            Ok(text) => set(text),
            Err(_) => return Err(self.wrong(name, "bytes that are no UTF-8", "text")),
        }
        Ok(())
    }

    fn number<T>(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<T>,
        set: impl FnOnce(T),
    ) -> Outcome<()>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let mut text = None;
        self.text(name, |value| text = Some(value))?;
        let Some(text) = text else { return Ok(()) };
        match text.trim().parse::<T>() {
            Ok(number) if range.contains(&number) => {
                set(number);
                Ok(())
            }
            _ => Err(self.wrong(
                name,
                &format!("`{text}`"),
                &format!("a whole number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    fn wrong(&self, name: &str, found: &str, expected: &str) -> Failure {
        let place = self.place;
        Failure::usage(format!(
            "{place} {name}: found {found}, expected {expected}"
        ))
        .hint(format!("correct it, or unset {name} to use the default"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Outcome<Settings> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        let mut settings = Settings::default();
        let environment = Environment {
            place: "environment variable",
            var: |name: &str| variables.get(name).map(OsString::from),
            path: place::from_working_directory,
        };
        apply(&mut settings, environment)?;
        Ok(settings)
    }

    #[test]
    fn the_originals_variables_keep_working() {
        let settings = read(&[
            ("EVENT_BACKUP_PATH", "/var/backups/mcp"),
            ("EVENT_MAX_BACKUPS", "3"),
            ("EVENT_BACKUP_INTERVAL", "0"),
            ("EVENT_MONITORING_DB_PATH", "/srv/events"),
            ("EVENT_MONITORING_FLUSH_INTERVAL", "250"),
        ])
        .unwrap();
        assert_eq!(settings.backup.path, PathBuf::from("/var/backups/mcp"));
        assert_eq!(settings.backup.keep.keep, 3);
        assert_eq!(settings.backup.schedule.when, When::Off);
        assert_eq!(settings.store.path, PathBuf::from("/srv/events"));
        assert_eq!(settings.store.commit_every, Duration::from_millis(250));
    }

    #[test]
    fn a_bad_value_names_the_variable_what_it_holds_and_what_is_expected() {
        let failure = read(&[("EVENT_MAX_BACKUPS", "seven")]).unwrap_err();
        assert_eq!(
            failure.message(),
            "environment variable EVENT_MAX_BACKUPS: found `seven`, \
             expected a whole number from 1 to 1000000"
        );
        assert!(read(&[("QSYS_PORT", "0")]).is_err());
        assert!(read(&[("EVENT_MAX_BACKUPS", "0")]).is_err());
    }

    #[test]
    fn a_file_of_variables_is_read_and_its_errors_name_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let mut settings = Settings::default();
            apply_file(&mut settings, &Place::of(Some(&path))?, &path).map(|()| settings)
        };
        let settings = read("# the original's\nexport EVENT_MAX_BACKUPS='3'\nLANG=C\n").unwrap();
        assert_eq!(settings.backup.keep.keep, 3);
        for (text, part) in [
            ("QSYS_PORT=core", "QSYS_PORT: found `core`"),
            ("QSYS PORT", "QSYS PORT"),
        ] {
            let failure = read(text).unwrap_err();
            assert!(failure.message().contains(".env"), "{}", failure.message());
            assert!(failure.message().contains(part), "{}", failure.message());
        }
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(read(&[("QSYS_PORT", "")]).unwrap().core.port, 1710);
    }
}
