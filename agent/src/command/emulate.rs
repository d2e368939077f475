//! `emulate`: the simulated Core alone.

use std::process::ExitCode;

use crate::command::cli;
use crate::command::output::Output;
use crate::command::runtime::block_on;
use crate::command::simulated::{self, Simulated, Wanted};
use crate::failure::Outcome;
use crate::service;
use crate::settings::Settings;

pub(super) fn emulate(
    typed: &cli::Emulate,
    settings: &Settings,
    output: Output,
) -> Outcome<ExitCode> {
    block_on(async {
        let simulated = Simulated::start(Wanted {
            address: &typed.qrc,
            panel: typed.panel.as_deref(),
            design: typed.design.as_deref(),
            plugin: typed.plugin.as_deref(),
            code_name: &settings.panel.code_name,
            pin: typed.pin.as_deref(),
            churn: typed.churn,
            faults: &typed.fault,
        })
        .await?;
        simulated.tell_addresses(output);
        output.line(format!(
            "design {}: {} components, {} controls{}",
            simulated.name,
            simulated.components,
            simulated.controls,
            match typed.pin {
                Some(_) => format!("; log on as \"{}\" with the PIN", simulated::USER),
                None => String::new(),
            }
        ));
        service::stop_signal().await?;
        simulated.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
