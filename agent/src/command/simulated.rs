//! The simulated Core of `demo` and `emulate`: a design, its plugin and the life in the room, over TCP,
//! and the plugin's panel in a browser.

use std::net::SocketAddr;
use std::path::Path;

use qrc_sim::{Core, CoreOptions, Design, Fault, Script};
use qsys_designs::page::{self, Preview};
use qsys_designs::{DemoOptions, Placed, built_plugin, demo_room, place_plugin};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::command::output::Output;
use crate::failure::{Failure, Outcome};

/// No plugin is nearly this long; most of a long one is pictures.
const LONGEST_PLUGIN: u64 = 32 << 20;

/// What to simulate.
pub(crate) struct Wanted<'a> {
    /// Where to listen, `host:port`.
    pub(crate) address: &'a str,
    /// Where to serve the panel's page, if at all.
    pub(crate) panel: Option<&'a str>,
    /// Instead of the demo design. Nothing moves in such a design, and it has no plugin but `plugin`.
    pub(crate) design: Option<&'a Path>,
    /// Instead of the recovery plugin.
    pub(crate) plugin: Option<&'a Path>,
    pub(crate) code_name: &'a str,
    pub(crate) pin: Option<&'a str>,
    pub(crate) churn: f64,
    pub(crate) faults: &'a [Fault],
}

/// A simulated Core that is being served.
pub(crate) struct Simulated {
    pub(crate) core: Core,
    pub(crate) address: SocketAddr,
    /// Where the panel's page is.
    panel: Option<SocketAddr>,
    pub(crate) name: String,
    pub(crate) components: usize,
    pub(crate) controls: usize,
    stop: CancellationToken,
    serving: Vec<JoinHandle<std::io::Result<()>>>,
}

/// If a PIN is asked for, clients may log on with this name or with none.
pub(crate) const USER: &str = "agent";

impl Simulated {
    pub(crate) async fn start(wanted: Wanted<'_>) -> Outcome<Self> {
        let mut scripts: Vec<Box<dyn Script>> = Vec::new();
        let mut design = match wanted.design {
            Some(file) => Design::load(file).map_err(|error| {
                Failure::usage(error)
                    .hint("correct the design file, or leave --design out for the demo design")
            })?,
            None => {
                let (design, life) = demo_room(&DemoOptions {
                    code_name: wanted.code_name.to_owned(),
                    churn_per_second: wanted.churn,
                    ..DemoOptions::default()
                });
                scripts.push(life);
                design
            }
        };
        let placed = placed(&wanted, &mut design)?;
        if placed.is_none() && wanted.panel.is_some() {
            return Err(
                Failure::usage("this design has no plugin whose panel could be shown")
                    .hint("add --plugin FILE.qplug, or leave --panel out"),
            );
        }
        let listener = listen("--qrc", wanted.address).await?;
        let address = listener.local_addr()?;
        let panel_listener = match wanted.panel {
            Some(address) => Some(listen("--panel", address).await?),
            None => None,
        };
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
        let shown = placed.map(|placed| {
            scripts.insert(0, Box::new(placed.host));
            (placed.panel, placed.view)
        });
        for script in scripts {
            core.add_script(script);
        }
        for fault in wanted.faults {
            core.faults().add(fault.clone());
        }
        let stop = CancellationToken::new();
        let (served, until) = (core.clone(), stop.clone());
        let mut serving = vec![tokio::spawn(
            async move { served.serve(listener, until).await },
        )];
        let mut panel_at = None;
        if let Some((listener, (panel, view))) = panel_listener.zip(shown) {
            panel_at = Some(listener.local_addr()?);
            let preview = Preview {
                core: core.clone(),
                code_name: wanted.code_name.to_owned(),
                panel,
                view,
            };
            serving.push(tokio::spawn(page::serve(listener, preview, stop.clone())));
        }
        Ok(Self {
            core,
            address,
            panel: panel_at,
            name,
            components,
            controls,
            stop,
            serving,
        })
    }

    /// Says where it listens, each on a line of its own, and who else can reach the panel.
    pub(crate) fn tell_addresses(&self, output: Output) {
        output.address(format!("qrc listening on {}", self.address));
        let Some(panel) = self.panel else {
            return;
        };
        output.address(format!("panel on http://{panel}"));
        if !panel.ip().is_loopback() {
            output.warning(
                "the panel page asks for no password: everybody who reaches this address can press \
                 its buttons. Use 127.0.0.1 unless this network is closed.",
            );
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for serving in self.serving {
            if let Ok(Err(error)) = serving.await {
                tracing::warn!("the simulated Core ended badly: {error}");
            }
        }
    }
}

/// The plugin in the design: the one named, the recovery plugin in the demo design, or none.
fn placed(wanted: &Wanted<'_>, design: &mut Design) -> Outcome<Option<Placed>> {
    let Some(file) = wanted.plugin else {
        if wanted.design.is_some() {
            return Ok(None);
        }
        let own = place_plugin(design, wanted.code_name, &built_plugin());
        return own.map(Some).map_err(Failure::failed);
    };
    let named =
        |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", file.display()));
    let length = std::fs::metadata(file).map_err(|error| {
        named(&error).hint("give --plugin the .qplug file that Designer would load")
    })?;
    if length.len() > LONGEST_PLUGIN {
        return Err(named(&format!(
            "{} bytes; expected a plugin of at most {LONGEST_PLUGIN}",
            length.len()
        )));
    }
    let source = std::fs::read(file).map_err(|error| named(&error))?;
    // Designer, too, takes a byte-order mark and stray bytes of another encoding.
    let source = String::from_utf8_lossy(&source);
    let source = source.trim_start_matches('\u{feff}');
    place_plugin(design, wanted.code_name, source)
        .map(Some)
        .map_err(|error| named(&error).hint("Designer would not place this plugin either"))
}

async fn listen(flag: &str, address: &str) -> Outcome<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed(format!("cannot listen on {address}: {error}")).hint(format!(
            "give {flag} a free host:port; port 0 takes any free one"
        ))
    })
}
