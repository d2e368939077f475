//! `demo`: the whole loop on a simulated Core, told as it goes.

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
use crate::folder;
use crate::moment::Moment;
use crate::schedule::When;
use crate::service::{self, Service};
use crate::settings::Settings;
use crate::site::{RestoreRequest, Site, Source};
use crate::status::{Status, verdict};
use crate::words::{bytes, count};

/// Between the acts, so that people can read along.
const PAUSE: Duration = Duration::from_secs(2);
/// Nothing in the demo takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);
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

        let settings = settings(&typed.data)?;
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
        let settings = settle(settings, &simulated, &typed.data)?;
        let story = Story {
            output,
            began: Instant::now(),
        };
        story.tell(
            "Simulated Core",
            format!(
                "design {}, {} components, {} controls,\nthe recovery plugin among them",
                simulated.name, simulated.components, simulated.controls
            ),
        );
        let Some(service) = Service::start(Site::new(settings), &mut end).await? else {
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

/// The demo's own settings: no file and no variable of the user's changes it.
fn settings(data: &Path) -> Outcome<Settings> {
    folder::make(data, "the demo's folder", "give --data another one")?;
    let data = std::path::absolute(data)?;
    let mut settings = Settings::default();
    settings.store.path = data.join("events");
    settings.backup.path = data.join("backups");
    settings.backup.schedule.when = When::Every(Duration::from_secs(60));
    Ok(settings)
}

/// Points the settings at the simulated Core, and leaves them as a file, so that every
/// other verb can be tried on the demo's data.
fn settle(mut settings: Settings, simulated: &Simulated, data: &Path) -> Outcome<Settings> {
    settings.core.host = Some(simulated.address.ip().to_string());
    settings.core.port = simulated.address.port();
    let mut file = toml::Table::new();
    let table = |entries: &[(&str, toml::Value)]| {
        let entries = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        toml::Value::Table(entries.collect())
    };
    let text = |path: &Path| toml::Value::String(path.display().to_string());
    file.insert(
        "core".to_owned(),
        table(&[
            (
                "host",
                toml::Value::String(simulated.address.ip().to_string()),
            ),
            (
                "port",
                toml::Value::Integer(i64::from(simulated.address.port())),
            ),
        ]),
    );
    file.insert(
        "store".to_owned(),
        table(&[("path", text(&settings.store.path))]),
    );
    file.insert(
        "backup".to_owned(),
        table(&[
            ("path", text(&settings.backup.path)),
            ("every", toml::Value::String("60s".to_owned())),
        ]),
    );
    let path = std::path::absolute(data)?.join("qsys-agent.toml");
    std::fs::write(&path, file.to_string())?;
    advice::name_settings_file(&path);
    settings.files.push(path);
    Ok(settings)
}

/// The story in lines that an AV engineer understands.
struct Story {
    output: Output,
    began: Instant,
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

        let first = self.wait("the first backup", || {
            context.jobs.backups().first().cloned()
        });
        self.tell_backup("by the clock", &first.await?);
        self.tell_panel(service, core).await?;
        tokio::time::sleep(PAUSE).await;
        self.tell_events(&Status::of_agent(context));

        let before = context.jobs.backups().len();
        self.press(service, core, "BackupNow")?;
        self.tell("Touch panel", "\"Backup now\" is pressed");
        let newest = self.wait("the panel's backup", || {
            let backups = context.jobs.backups();
            (backups.len() > before).then(|| backups[0].clone())
        });
        self.tell_backup("by the panel", &newest.await?);
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
        let mut told = service.context.jobs.backups().len();
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            self.tell_events(&Status::of_agent(&service.context));
            let backups = service.context.jobs.backups();
            if backups.len() > told {
                self.tell_backup("by the clock", &backups[0]);
            }
            told = backups.len();
        }
    }

    fn tell_events(&self, status: &Status) {
        self.tell(
            "Events",
            format!(
                "{} recorded, {:.0} per second, {} gaps, {} on disk",
                count(status.events.total),
                status.events.per_second,
                status.events.gaps,
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
                "\nAt the end: {}: {sentence}\n  {} events in {}, {} gaps\n  {} backups, {} in all, each read back and proved: {}\n\
                 \nLook at what is left:\n  {program} --config {settings} list\n  \
                 {program} --config {settings} events --limit 20\n  \
                 {program} --config {settings} verify\n  \
                 {program} --config {settings} restore latest --dry-run",
                level.word(),
                count(status.events.total),
                status.store.path,
                status.events.gaps,
                backups.len(),
                bytes(size),
                if backups.iter().all(|backup| backup.verified) { "yes" } else { "NO" },
            )
        });
    }
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
