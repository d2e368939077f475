//! A redundant pair of Cores: a client for each; the active Core is the one that counts.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::client::Client;
use crate::delivery::{self, EventSender};
use crate::error::Error;
use crate::link::Link;
use crate::method::Method;
use crate::names::Names;
use crate::options::Options;
use crate::watch::{Change, ControlId, Inventory, Selection, Watch, WatchEvent};

/// Two Cores with one design; one of them is active. A failover takes seconds (about 3 by hand, 10
/// by itself); meanwhile neither Core, or both, may report that they are active.
#[derive(Debug, Clone)]
pub struct Pair {
    clients: [Client; 2],
    reply_timeout: Duration,
}

impl Pair {
    /// Starts a client for each Core; see [`Client::start`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(first: Options, second: Options) -> Self {
        let reply_timeout = first.reply_timeout.max(second.reply_timeout);
        Self {
            clients: [Client::start(first), Client::start(second)],
            reply_timeout,
        }
    }

    /// The clients of both Cores, in the order given.
    #[must_use]
    pub fn clients(&self) -> &[Client; 2] {
        &self.clients
    }

    /// The client of the active Core, if there is one.
    #[must_use]
    pub fn active(&self) -> Option<&Client> {
        self.clients.iter().find(
            |client| matches!(&*client.link().borrow(), Link::Up(status) if status.is_active()),
        )
    }

    /// Calls a method of the active Core; waits for an active one, up to the reply timeout. A Core
    /// that answers that it is on standby has done nothing, so the other one is asked then.
    ///
    /// # Errors
    /// Same as [`Client::call`].
    pub async fn call<M: Method>(&self, params: &M) -> Result<M::Reply, Error> {
        let until = tokio::time::Instant::now() + self.reply_timeout;
        let [mut first, mut second] = [self.clients[0].link(), self.clients[1].link()];
        loop {
            first.borrow_and_update();
            second.borrow_and_update();
            let refused = match self.active() {
                Some(client) => match client.call_by(params, until).await {
                    Err(error) if error.code() == Some(crate::message::code::STANDBY) => error,
                    outcome => return outcome,
                },
                None => Error::NoLink {
                    why: "neither Core of the pair is active".to_owned(),
                },
            };
            let changed = async {
                // A client that was shut down is waited for no longer.
                tokio::select! {
                    Ok(()) = first.changed() => true,
                    Ok(()) = second.changed() => true,
                    else => false,
                }
            };
            match tokio::time::timeout_at(until, changed).await {
                Ok(true) => {}
                Ok(false) => return Err(Error::Closed),
                Err(_) => return Err(refused),
            }
        }
    }

    /// Watches the active Core. A control keeps its [`ControlId`] through a failover. A failover
    /// shows as a gap, followed by the full state. Uses change groups on both Cores.
    ///
    /// # Errors
    /// Same as [`Client::watch`].
    pub async fn watch(&self, selection: Selection) -> Result<Watch, Error> {
        let watches = [
            self.clients[0].watch(selection.clone()).await?,
            self.clients[1].watch(selection).await?,
        ];
        let (events, taken) = delivery::channel(1);
        let complete_until = Arc::default();
        tokio::spawn(follow(watches, events));
        Ok(Watch {
            events: taken,
            complete_until,
        })
    }

    /// Ends both connections and all watches, and returns when they have ended.
    pub async fn shutdown(&self) {
        tokio::join!(self.clients[0].shutdown(), self.clients[1].shutdown());
    }
}

/// Passes the leading Core's events on until the watch is dropped.
async fn follow([mut first, mut second]: [Watch; 2], events: EventSender<WatchEvent>) {
    let mut merged = Merged::default();
    loop {
        let (side, event) = tokio::select! {
            () = events.closed() => return,
            event = first.next() => (0, event),
            event = second.next() => (1, event),
        };
        let Some(event) = event else {
            return; // shut down
        };
        let complete_until = [first.complete_until(), second.complete_until()];
        for event in merged.take(side, event, complete_until) {
            let Some(permit) = events.permit(event.places()).await else {
                return;
            };
            if !events.send(event, permit) {
                return;
            }
        }
    }
}

/// One list of controls for both sides; no I/O.
#[derive(Debug, Default)]
struct Merged {
    inventory: Inventory,
    names: Names,
    /// For each side: its ids, as ids of the common list.
    ids: [Vec<ControlId>; 2],
    found: [Option<Arc<Inventory>>; 2],
    gap: Option<(SystemTime, String)>,
    leading: Option<usize>,
}

impl Merged {
    /// The events that follow from one side's event. The side that last sent its full state leads:
    /// that is the Core that became active last. `complete_until` is the moment up to which each
    /// side missed nothing.
    fn take(
        &mut self,
        side: usize,
        event: WatchEvent,
        complete_until: [SystemTime; 2],
    ) -> Vec<WatchEvent> {
        match event {
            WatchEvent::Inventory(found) => {
                self.found[side] = Some(found);
                Vec::new()
            }
            // Losses of the side that does not lead do not matter.
            WatchEvent::Lost { from, why } if self.leading == Some(side) => {
                self.gap.get_or_insert((from, why.clone()));
                vec![WatchEvent::Lost { from, why }]
            }
            WatchEvent::Gap { from, why, .. } if self.leading == Some(side) => {
                self.gap.get_or_insert((from, why));
                Vec::new()
            }
            WatchEvent::Lost { .. } | WatchEvent::Gap { .. } => Vec::new(),
            WatchEvent::State { at, readings } => {
                if let Some(led) = self.leading.filter(|led| *led != side) {
                    let why = "the other Core of the pair became active".to_owned();
                    self.gap.get_or_insert((complete_until[led].min(at), why));
                }
                self.leading = Some(side);
                let mut events = vec![WatchEvent::Inventory(self.merge(side))];
                if let Some((from, why)) = self.gap.take() {
                    events.push(WatchEvent::Gap { from, to: at, why });
                }
                let readings = readings
                    .into_iter()
                    .filter_map(|(id, reading)| Some((self.id(side, id)?, reading)))
                    .collect();
                events.push(WatchEvent::State { at, readings });
                events
            }
            WatchEvent::Changes { at, changes } if self.leading == Some(side) => {
                let changes = changes
                    .into_iter()
                    .filter_map(|change| {
                        let control = self.id(side, change.control)?;
                        Some(Change { control, ..change })
                    })
                    .collect();
                vec![WatchEvent::Changes { at, changes }]
            }
            WatchEvent::Changes { .. } => Vec::new(),
        }
    }

    fn id(&self, side: usize, id: ControlId) -> Option<ControlId> {
        self.ids[side].get(id.0 as usize).copied()
    }

    /// Takes one side's inventory into the list. A control that the list already has keeps its id.
    fn merge(&mut self, side: usize) -> Arc<Inventory> {
        if let Some(found) = self.found[side].take() {
            let list = &mut self.inventory.controls;
            for control in list.iter_mut() {
                control.present = false;
            }
            self.ids[side].clear();
            for control in &found.controls {
                let component = control.name.component.as_deref().unwrap_or_default();
                let previous = self.ids[side].last().copied();
                let known = self
                    .names
                    .find(list, component, &control.name.name, previous);
                let id = match known {
                    Some(id) => {
                        list[id.0 as usize] = control.clone();
                        id
                    }
                    None => {
                        let id = ControlId(u32::try_from(list.len()).unwrap_or(u32::MAX));
                        list.push(control.clone());
                        self.names.add(list, id);
                        id
                    }
                };
                self.ids[side].push(id);
            }
            self.inventory.status = found.status.clone();
            self.inventory.components.clone_from(&found.components);
            let aliases = found.aliases.iter();
            self.inventory.aliases = aliases
                .filter_map(|(alias, id)| Some((alias.clone(), self.id(side, *id)?)))
                .collect();
        }
        Arc::new(self.inventory.clone())
    }
}
