//! `check`: one line and an exit code, as monitoring plugins print.

use std::process::ExitCode;

use crate::command::output::Output;
use crate::command::through_agent::through_agent;
use crate::failure::Outcome;
use crate::moment::Seconds;
use crate::site::Site;
use crate::socket::Request;
use crate::status::{Level, Status, verdict};

/// Whatever goes wrong is UNKNOWN, exit code 3: a check has no other way to fail.
pub(super) fn check(site: Outcome<Site>, output: Output) -> Outcome<ExitCode> {
    let looked_at = site.as_ref().ok().map(looked_at);
    let status: Outcome<Status> = site.and_then(|site| {
        let here = || Status::of_files(&site);
        through_agent(&site, &Request::Status, output, here, |_| String::new())
    });
    let (level, sentence, figures) = match &status {
        Ok(status) => {
            let (level, mut sentence) = verdict(status);
            if let (false, Some((store, settings))) = (status.agent.running, looked_at) {
                sentence.push_str(&format!(" (store {store}, {settings})"));
            }
            (level, sentence, figures(status))
        }
        Err(failure) => {
            // The failure itself names the store where that is the matter.
            let settings = looked_at.map(|(_, settings)| format!(" ({settings})"));
            let next = failure.next_step().map(|step| format!("; {step}"));
            let sentence = [Some(failure.message().to_owned()), settings, next];
            let sentence = sentence.into_iter().flatten().collect();
            (Level::Unknown, sentence, String::new())
        }
    };
    let document =
        serde_json::json!({ "level": level.word(), "code": level as u8, "text": sentence });
    output.result(&document, || {
        // It must stay one line.
        let sentence = sentence.replace(['\n', '|'], " ");
        format!("QSYS {} - {sentence}{figures}", level.word())
    });
    Ok(ExitCode::from(level as u8))
}

/// The store and the settings where an agent was looked for: a monitoring system may run this with others than the agent
/// has.
fn looked_at(site: &Site) -> (String, String) {
    let store = site.store_path().display().to_string();
    (store, site.settings.file_in_words())
}

fn figures(status: &Status) -> String {
    let known = |span: Option<Seconds>| {
        span.map_or_else(|| "U".to_owned(), |span| format!("{:.0}s", span.0))
    };
    format!(
        " | events={}c per_second={:.1} gaps={} backup_age={} rpo={}",
        status.events.total,
        status.events.per_second,
        status.events.gaps,
        known(status.backup.age_seconds),
        known(status.rpo_seconds),
    )
}
