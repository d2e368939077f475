//! `run`: the service, until SIGTERM or Ctrl-C.

use std::process::ExitCode;

use crate::failure::Outcome;
use crate::gather;
use crate::output::Output;
use crate::service::{self, Service};
use crate::site::Site;

pub(super) fn run(site: Site, output: Output) -> Outcome<ExitCode> {
    super::block_on(async {
        let service = Service::start(site).await?;
        let settings = service.parts.settings();
        output.line(format!(
            "recording {}:{} into {}, backups into {}",
            settings.core.host.as_deref().unwrap_or_default(),
            settings.core.port,
            settings.store.path.display(),
            settings.backup.path.display(),
        ));
        service::stop_signal().await?;
        tracing::info!(
            "stopping; {}",
            service::last_words(&gather::with_agent(&service.parts))
        );
        service.stop().await?;
        tracing::info!("everything received is committed");
        Ok(ExitCode::SUCCESS)
    })
}
