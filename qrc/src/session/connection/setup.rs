//! Set-up of a connection: starts each piece of its own work and uses the result.

use std::time::{Duration, Instant, SystemTime};

use super::state::{Connection, End};
use super::work::Done;
use crate::discover::{self, Found, FoundGroup};
use crate::error::Error;
use crate::link::Link;
use crate::message::code;
use crate::method::session::EngineStatus;

/// How long to wait before a watch that could not be set up is tried again.
const SETUP_RETRY: Duration = Duration::from_secs(2);

impl Connection<'_> {
    /// Starts to set up the next watch that needs it, unless other work is under way.
    pub(super) fn begin_setup(&mut self) {
        let active = self.status.as_ref().is_some_and(EngineStatus::is_active);
        if self.work.is_some() || !self.greeted || !active || self.setup_again > Instant::now() {
            return;
        }
        if let Some(watch) = self.session.watches.iter().find(|watch| !watch.is_live()) {
            let wanted = watch.wanted.clone();
            let core = self.own.clone();
            self.work = Some(Box::pin(async move {
                let result = discover::discover(&core, &wanted).await.map(Box::new);
                Done::Discovered {
                    watch: wanted.number,
                    result,
                }
            }));
        }
    }

    pub(super) fn finish(&mut self, done: Done) -> Option<End> {
        match done {
            Done::Greeted(Ok(status)) => {
                self.greeted = true;
                let status = self.status.clone().unwrap_or(status);
                self.status = Some(status.clone());
                self.session.set_link(Link::Up(status));
                None
            }
            Done::Discovered {
                watch,
                result: Ok(found),
            } => self.install(watch, *found),
            Done::Armed(Ok(())) => None,
            Done::Greeted(Err(error))
            | Done::Discovered {
                result: Err(error), ..
            }
            | Done::Armed(Err(error)) => self.failed(&error),
        }
    }

    fn install(&mut self, number: u32, found: Found) -> Option<End> {
        let status = self.status.clone().unwrap_or_default();
        let watches = &mut self.session.watches;
        let watch = watches.iter_mut().find(|watch| watch.number() == number)?;
        let groups: Vec<FoundGroup> = found.groups.clone();
        for event in watch.install(found, status, SystemTime::now()) {
            self.session.backlog.push_back((number, event));
        }
        let core = self.own.clone();
        self.work = Some(Box::pin(async move {
            Done::Armed(discover::arm(&core, &groups).await)
        }));
        None
    }

    fn failed(&mut self, error: &Error) -> Option<End> {
        match error.code() {
            Some(code::LOGON_REQUIRED) => Some(End::Refused {
                reason: match self.options.credentials {
                    Some(_) => "the Core does not accept this user and PIN".to_owned(),
                    None => "the Core asks for a user and PIN".to_owned(),
                },
            }),
            // The Core answers, but refuses this: it stands by, or its design is being replaced.
            // Groups that are half set up are made again.
            Some(_) => {
                tracing::warn!("setting up: {error}");
                self.session.lost(&error.to_string());
                self.setup_again = Instant::now() + SETUP_RETRY;
                (!self.greeted).then(|| self.lost(error))
            }
            None => Some(self.lost(error)),
        }
    }
}
