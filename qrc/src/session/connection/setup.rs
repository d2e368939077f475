//! The connection's own work, one piece at a time: greet the Core, set watches up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::{Connection, End, SETUP_RETRY};
use crate::discover::{self, Found, FoundGroup};
use crate::error::Error;
use crate::link::Link;
use crate::message::code;
use crate::method::Method;
use crate::method::session::{EngineStatus, Logon, StatusGet};
use crate::options::Options;
use crate::request::Requester;

pub(super) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What a piece of the connection's own work brought.
pub(super) enum Done {
    Greeted(Result<EngineStatus, Error>),
    Discovered {
        watch: u32,
        result: Result<Box<Found>, Error>,
    },
    Armed(Result<(), Error>),
}

impl Connection<'_> {
    /// Sets the next watch up that needs it, if nothing else is under way.
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
                self.session.tell(Link::Up(status));
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
            self.session.untold.push_back((number, event));
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
            // A Core that answers, but not this: a standby partner, a design just being
            // replaced. Groups half made are made anew.
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

/// Logs on where credentials are set, then asks how the Core is.
pub(super) async fn greet(core: Requester, options: Arc<Options>) -> Done {
    let greeting = async {
        if let Some(credentials) = &options.credentials {
            let logon = Logon {
                user: credentials.user.clone(),
                pin: credentials.pin.clone(),
            };
            let answer = core.call(&logon).await?;
            if answer != serde_json::Value::Bool(true) {
                return Err(Error::Refused {
                    method: Logon::NAME.to_owned(),
                    error: crate::message::RpcError {
                        code: code::LOGON_REQUIRED,
                        message: format!("Logon was answered by {answer}"),
                    },
                });
            }
        }
        core.call(&StatusGet).await
    };
    Done::Greeted(greeting.await)
}

/// The end of the work under way, or never.
pub(super) async fn next(work: &mut Option<Work>) -> Done {
    match work {
        Some(running) => {
            let done = running.await;
            *work = None;
            done
        }
        None => std::future::pending().await,
    }
}
