//! `demo`: the whole loop on a simulated Core, told as it goes.

mod settings;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use backup::Store;
use qrc_sim::Core;

use crate::advice;
use crate::command::cli;
use crate::command::output::Output;
use crate::command::runtime::block_on;
use crate::command::simulated::{Simulated, Wanted};
use crate::documents::Backup;
use crate::failure::{Failure, Outcome};
use crate::moment::{self, Moment};
use crate::service::{self, Service};
use crate::site::{RestoreRequest, Site, Source};
use crate::status::{Status, verdict};
use crate::words::{bytes, count, events, many};

/// Between the acts, so that people can read along.
const PAUSE: Duration = Duration::from_secs(2);
/// Nothing in the demo takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);
/// A backup by the clock that is due within this is waited for.
const SOON: Duration = Duration::from_secs(10);
/// How often the story tells what has been recorded.
const TELL_EVERY: Duration = Duration::from_secs(5);

pub(super) fn demo(typed: cli::Demo, output: Output) -> Outcome<ExitCode> {
    block_on(async {
        let end = async {
            match typed.seconds {
                Some(seconds) => {
                    let time = tokio::time::sleep(Duration::from_secs(seconds));
                    tokio::select! {
                        () = time => Ok(()),
                        stopped = service::stop_signal() => stopped,
                    }
                }
                None => service::stop_signal().await,
            }
        };
        tokio::pin!(end);

        let settings = settings::own(&typed.data)?;
        let simulated = Simulated::start(Wanted {
            address: &typed.qrc,
            panel: typed.panel.as_deref(),
            design: None,
            plugin: None,
            code_name: &settings.panel.code_name,
            pin: None,
            churn: typed.churn,
            faults: &[],
        })
        .await?;
        simulated.tell_addresses(output);
        let settings = settings::settle(settings, &simulated, &typed.data)?;
        let site = Site::new(settings);
        let earlier = site.store_if_any()?.map(|store| store.summary());
        let story = Story {
            output,
            began: Instant::now(),
            earlier: earlier.transpose()?.map_or(0, |found| found.events),
        };
        story.tell(
            "Simulated Core",
            format!(
                "design {}, {} components, {} controls,\nthe recovery plugin among them",
                simulated.name, simulated.components, simulated.controls
            ),
        );
        let Some(service) = Service::start(site, &mut end).await? else {
            simulated.stop().await;
            return Ok(ExitCode::SUCCESS);
        };
        let told = tokio::select! {
            ended = &mut end => ended,
            told = story.acts(&service, &simulated.core, &typed.data) => match told {
                // The acts are over; the room goes on until the time is up.
                Ok(()) => tokio::select! {
                    ended = &mut end => ended,
                    never = story.go_on(&service) => never,
                },
                failed => failed,
            },
        };
        let status = Status::of_agent(&service.context);
        let backups: Vec<Backup> = service
            .context
            .jobs
            .backups()
            .iter()
            .map(Backup::from)
            .collect();
        service.stop().await?;
        simulated.stop().await;
        told?;
        story.end(&status, &backups, &typed.data);
        Ok(ExitCode::SUCCESS)
    })
}

/// The story in lines that an AV engineer understands.
struct Story {
    output: Output,
    began: Instant,
    /// Events that earlier runs on the same data left.
    earlier: u64,
}

impl Story {
    fn tell(&self, what: &str, text: impl AsRef<str>) {
        let at = self.began.elapsed().as_secs();
        let indented = text.as_ref().replace('\n', &format!("\n{:23}", ""));
        self.output.line(format!("{at:>3} s  {what:<16}{indented}"));
    }

    /// The loop once round: record, back up, press the panel, prove that it restores.
    async fn acts(&self, service: &Service, core: &Core, data: &Path) -> Outcome<()> {
        let context = &service.context;
        let before = newest(service);
        if self.earlier > 0 {
            self.tell(
                "Earlier runs",
                format!(
                    "{} and {}: this run goes on with them",
                    events(self.earlier),
                    many(context.jobs.backups().len() as u64, "backup")
                ),
            );
        }
        let recording = self.wait("the recording to begin", || {
            let status = Status::of_agent(context);
            status.recording.then_some(status)
        });
        let status = recording.await?;
        self.tell(
            "Core found",
            format!(
                "{}:{}, {}, design {}",
                status.core.host.as_deref().unwrap_or_default(),
                context.settings().core.port,
                status.core.state,
                status.core.design.as_deref().unwrap_or("unnamed")
            ),
        );
        self.tell(
            "Recording",
            format!(
                "{} controls of {} components, into\n{}",
                context.live_facts.controls(),
                context.live_facts.components(),
                context.settings().store.path.display()
            ),
        );
        tokio::time::sleep(PAUSE).await;
        self.tell_events(&Status::of_agent(context));

        match Status::of_agent(context).backup.next {
            Some(due) if before.is_some() && due.ms() > moment::now() + SOON.as_millis() as i64 => {
                let text = format!("the next by the clock is due at {}", due.local());
                self.tell("Backup", text);
            }
            _ => {
                let made = self.wait("the backup by the clock", || newer(service, &before));
                self.tell_backup("by the clock", &made.await?);
                self.tell_panel(service, core).await?;
            }
        }
        tokio::time::sleep(PAUSE).await;
        self.tell_events(&Status::of_agent(context));

        let before = newest(service);
        self.press(service, core, "BackupNow")?;
        self.tell("Touch panel", "\"Backup now\" is pressed");
        let made = self.wait("the panel's backup", || newer(service, &before));
        self.tell_backup("by the panel", &made.await?);
        self.tell_panel(service, core).await?;
        tokio::time::sleep(PAUSE).await;
        self.restore(service, data).await
    }

    /// Restores the newest backup into a folder of its own, as after the loss of the store.
    async fn restore(&self, service: &Service, data: &Path) -> Outcome<()> {
        let site = service.context.site.clone();
        let target = std::path::absolute(data)?.join("restored");
        // Only what an earlier demo put there.
        if target.exists() {
            std::fs::remove_dir_all(&target)?;
        }
        let turn = service.context.jobs.own_turn("restore").await;
        let begun = Instant::now();
        let restored_into = target.clone();
        let report = tokio::task::spawn_blocking(move || {
            let request = RestoreRequest {
                from: Source::Latest,
                at: None,
                time: None,
                keep_newer: false,
                force: false,
            };
            let built = site.build(&request, Some(&restored_into), &())?;
            let report = built.swap()?;
            let found = Store::open(&restored_into)?.summary()?;
            Ok::<_, Failure>((report, found))
        });
        let (report, found) = report
            .await
            .map_err(|panic| Failure::failed(format!("the restore stopped: {panic}")))??;
        drop(turn);
        if found.events != report.events {
            return Err(Failure::failed(format!(
                "the restored store holds {} events, the backup {}",
                found.events, report.events
            )));
        }
        self.tell(
            "Restore",
            format!(
                "into a fresh folder: {} events back and counted,\nthe backup and all since, up to {},\nin {:.2} s",
                count(report.events),
                report
                    .restored_to_ms
                    .map(Moment::at)
                    .map_or_else(|| "–".to_owned(), Moment::local_precise),
                begun.elapsed().as_secs_f64()
            ),
        );
        Ok(())
    }

    async fn go_on(&self, service: &Service) -> Outcome<()> {
        let mut told = newest(service);
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            self.tell_events(&Status::of_agent(&service.context));
            if let Some(made) = newer(service, &told) {
                self.tell_backup("by the clock", &made);
                told = Some(made.id);
            }
        }
    }

    fn tell_events(&self, status: &Status) {
        self.tell(
            "Events",
            format!(
                "{} recorded, {:.0} per second, {}, {} on disk",
                count(status.events.total.saturating_sub(self.earlier)),
                status.events.per_second,
                many(status.events.gaps, "gap"),
                bytes(status.store.bytes)
            ),
        );
    }

    fn tell_backup(&self, why: &str, made: &backup::BackupInfo) {
        let proof = if made.verified {
            "read back and proved"
        } else {
            "NOT PROVED"
        };
        self.tell(
            "Backup",
            format!(
                "{why}: {} events, {}, {proof}",
                made.events.map_or_else(|| "?".to_owned(), count),
                bytes(made.bytes)
            ),
        );
    }

    /// What the plugin's indicators show, once it has the agent's newest words.
    async fn tell_panel(&self, service: &Service, core: &Core) -> Outcome<()> {
        let wanted = service
            .context
            .jobs
            .backups()
            .first()
            .map(|backup| Moment::at(backup.created_at_ms).local())
            .unwrap_or_default();
        let code_name = &service.context.settings().panel.code_name;
        let shown = self.wait("the panel to show the backup", || {
            let last = shown(core, code_name, "LastBackup")?;
            last.contains(&wanted).then_some(last)
        });
        let last = shown.await?;
        let status = shown_or_blank(core, code_name, "StatusText");
        self.tell("Panel shows", format!("{status}\nLast backup {last}"));
        Ok(())
    }

    fn press(&self, service: &Service, core: &Core, button: &str) -> Outcome<()> {
        let code_name = &service.context.settings().panel.code_name;
        core.with_controls(|controls| {
            let key = controls
                .lookup(code_name, button)
                .ok_or_else(|| Failure::failed(format!("the plugin has no control {button}")))?;
            controls.trigger(key);
            Ok(())
        })
    }

    async fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> Outcome<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look() {
                return Ok(seen);
            }
            if Instant::now() > until {
                return Err(
                    Failure::failed(format!("waited {} s for {what}", PATIENCE.as_secs()))
                        .hint("run it again with -v and read the log"),
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn end(&self, status: &Status, backups: &[Backup], data: &Path) {
        let settings = data.join("qsys-agent.toml");
        let settings = settings.to_string_lossy();
        let settings = advice::shell_word(&settings);
        // As it was called, so that the lines can be copied from wherever it was run.
        let program = std::env::args().next();
        let program = advice::shell_word(program.as_deref().unwrap_or("qsys-agent"));
        self.output.result(status, || {
            let (level, sentence) = verdict(status);
            let size: u64 = backups.iter().map(|backup| backup.bytes).sum();
            format!(
                "\nAt the end: {}: {sentence}\n  {} in {}, {}\n  {}, {} in all, each read back and proved: {}\n\
                 \nLook at what is left:\n  {program} --config {settings} list\n  \
                 {program} --config {settings} events --limit 20\n  \
                 {program} --config {settings} verify\n  \
                 {program} --config {settings} restore latest --dry-run",
                level.word(),
                events(status.events.total),
                status.store.path,
                many(status.events.gaps, "gap"),
                many(backups.len() as u64, "backup"),
                bytes(size),
                if backups.iter().all(|backup| backup.verified) { "yes" } else { "NO" },
            )
        });
    }
}

/// The newest backup's id.
fn newest(service: &Service) -> Option<String> {
    let backups = service.context.jobs.backups();
    backups.first().map(|backup| backup.id.clone())
}

/// The newest backup, if it is another one than before.
fn newer(service: &Service, before: &Option<String>) -> Option<backup::BackupInfo> {
    let newest = service.context.jobs.backups().first().cloned();
    newest.filter(|newest| before.as_ref() != Some(&newest.id))
}

fn shown(core: &Core, code_name: &str, control: &str) -> Option<String> {
    core.with_controls(|controls| {
        controls
            .lookup(code_name, control)
            .map(|key| controls.string(key).to_string())
    })
}

fn shown_or_blank(core: &Core, code_name: &str, control: &str) -> String {
    shown(core, code_name, control).unwrap_or_default()
}
