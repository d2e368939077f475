//! How the system is: the document behind `status --json`, from which the command line, the panel and the Named
//! Controls are drawn.
//!
//! Each section has a file that says where its members come from and which of them are troubles.

mod files;
mod level;
mod panel;

mod agent;
mod backups;
mod core_link;
mod events;
mod recoverable;
mod store;

use serde::{Deserialize, Serialize};

pub(crate) use level::Level;

use crate::context::Context;
use crate::failure::Outcome;
use crate::moment::{Moment, Seconds};
use crate::site::Site;
use agent::Agent;
use backups::Backup;
use core_link::CoreLink;
use events::Events;
use files::Files;
use level::Trouble;
use panel::Panel;
use recoverable::Recoverable;
use store::Store;

/// The whole status. Members named in the contract stay; more may be added.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) agent: Agent,
    pub(crate) core: CoreLink,
    pub(crate) recording: bool,
    pub(crate) events: Events,
    pub(crate) store: Store,
    pub(crate) backup: Backup,
    pub(crate) recoverable: Recoverable,
    /// Writing that would be lost if the store's disk died now; `null` where no backup holds
    /// anything yet.
    pub(crate) rpo_seconds: Option<Seconds>,
    pub(crate) drill: Drill,
    pub(crate) panel: Panel,
}

/// Drills come later; until one has run, its members are `null`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Drill {
    last: Option<Moment>,
    ok: Option<bool>,
    rto_seconds: Option<Seconds>,
}

impl Status {
    /// The status of the running agent.
    pub(crate) fn of_agent(context: &Context) -> Self {
        let stats = context.recorder.stats();
        let files = Files::of_agent(context, &stats);
        let store = Store::of_recorder(context.settings(), &files, &stats);
        let complete = context.live_facts.complete() && context.link_is_up();
        let recoverable = Recoverable::of_files(&files);
        Self {
            agent: Agent::running(context),
            core: CoreLink::of_agent(context),
            recording: complete && store.problem.is_none(),
            events: Events::of_recorder(&files, &stats),
            store,
            backup: Backup::of_agent(context, &files),
            rpo_seconds: recoverable.rpo(&files),
            recoverable,
            drill: Drill::default(),
            panel: Panel::of_agent(context),
        }
    }

    /// The status when no agent runs: what the files tell.
    pub(crate) fn of_files(site: &Site) -> Outcome<Self> {
        let files = Files::of_site(site)?;
        let settings = &site.settings;
        let recoverable = Recoverable::of_files(&files);
        Ok(Self {
            agent: Agent::of_files(settings),
            core: CoreLink::unknown(settings),
            recording: false,
            events: Events::of_files(&files),
            store: Store::of_files(settings, &files),
            backup: Backup::of_files(settings, &files),
            rpo_seconds: recoverable.rpo(&files),
            recoverable,
            drill: Drill::default(),
            panel: Panel::unknown(settings),
        })
    }

    /// All that is wrong; the section that matters most to the recording comes first.
    fn troubles(&self) -> Vec<Trouble> {
        let mut troubles = self.store.troubles();
        troubles.extend(self.agent.troubles());
        if !self.recording {
            troubles.push(self.core.why_not_recording());
        }
        troubles.extend(self.store.losses());
        troubles.extend(self.backup.troubles());
        troubles
    }
}

/// The worst thing that is true now, and one sentence for it.
pub(crate) fn verdict(status: &Status) -> (Level, String) {
    let mut troubles = status.troubles().into_iter();
    let worst = troubles.next().map(|first| {
        // Of equals the first.
        troubles.fold(first, |worst, next| match next.level > worst.level {
            true => next,
            false => worst,
        })
    });
    worst.map_or_else(
        || {
            (
                Level::Ok,
                status.backup.good_news() + &status.agent.lesser_way(),
            )
        },
        |worst| (worst.level, worst.text),
    )
}

#[cfg(test)]
impl Status {
    /// One in which nothing is wrong.
    pub(crate) fn healthy() -> Self {
        let mut status = Self {
            recording: true,
            ..Self::default()
        };
        status.agent.running = true;
        status.backup.age_seconds = Some(Seconds(60.0));
        status.backup.last_verified = Some(Moment::at(0));
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{Damaged, Lost};

    #[test]
    fn ok_is_said_only_when_recording_and_proved() {
        let good = Status::healthy();
        assert_eq!(verdict(&good).0, Level::Ok);

        let worse: [fn(&mut Status); 11] = [
            |s| s.store.lost.push(lost()),
            |s| s.store.undo.passes_limit = true,
            |s| s.store.damaged.push(damaged(None)),
            |s| s.agent.audit_problem = Some("disk full".into()),
            |s| s.recording = false,
            |s| s.agent.running = false,
            |s| s.store.problem = Some("disk full".into()),
            |s| s.backup.problem = Some("disk full".into()),
            |s| s.backup.last_verified = None,
            |s| s.backup.overdue = true,
            |s| s.backup.prune_problem = Some("disk full".into()),
        ];
        for spoil in worse {
            let mut status = good.clone();
            spoil(&mut status);
            assert_ne!(verdict(&status).0, Level::Ok, "{}", verdict(&status).1);
        }
    }

    fn lost() -> Lost {
        let id = "2026-03-02T12-00-00-000Z";
        let command = format!("qsys-agent restore {id} --at 2026-03-02T12:00:00Z --keep-newer");
        Lost {
            day: "2026-03-01".parse().unwrap(),
            backup: Some(id.to_owned()),
            reaches: Some(Moment::at(1_772_452_800_000)),
            command: Some(command),
        }
    }

    #[test]
    fn a_lost_day_is_critical_and_said_with_the_command_that_brings_it_back() {
        let mut status = Status::healthy();
        status.store.damaged = vec![damaged(None)];
        status.store.lost = vec![lost(), lost()];
        assert_eq!(
            verdict(&status),
            (
                Level::Critical,
                "Recording; day 2026-03-01 is lost: another program removed its file; a proved backup brings it back: \
                 `qsys-agent restore 2026-03-02T12-00-00-000Z --at 2026-03-02T12:00:00Z --keep-newer` (1 more)"
                    .to_owned()
            )
        );
        // What is not true is not said with it.
        status.recording = false;
        status.agent.running = false;
        assert_eq!(verdict(&status).1, "Not recording: no agent is running");
    }

    fn damaged(command: Option<&str>) -> Damaged {
        Damaged {
            day: "2026-03-01".parse().unwrap(),
            at: Moment::at(1_772_366_400_000),
            moved_to: "/s/events-2026-03-01.db.corrupt-17".into(),
            backup: None,
            reaches: None,
            command: command.map(str::to_owned),
        }
    }

    #[test]
    fn a_damaged_day_is_said_with_the_command_that_puts_it_back() {
        let mut status = Status::healthy();
        status.store.damaged = vec![damaged(Some("qsys-agent restore b")), damaged(None)];
        let (level, sentence) = verdict(&status);
        assert_eq!(level, Level::Warning);
        assert_eq!(
            sentence,
            "Recording; day 2026-03-01 was damaged and is set aside; a proved backup puts it back: \
             `qsys-agent restore b` (the file is events-2026-03-01.db.corrupt-17; 1 more)"
        );
    }

    #[test]
    fn a_store_that_cannot_write_outranks_everything() {
        let mut status = Status::healthy();
        status.backup.last_verified = None;
        status.agent.running = false;
        status.store.problem = Some("database or disk is full".into());
        assert_eq!(
            verdict(&status),
            (
                Level::Critical,
                "Not recording: database or disk is full".to_owned()
            )
        );
    }
}
