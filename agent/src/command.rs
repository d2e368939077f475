//! The verbs, a file each, and how each is run.

mod audit;
mod backup;
mod check;
mod completions;
mod demo;
mod diff;
mod emulate;
mod events;
mod export;
mod import;
mod list;
mod prune;
mod restore;
mod run;
mod state;
mod status;
mod undo;
mod verify;

use std::process::ExitCode;

use crate::audit::{Act, Asked, Audit};
use crate::cli::{Cli, Command};
use crate::failure::{Failure, Outcome};
use crate::local_socket::{self, Answer, Request};
use crate::logging;
use crate::output::Output;
use crate::settings::Settings;
use crate::site::Site;

/// Runs a verb.
pub(crate) fn run(cli: Cli, output: Output) -> Outcome<ExitCode> {
    let usual = if matches!(cli.command, Command::Run | Command::Emulate(_)) {
        "info"
    } else {
        "warn"
    };
    logging::start(&cli.global, usual);
    let site = || Settings::load(cli.global.config.as_deref()).map(Site::new);
    match cli.command {
        Command::Demo(typed) => demo::demo(typed, output),
        Command::Run => run::run(site()?, output),
        Command::Emulate(typed) => emulate::emulate(&typed, &site()?.settings, output),
        Command::Status => status::status(&site()?, output),
        Command::Check => check::check(site(), output),
        Command::Backup => backup::backup(&site()?, output),
        Command::List => list::list(&site()?, output),
        Command::Verify(typed) => verify::verify(&typed, &site()?, output),
        Command::Restore(typed) => restore::restore(&typed, &site()?, output),
        Command::Undo => undo::undo(&site()?, output),
        Command::Export(typed) => export::export(&typed, &site()?, output),
        Command::Import(typed) => import::import(&typed, &site()?, output),
        Command::Events(typed) => events::events(&typed, &site()?, output),
        Command::State(typed) => state::state(&typed, &site()?, output),
        Command::Diff(typed) => diff::diff(&typed, &site()?, output),
        Command::Audit(typed) => audit::audit(&typed, &site()?, output),
        Command::Prune(typed) => prune::prune(&typed, &site()?, output),
        Command::Completions { shell } => completions::completions(shell, output),
        Command::Rewind(_) => Err(not_yet(
            "rewind",
            "`qsys-agent state --at TIME` shows how the room was",
        )),
        Command::Drill => Err(not_yet(
            "drill",
            "prove backups with `qsys-agent verify --deep`",
        )),
    }
}

/// For what this version does not do: said, never pretended.
fn not_yet(what: &str, instead: &str) -> Failure {
    Failure::usage(format!("`{what}` is not supported yet")).hint(instead)
}

/// Runs asynchronous work to its end.
fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(work)
}

/// Has the running agent do it and shows how it gets on, or does it here where none runs.
fn through_agent<T: serde::de::DeserializeOwned>(
    site: &Site,
    request: &Request,
    output: Output,
    here: impl FnOnce() -> Outcome<T>,
) -> Outcome<T> {
    let bar = output.progress();
    let answer = local_socket::ask(site.store_path(), request, bar.watcher())?;
    drop(bar);
    match answer {
        Answer::Done(document) => serde_json::from_value(document).map_err(|error| {
            Failure::failed(format!(
                "the running agent answered something else than expected: {error}"
            ))
            .hint("agent and command line may be of different versions")
        }),
        Answer::NoAgent => match request.act() {
            Some(act) => written_down(site, act, here, |_| Ok(String::new())),
            None => here(),
        },
    }
}

/// Does something in this process and writes down who asked for it. `said` puts what came of
/// it in words; an error of its counts as failed.
fn written_down<T>(
    site: &Site,
    act: Act,
    here: impl FnOnce() -> Outcome<T>,
    said: impl FnOnce(&T) -> Result<String, String>,
) -> Outcome<T> {
    let user = rustix::process::getuid().as_raw();
    let process = i32::try_from(std::process::id()).ok();
    let asked = Asked::by_command_line(user, process, None);
    Audit::of_store(site.store_path()).of_blocking(asked, act, here, said)
}
