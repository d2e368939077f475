//! `run`: the service, until SIGTERM or Ctrl-C.

use std::process::ExitCode;

use crate::advice;
use crate::command::output::Output;
use crate::command::runtime::block_on;
use crate::failure::Outcome;
use crate::service::{self, Service};
use crate::site::Site;
use crate::status::Status;

pub(super) fn run(site: Site, output: Output) -> Outcome<ExitCode> {
    // What the agent says is read in other folders than the one it was started in.
    if let Some(file) = &site.settings.file {
        advice::name_settings_file(file);
    }
    block_on(async {
        let mut stop = std::pin::pin!(service::stop_signal());
        let Some(service) = Service::start(site, &mut stop).await? else {
            return Ok(ExitCode::SUCCESS);
        };
        let settings = service.context.settings();
        output.line(format!(
            "connecting to {}:{}; the record lies in {}, backups in {}",
            settings.core.host.as_deref().unwrap_or_default(),
            settings.core.port,
            settings.store.path.display(),
            settings.backup.path.display(),
        ));
        stop.await?;
        tracing::info!(
            "stopping; {}",
            service::last_words(&Status::of_agent(&service.context))
        );
        service.stop().await?;
        tracing::info!("everything received is committed");
        Ok(ExitCode::SUCCESS)
    })
}
