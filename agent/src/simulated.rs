//! The simulated Core of `demo` and `emulate`: a design, its plugin and the life in the room, over TCP.

use std::net::SocketAddr;
use std::path::Path;

use qrc::sim::{Core, CoreOptions, Design, Fault};
use qsys_designs::{DemoOptions, demo_design};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, Outcome};

/// What to simulate.
pub(crate) struct Wanted<'a> {
    /// Where to listen, `host:port`.
    pub(crate) address: &'a str,
    /// Instead of the demo design; such a design has no plugin and no life of its own.
    pub(crate) design: Option<&'a Path>,
    pub(crate) code_name: &'a str,
    pub(crate) pin: Option<&'a str>,
    pub(crate) churn: f64,
    pub(crate) faults: &'a [Fault],
}

/// A simulated Core that is being served.
pub(crate) struct Simulated {
    pub(crate) core: Core,
    pub(crate) address: SocketAddr,
    pub(crate) name: String,
    pub(crate) components: usize,
    pub(crate) controls: usize,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// The users that may log on where a PIN is asked for: with this name, or with none.
pub(crate) const USER: &str = "agent";

impl Simulated {
    pub(crate) async fn start(wanted: Wanted<'_>) -> Outcome<Self> {
        let mut scripts = Vec::new();
        let design = match wanted.design {
            Some(file) => Design::load(file).map_err(|error| {
                Failure::usage(error)
                    .hint("correct the design file, or leave --design out for the demo design")
            })?,
            None => {
                let demo = demo_design(&DemoOptions {
                    code_name: wanted.code_name.to_owned(),
                    churn_per_second: wanted.churn,
                    ..DemoOptions::default()
                });
                scripts = demo.scripts;
                demo.design
            }
        };
        let listener = TcpListener::bind(wanted.address).await.map_err(|error| {
            Failure::failed(format!("cannot listen on {}: {error}", wanted.address))
                .hint("give --qrc a free host:port; port 0 takes any free one")
        })?;
        let address = listener.local_addr()?;
        let mut options = CoreOptions::default();
        if let Some(pin) = wanted.pin {
            options = options.with_user("", pin).with_user(USER, pin);
        }
        let (name, components, controls) = (
            design.name.to_string(),
            design.components.len(),
            design.control_count(),
        );
        let core = Core::new(design, options);
        for script in scripts {
            core.add_script(script);
        }
        for fault in wanted.faults {
            core.faults().add(fault.clone());
        }
        let stop = CancellationToken::new();
        let (served, until) = (core.clone(), stop.clone());
        let serving = tokio::spawn(async move { served.serve(listener, until).await });
        Ok(Self {
            core,
            address,
            name,
            components,
            controls,
            stop,
            serving,
        })
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if let Ok(Err(error)) = self.serving.await {
            tracing::warn!("the simulated Core ended badly: {error}");
        }
    }
}
