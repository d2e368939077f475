//! The layer of `qsys-agent.toml`. An unknown key or a bad value is an error that shows the line.

use std::path::Path;

use bytesize::ByteSize;
use serde::Deserialize;

use super::place::Place;
use super::values::{Pin, Settings};
use super::written::{AtLeastOne, Folder, Pattern, Span, SpanOrOff, Times};
use crate::failure::{Failure, Outcome};
use crate::schedule::When;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    core: CoreTable,
    record: RecordTable,
    store: StoreTable,
    backup: BackupTable,
    panel: PanelTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CoreTable {
    host: Option<String>,
    port: Option<u16>,
    backup_host: Option<String>,
    user: Option<String>,
    pin: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RecordTable {
    include: Option<Vec<Pattern>>,
    exclude: Option<Vec<Pattern>>,
    named_controls: Option<Vec<String>>,
    every: Option<Span>,
    rates: Option<Vec<RateTable>>,
    meters: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateTable {
    controls: Pattern,
    every: Span,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StoreTable {
    path: Option<Folder>,
    retention_days: Option<AtLeastOne>,
    retention_size: Option<ByteSize>,
    commit_events: Option<AtLeastOne>,
    commit_every: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BackupTable {
    path: Option<Folder>,
    keep: Option<AtLeastOne>,
    keep_within: Option<Span>,
    keep_daily: Option<usize>,
    keep_weekly: Option<usize>,
    keep_monthly: Option<usize>,
    keep_yearly: Option<usize>,
    every: Option<SpanOrOff>,
    at: Option<Times>,
    jitter: Option<SpanOrOff>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PanelTable {
    code_name: Option<String>,
    named_control_prefix: Option<String>,
    pin: Option<String>,
}

/// Lays the file over the settings; its paths are relative to `place`.
pub(super) fn apply(
    settings: &mut Settings,
    place: &Place,
    path: &Path,
    text: &str,
) -> Outcome<()> {
    let mut file: File = toml::from_str(text).map_err(|error| {
        Failure::usage(format!(
            "{}: {}",
            path.display(),
            error.to_string().trim_end()
        ))
        .hint("correct that line; agent/docs/settings.md lists every setting")
    })?;

    let core = &mut settings.core;
    core.host = file.core.host.or(core.host.take());
    core.port = file.core.port.unwrap_or(core.port);
    core.backup_host = file.core.backup_host.or(core.backup_host.take());
    core.user = file.core.user.unwrap_or(std::mem::take(&mut core.user));
    core.pin = file.core.pin.map(Pin).or(core.pin.take());

    let globs = |patterns: Vec<Pattern>| patterns.into_iter().map(|glob| glob.0).collect();
    let record = &mut settings.record;
    replace(&mut record.include, file.record.include.map(globs));
    replace(&mut record.exclude, file.record.exclude.map(globs));
    replace(&mut record.named_controls, file.record.named_controls);
    replace(&mut record.every, file.record.every.map(|span| span.0));
    replace(&mut record.meters, file.record.meters);
    let rates = |rates: Vec<RateTable>| {
        let pair = |rate: RateTable| (rate.controls.0, rate.every.0);
        rates.into_iter().map(pair).collect()
    };
    replace(&mut record.rates, file.record.rates.map(rates));

    let store = &mut settings.store;
    let folder = |folder: Folder| place.path(&folder.0);
    replace(&mut store.path, file.store.path.map(folder));
    replace(
        &mut settings.backup.path,
        file.backup.path.take().map(folder),
    );
    let retention = &mut store.retention;
    retention.days = file
        .store
        .retention_days
        .map(|days| days.0)
        .or(retention.days);
    retention.bytes = file
        .store
        .retention_size
        .map(|size| size.as_u64())
        .or(retention.bytes);
    replace(
        &mut store.commit_events,
        file.store.commit_events.map(|n| n.0 as usize),
    );
    replace(
        &mut store.commit_every,
        file.store.commit_every.map(|span| span.0),
    );

    apply_backup(&mut settings.backup, file.backup, path)?;

    let panel = &mut settings.panel;
    replace(&mut panel.code_name, file.panel.code_name);
    replace(
        &mut panel.named_control_prefix,
        file.panel.named_control_prefix,
    );
    panel.pin = file.panel.pin.map(Pin).or(panel.pin.take());
    Ok(())
}

fn apply_backup(
    backup: &mut super::values::Backup,
    table: BackupTable,
    path: &Path,
) -> Outcome<()> {
    let keep = &mut backup.keep;
    replace(&mut keep.keep, table.keep.map(|keep| keep.0 as usize));
    replace(
        &mut keep.within_ms,
        table
            .keep_within
            .map(|span| i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX)),
    );
    replace(&mut keep.daily, table.keep_daily);
    replace(&mut keep.weekly, table.keep_weekly);
    replace(&mut keep.monthly, table.keep_monthly);
    replace(&mut keep.yearly, table.keep_yearly);

    let schedule = &mut backup.schedule;
    if let Some(SpanOrOff(jitter)) = table.jitter {
        schedule.jitter = jitter.unwrap_or_default();
    }
    schedule.when = match (table.every, table.at) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage(format!(
                "{}: [backup] has both `every` and `at`",
                path.display()
            ))
            .hint("keep one: an interval, or times of day"));
        }
        (Some(SpanOrOff(Some(every))), None) => When::Every(every),
        (Some(SpanOrOff(None)), None) => When::Off,
        (None, Some(Times(times))) => When::At(times),
        (None, None) => return Ok(()),
    };
    Ok(())
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Outcome<Settings> {
        let mut settings = Settings::default();
        let file = Path::new("qsys-agent.toml");
        let place = Place::of(Some(file))?;
        apply(&mut settings, &place, file, text).map(|()| settings)
    }

    #[test]
    fn a_full_file_is_read() {
        let settings = read(
            r#"
            [core]
            host = "core-hall.example"
            pin = "4071"
            [record]
            exclude = ["*.meter*"]
            named_controls = ["LobbyVolume"]
            rates = [{ controls = "Clock.*", every = "5s" }]
            [store]
            path = "/srv/events"
            retention_size = "20 GiB"
            [backup]
            keep = 14
            keep_monthly = 12
            every = "off"
            [panel]
            named_control_prefix = "Recovery."
            "#,
        )
        .unwrap();
        assert_eq!(settings.core.host.as_deref(), Some("core-hall.example"));
        assert_eq!(settings.core.port, 1710);
        assert_eq!(
            settings.record.rates,
            [("Clock.*".to_owned(), Duration::from_secs(5))]
        );
        assert_eq!(settings.backup.schedule.when, When::Off);
        assert_eq!(settings.backup.keep.keep, 14);
        assert_eq!(settings.backup.keep.monthly, 12);
        assert_eq!(settings.panel.named_control_prefix, "Recovery.");
        assert_eq!(settings.store.retention.days, Some(30));
        assert_eq!(settings.store.retention.bytes, Some(20 << 30));
    }

    /// The settings of `agent/docs/settings.md`: as they stand there, and with the examples.
    fn documented() -> (String, String) {
        let text = include_str!("../../docs/settings.md");
        let block = text.split("```toml\n").nth(1).unwrap();
        let block = block.split("```").next().unwrap();
        let examples = block.lines().map(|line| match line.strip_prefix("# ") {
            // The two ways to say when a backup is made exclude each other.
            Some(example) if !example.starts_with("at =") => example,
            _ => line,
        });
        (block.to_owned(), examples.collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn the_documented_lines_are_the_defaults_and_the_examples_are_read_too() {
        let (copied, with_examples) = documented();
        let mut copied = read(&copied).unwrap();
        assert_eq!(copied.core.host.as_deref(), Some("192.168.1.10"));
        copied.core.host = None;
        let place = Place::of(Some(Path::new("qsys-agent.toml"))).unwrap();
        let mut defaults = Settings::default();
        defaults.store.path = place.path(&defaults.store.path);
        defaults.backup.path = place.path(&defaults.backup.path);
        assert_eq!(format!("{copied:#?}"), format!("{defaults:#?}"));

        let all = read(&with_examples).unwrap();
        assert_eq!(all.core.backup_host.as_deref(), Some("192.168.1.11"));
        assert_eq!(all.backup.keep.yearly, 5);
        assert!(all.panel.pin.is_some());
    }

    #[test]
    fn backups_at_times_of_day_take_the_place_of_the_interval() {
        let settings = read("[backup]\nat = [\"23:30\", \"03:00\"]\njitter = \"off\"").unwrap();
        let schedule = &settings.backup.schedule;
        assert_eq!(schedule.when.to_string(), "at 03:00, 23:30");
        assert_eq!(schedule.jitter, Duration::ZERO);
        let both = read("[backup]\nat = [\"03:00\"]\nevery = \"1h\"").unwrap_err();
        assert!(both.message().contains("both"), "{}", both.message());
    }

    #[test]
    fn a_wrong_line_is_shown_with_what_was_found_and_expected() {
        let cases = [
            (
                "[core]\nhots = \"x\"",
                ["line 2", "unknown field `hots`", "`host`"],
            ),
            ("[core]\nport = 70000", ["line 2", "70000", "u16"]),
            ("[backup]\nkeep = 0", ["line 2", "found 0", "from 1 up"]),
            (
                "[backup]\nevery = \"soon\"",
                ["line 2", "found \"soon\"", "\"off\""],
            ),
            (
                "[backup]\nat = [\"3 am\"]",
                ["line 2", "found \"3 am\"", "\"03:00\""],
            ),
            (
                "[store]\nretention_size = \"much\"",
                ["line 2", "retention_size", "much"],
            ),
            (
                "[record]\ninclude = [\"a[\"]",
                ["line 2", "found \"a[\"", "glob"],
            ),
            (
                "[record\n",
                ["line 1", "TOML parse error", "qsys-agent.toml"],
            ),
        ];
        for (text, parts) in cases {
            let failure = read(text).unwrap_err();
            for part in parts {
                assert!(
                    failure.message().contains(part),
                    "{part}: {}",
                    failure.message()
                );
            }
        }
    }

    #[test]
    fn a_pin_never_shows_in_debug_output() {
        let settings = read("[core]\npin = \"4071\"").unwrap();
        assert!(!format!("{settings:?}").contains("4071"));
    }
}
