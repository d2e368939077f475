//! Gathers the status: from the running parts, or from the files alone when no agent runs.

use backup::{BackupInfo, Gap, RecorderState, RecorderStats, StoreSummary};

use crate::counts::{self, Counted};
use crate::damage;
use crate::documents::Damaged;
use crate::failure::Outcome;
use crate::moment::{self, rfc3339};
use crate::output::many;
use crate::parts::Parts;
use crate::settings::Settings;
use crate::site::Site;
use crate::status::{self, Status};

/// The status of a running agent.
pub(crate) fn with_agent(parts: &Parts) -> Status {
    let stats = parts.recorder.stats();
    let Counted { mut summary, gaps } = parts.counts.now(stats.committed);
    summary.to_ms = summary.to_ms.max(stats.last_commit_ms);

    let settings = parts.settings();
    let files = Files {
        summary: &summary,
        gaps: &gaps,
        backups: &parts.jobs.backups(),
        shipped_to: parts.shipped.covers_to_ms(),
        in_memory_from: in_memory_from(&stats),
        damaged: parts.damage.offers(),
    };
    let mut status = from_files(settings, files);
    status.agent.running = true;
    status.agent.pid = Some(std::process::id());
    status.agent.audit_problem = parts.audit.problem();
    status.core = core(parts);
    status.store.problem = problem(&stats);
    status.recording =
        parts.facts.complete() && parts.link_is_up() && status.store.problem.is_none();
    status.events.per_second = stats.per_second;
    status.events.queued = stats.queued;
    status.events.quarantined = stats.quarantined;
    let jobs = &parts.jobs;
    status.backup.problem = jobs.backup_problem().or_else(|| parts.shipped.problem());
    status.backup.prune_problem = jobs.prune_problem();
    let history = parts.history();
    let schedule = &settings.backup.schedule;
    status.backup.next = schedule.next_due(&history, moment::now()).map(rfc3339);
    status.backup.failures = history.failures;
    status.backup.last_good = history.last_good.map(rfc3339);
    status.backup.overdue =
        (history.last_good).is_some_and(|last| schedule.overdue(last, moment::now()));
    status.panel.state = parts.facts.panel().word().to_owned();
    status.panel.named_controls = parts.facts.named_controls();
    status
}

/// The status when no agent runs: what the files tell.
pub(crate) fn without_agent(site: &Site) -> Outcome<Status> {
    let backups = site.list()?;
    let Counted { summary, gaps } = match site.store_if_any()? {
        Some(store) => counts::count(&store)?,
        None => Counted::default(),
    };
    let files = Files {
        summary: &summary,
        gaps: &gaps,
        backups: &backups,
        shipped_to: site.recoverable()?.map(|range| range.to_ms),
        in_memory_from: None,
        damaged: damage::offers(site)?,
    };
    Ok(from_files(&site.settings, files))
}

/// Why the recorder cannot write, if it cannot.
fn problem(stats: &RecorderStats) -> Option<String> {
    match &stats.state {
        RecorderState::Ok => None,
        RecorderState::Failing { reason, since_ms } => Some(format!(
            "{reason} (since {}); {} in memory",
            moment::local(*since_ms),
            many(stats.queued, "change")
        )),
        RecorderState::Stopped => Some("the recorder has stopped".to_owned()),
    }
}

/// From when on what came is in memory alone, in Unix milliseconds, where the store cannot be written.
fn in_memory_from(stats: &RecorderStats) -> Option<i64> {
    match &stats.state {
        RecorderState::Failing { since_ms, .. } if stats.queued > 0 => Some(*since_ms),
        _ => None,
    }
}

fn core(parts: &Parts) -> status::Core {
    let (host, link) = parts.core.link();
    let controls = parts.facts.controls();
    let (state, design, problem) = match link {
        qrc::Link::Up(core) => (
            core.state.word().to_owned(),
            Some(core.design_name.to_string()),
            None,
        ),
        qrc::Link::Connecting { last_error, .. } => ("connecting".to_owned(), None, last_error),
        qrc::Link::Refused { reason } => ("refused".to_owned(), None, Some(reason)),
        qrc::Link::Closed => ("closed".to_owned(), None, None),
    };
    status::Core {
        host: Some(host),
        state,
        design,
        problem,
        controls,
    }
}

/// What the store and the archive hold. Moments are Unix milliseconds.
struct Files<'f> {
    summary: &'f StoreSummary,
    gaps: &'f [Gap],
    backups: &'f [BackupInfo],
    /// Everything that was committed up to here is in the archive.
    shipped_to: Option<i64>,
    /// What came from here on is in neither.
    in_memory_from: Option<i64>,
    damaged: Vec<Damaged>,
}

fn from_files(settings: &Settings, files: Files<'_>) -> Status {
    let now = moment::now();
    let Files {
        summary,
        gaps,
        backups,
        shipped_to,
        in_memory_from,
        damaged,
    } = files;
    let newest = backups.first();
    let proved: Vec<&BackupInfo> = backups.iter().filter(|backup| backup.verified).collect();
    let last_good = proved.first().map(|backup| backup.created_at_ms);
    let schedule = &settings.backup.schedule;
    let from = proved.iter().filter_map(|backup| backup.from_ms).min();
    // Segments add to a backup; without one there is nothing to add to.
    let proved_to = proved.iter().filter_map(|backup| backup.to_ms).max();
    let to = proved_to.map(|to| {
        let to = shipped_to.map_or(to, |shipped| shipped.max(to));
        in_memory_from.map_or(to, |from| from.min(to))
    });
    let received_to = in_memory_from.map_or(summary.to_ms, |_| Some(now));
    Status {
        agent: status::Agent {
            running: false,
            pid: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sqlite: backup::sqlite_version().to_owned(),
            audit_problem: None,
        },
        core: status::Core {
            host: settings.core.host.clone(),
            state: "unknown".to_owned(),
            design: None,
            problem: None,
            controls: 0,
        },
        recording: false,
        events: status::Events {
            total: summary.events,
            per_second: 0.0,
            gaps: summary.gaps,
            queued: 0,
            quarantined: 0,
        },
        store: status::Store {
            path: settings.store.path.display().to_string(),
            bytes: summary.bytes,
            from: summary.from_ms.map(rfc3339),
            to: summary.to_ms.map(rfc3339),
            free_bytes: free_bytes(&settings.store.path),
            problem: None,
            damaged,
        },
        backup: status::Backup {
            path: settings.backup.path.display().to_string(),
            last: newest.map(|backup| rfc3339(backup.created_at_ms)),
            age_seconds: newest.map(|backup| (now - backup.created_at_ms).max(0) as f64 / 1000.0),
            next: None,
            count: backups.len(),
            last_verified: proved.first().map(|backup| rfc3339(backup.created_at_ms)),
            problem: None,
            failures: 0,
            prune_problem: None,
            schedule: schedule.when.to_string(),
            last_good: last_good.map(rfc3339),
            overdue: last_good.is_some_and(|last| schedule.overdue(last, now)),
        },
        recoverable: status::Recoverable {
            from: from.map(rfc3339),
            to: to.map(rfc3339),
            gaps: gaps
                .iter()
                .filter(|gap| Some(gap.to_ms) >= from && Some(gap.from_ms) <= to)
                .map(crate::documents::Gap::from)
                .collect(),
        },
        rpo_seconds: rpo(received_to, to),
        drill: status::Drill::default(),
        panel: status::Panel {
            component: settings.panel.code_name.clone(),
            state: "unknown".to_owned(),
            named_controls: 0,
        },
    }
}

fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Seconds of writing that the archive does not hold: from its end to the last change. `None` where no backup holds
/// any of it.
fn rpo(received_to: Option<i64>, archived_to: Option<i64>) -> Option<f64> {
    match (received_to, archived_to) {
        (None, _) => Some(0.0),
        (Some(received), Some(archived)) => Some((received - archived).max(0) as f64 / 1000.0),
        (Some(_), None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_lost_counts_from_the_end_of_the_archive_to_the_last_change() {
        assert_eq!(rpo(None, None), Some(0.0));
        assert_eq!(rpo(Some(40_000), None), None);
        assert_eq!(rpo(Some(40_000), Some(40_000)), Some(0.0));
        assert_eq!(rpo(Some(40_000), Some(30_000)), Some(10.0));
    }
}
