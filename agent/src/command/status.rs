//! `status`: how everything is, in lines or as a JSON document.

use std::process::ExitCode;

use crate::command::output::Output;
use crate::command::terminal;
use crate::command::through_agent::through_agent;
use crate::failure::Outcome;
use crate::moment::{self, Moment, Seconds};
use crate::site::Site;
use crate::socket::Request;
use crate::status::{Status, verdict};
use crate::words::{bytes, count, many};

pub(super) fn status(site: &Site, output: Output) -> Outcome<ExitCode> {
    let status: Status = through_agent(
        site,
        &Request::Status,
        output,
        || Status::of_files(site),
        |_| String::new(),
    )?;
    output.result(&status, || lines(&status, &site.settings.file_in_words()));
    Ok(ExitCode::SUCCESS)
}

/// `settings` says which settings file this command read.
fn lines(status: &Status, settings: &str) -> String {
    let (level, sentence) = verdict(status);
    let core = match (&status.core.host, &status.core.design) {
        (None, _) => "none named; set QSYS_HOST".to_owned(),
        (Some(host), Some(design)) => format!(
            "{host}, {}, design {}, {} controls watched",
            status.core.state,
            terminal::plain(design),
            status.core.controls
        ),
        (Some(host), None) => format!("{host}, {}", status.core.state),
    };
    let backups = match &status.backup.last {
        None => format!("none in {}", status.backup.path),
        Some(_) => format!(
            "{} in {}, the last {}",
            status.backup.count,
            status.backup.path,
            local(status.backup.last)
        ),
    };
    let risk = match status.rpo_seconds {
        None => "everything: no proved backup holds any of it yet".to_owned(),
        Some(_) if status.events.total == 0 => "nothing; nothing is recorded yet".to_owned(),
        Some(Seconds(0.0)) => "nothing; all is in a proved backup".to_owned(),
        Some(seconds) => format!(
            "{} of writing that no proved backup holds",
            match seconds.0 {
                ..1.0 => "less than 1 s".to_owned(),
                _ => seconds.in_words(),
            }
        ),
    };
    let mut panel = format!("{}, {}", status.panel.component, status.panel.state);
    match status.panel.named_controls {
        0 => {}
        1 => panel.push_str("; 1 Named Control"),
        some => panel.push_str(&format!("; {some} Named Controls")),
    }
    let rows = [
        (level.word(), sentence),
        ("Core", core),
        (
            "Events",
            format!(
                "{} recorded, {:.1}/s now, {}",
                count(status.events.total),
                status.events.per_second,
                many(status.events.gaps, "gap")
            ),
        ),
        (
            "Store",
            format!(
                "{} in {}, {}",
                bytes(status.store.bytes),
                status.store.path,
                match span(status.store.from, status.store.to) {
                    Some(span) => span,
                    None if status.events.total == 0 => "nothing recorded yet".to_owned(),
                    None => "just begun".to_owned(),
                }
            ),
        ),
        ("Backups", backups),
        (
            "Proved",
            match &status.backup.last_verified {
                Some(_) => format!("the one of {}", local(status.backup.last_verified)),
                None => "none yet".to_owned(),
            },
        ),
        ("Next", next(status.backup.next)),
        (
            "Recoverable",
            match span(status.recoverable.from, status.recoverable.to) {
                Some(span) => {
                    let gaps = status.recoverable.gaps.len() as u64;
                    format!("{span}, {}", many(gaps, "gap"))
                }
                None => "nothing yet".to_owned(),
            },
        ),
        ("At risk", risk),
        ("Panel", panel),
        ("Settings", settings.to_owned()),
    ];
    let damaged = status.store.damaged.iter().flat_map(|damaged| {
        let back = match &damaged.command {
            Some(command) => command.clone(),
            None => "no proved backup holds it".to_owned(),
        };
        let what = format!(
            "{} moved aside as {}",
            damaged.day,
            damaged.moved_to.display()
        );
        [("Damaged", what), ("Put back", back)]
    });
    let lost = status.store.lost.iter().flat_map(|lost| {
        let back = match &lost.command {
            Some(command) => command.clone(),
            None => "no proved backup holds it".to_owned(),
        };
        let what = format!("{}: another program removed its file", lost.day);
        [("Lost", what), ("Bring back", back)]
    });
    let undo = (status.store.undo.steps > 0).then(|| {
        let undo = &status.store.undo;
        let text = format!("{}, {}", many(undo.steps, "step"), bytes(undo.bytes));
        ("Undo", text)
    });
    let disks = status.agent.lesser_ways.iter();
    let disks = disks.map(|way| ("Disk", way.clone()));
    let lines = rows
        .into_iter()
        .chain(lost)
        .chain(damaged)
        .chain(undo)
        .chain(disks)
        .map(|(name, text)| format!("{name:<12}{text}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// When the next backup is due. One that is due now may still wait for another job.
fn next(due: Option<Moment>) -> String {
    match due {
        Some(moment) if moment.ms() <= moment::now() => "now".to_owned(),
        _ => local(due),
    }
}

/// From when to when, where both are known.
fn span(from: Option<Moment>, to: Option<Moment>) -> Option<String> {
    Some(format!("{} to {}", from?.local(), to?.local()))
}

fn local(moment: Option<Moment>) -> String {
    moment.map_or_else(|| "–".to_owned(), Moment::local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_in_which_all_is_well_reads_so() {
        let mut status = Status::healthy();
        status.core.host = Some("10.0.0.7".to_owned());
        status.core.state = "Active".to_owned();
        status.core.design = Some("Hall".to_owned());
        status.core.controls = 412;
        status.events.total = 1_234_567;
        status.events.per_second = 24.6;
        status.events.gaps = 1;
        status.store.path = "/srv/site/data/events".to_owned();
        status.store.bytes = 83_200_000;
        status.backup.path = "/srv/site/data/backups".to_owned();
        status.backup.count = 7;
        let [from, to] = [1_772_366_400_000, 1_772_452_800_000].map(|ms| Some(Moment::at(ms)));
        (status.store.from, status.store.to) = (from, to);
        (status.recoverable.from, status.recoverable.to) = (from, to);
        (status.backup.last, status.backup.next) = (to, Some(Moment::at(220_000_000_000_000)));
        status.rpo_seconds = Some(Seconds(0.2));
        status.panel.component = "DisasterRecovery".to_owned();
        status.panel.named_controls = 3;
        let mut settings = insta::Settings::clone_current();
        // Local times depend on where the test runs.
        settings.add_filter(r"[\d+-]+-\d\d-\d\d \d\d:\d\d:\d\d", "[time]");
        settings.set_omit_expression(true);
        settings.bind(|| {
            insta::assert_snapshot!(
                "all_is_well",
                lines(&status, "settings file /srv/site/qsys-agent.toml")
            )
        });
    }
}
