//! What comes in: answers for callers, pushes for watches, and the Core's status.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::state::{Connection, End};
use crate::link::Link;
use crate::message::Incoming;
use crate::method::Method;
use crate::method::change_group::{self, AutoPoll};
use crate::method::session::{ENGINE_STATUS, EngineStatus};
use crate::push::Push;
use crate::watch_state::WatchState;

/// How long after an unreadable frame everything is read again.
const REREAD_WAIT: Duration = Duration::from_millis(250);

impl Connection<'_> {
    pub(super) fn receive(&mut self, frame: &Bytes) -> Option<End> {
        self.last_read = Instant::now();
        self.session.heard.now();
        if !self.session.backlog.is_empty() {
            self.ahead += frame.len();
        }
        if let Some(push) = Push::from_frame(frame) {
            self.receive_push(push);
            return None;
        }
        let incoming = match Incoming::parse(frame) {
            Ok(incoming) => incoming,
            Err(error) => {
                let start = String::from_utf8_lossy(&frame[..frame.len().min(80)]).into_owned();
                tracing::warn!("a frame cannot be read ({error}): {start}");
                self.read_again("a frame could not be read");
                return None;
            }
        };
        match incoming {
            Incoming::Response { id, outcome } => {
                let result = outcome.as_ref().ok().copied().flatten();
                let answered = self.pending.answer(id, outcome);
                // The Help shows pushes as results under the id of `AutoPoll`, the first of them as
                // its answer.
                if answered.is_none_or(|method| method == AutoPoll::NAME) {
                    self.receive_bare_push(result);
                }
            }
            Incoming::StrayResult(result) => self.receive_bare_push(Some(result)),
            Incoming::Notification {
                method,
                params: Some(params),
            } => match method.as_ref() {
                change_group::PUSH => match Push::from_params(params.get()) {
                    Ok(push) => self.receive_push(push),
                    Err(error) => {
                        tracing::warn!("a push cannot be read: {error}");
                        self.read_again("a push could not be read");
                    }
                },
                ENGINE_STATUS => match serde_json::from_str(params.get()) {
                    Ok(status) => self.receive_status(status),
                    Err(error) => tracing::warn!("EngineStatus cannot be read: {error}"),
                },
                _ => {}
            },
            Incoming::StrayError(error) => tracing::warn!("{error}"),
            Incoming::Notification { .. } | Incoming::Other => {}
        }
        None
    }

    /// A result that may be a push. Most results that nobody waits for are late answers.
    fn receive_bare_push(&mut self, result: Option<&RawValue>) {
        if let Some(push) = result.and_then(|result| Push::from_params(result.get()).ok()) {
            self.receive_push(push);
        }
    }

    fn receive_push(&mut self, push: Push<'_>) {
        let watches = &mut self.session.watches;
        let Some(watch) = watches
            .iter_mut()
            .find(|watch| watch.owns_group(&push.group))
        else {
            return;
        };
        let number = watch.number();
        if let Some(event) = watch.push(push, SystemTime::now()) {
            self.session.backlog.push_back((number, event));
        }
    }

    /// An unreadable frame may have held changes, so all watches read everything again and report a
    /// gap. They wait a little first: a Core that keeps sending such frames must not keep them
    /// busy.
    fn read_again(&mut self, why: &str) {
        if self.session.watches.iter().any(WatchState::is_live) {
            self.session.lost(why);
            self.setup_again = Instant::now() + REREAD_WAIT;
        }
    }

    fn receive_status(&mut self, status: EngineStatus) {
        let was = self.status.replace(status.clone());
        if let Some(was) = was.filter(|_| self.greeted) {
            let why = if was.is_active() && !status.is_active() {
                Some(format!("the Core went to {}", status.state.word()))
            } else if was.design_code != status.design_code {
                Some("another design was loaded".to_owned())
            } else {
                None
            };
            if let Some(why) = why {
                self.session.lost(&why);
            }
            self.session.set_link(Link::Up(status));
        }
    }
}
