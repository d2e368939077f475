//! The Core that is recorded: one, or a redundant pair of which the active one counts.

mod plugin;

use std::time::SystemTime;

use qrc::{Client, Link, Method, Pair, Selection, Watch};
use tokio::sync::watch;

pub(crate) use plugin::Plugin;

use crate::settings;

/// The connection to the Core, or to both of a pair.
pub(crate) enum Core {
    One { host: String, client: Client },
    Two { hosts: [String; 2], pair: Pair },
}

impl Core {
    /// Connects to `host`, and to its partner where one is set.
    pub(crate) fn start(host: &str, settings: &settings::Core) -> Self {
        let options = |host: &str| {
            let mut options = qrc::Options::new(host, settings.port);
            if let Some(pin) = &settings.pin {
                options.credentials = Some(qrc::Credentials::new(&settings.user, &pin.0));
            }
            options
        };
        match &settings.backup_host {
            None => Self::One {
                host: host.to_owned(),
                client: Client::start(options(host)),
            },
            Some(partner) => Self::Two {
                hosts: [host.to_owned(), partner.clone()],
                pair: Pair::start(options(host), options(partner)),
            },
        }
    }

    /// Asks the active Core.
    pub(crate) async fn call<M: Method + Sync>(&self, params: &M) -> Result<M::Reply, qrc::Error> {
        match self {
            Self::One { client, .. } => client.call(params).await,
            Self::Two { pair, .. } => pair.call(params).await,
        }
    }

    /// Watches the active Core.
    pub(crate) async fn watch(&self, selection: Selection) -> Result<Watch, qrc::Error> {
        match self {
            Self::One { client, .. } => client.watch(selection).await,
            Self::Two { pair, .. } => pair.watch(selection).await,
        }
    }

    /// Each Core's host and link.
    pub(crate) fn links(&self) -> Vec<(String, watch::Receiver<Link>)> {
        match self {
            Self::One { host, client } => vec![(host.clone(), client.link())],
            Self::Two { hosts, pair } => {
                let links = pair.clients().iter().map(Client::link);
                hosts.iter().cloned().zip(links).collect()
            }
        }
    }

    /// The host and link that count: those of the active Core, else of one that answers, else of the first.
    pub(crate) fn link(&self) -> (String, Link) {
        let rank = |link: &Link| match link {
            Link::Up(core) if core.is_active() => 0,
            Link::Up(_) => 1,
            _ => 2,
        };
        let links = self.links().into_iter();
        let seen = links.map(|(host, link)| (host, link.borrow().clone()));
        // Of equals the first; there is always at least one.
        seen.min_by_key(|(_, link)| rank(link))
            .unwrap_or_else(|| (String::new(), Link::Closed))
    }

    /// When the Core that counts was heard last.
    pub(crate) fn heard(&self) -> Option<SystemTime> {
        match self {
            Self::One { client, .. } => client.heard(),
            Self::Two { pair, .. } => pair.active()?.heard(),
        }
    }

    /// Ends the connections and all watches, and waits until that is done.
    pub(crate) async fn shutdown(&self) {
        match self {
            Self::One { client, .. } => client.shutdown().await,
            Self::Two { pair, .. } => pair.shutdown().await,
        }
    }
}
