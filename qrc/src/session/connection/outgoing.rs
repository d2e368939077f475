//! What goes out: calls under an id, and requests whose answer nobody waits for.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Buf;
use tokio_util::codec::Encoder;

use super::{Connection, End};
use crate::error::Error;
use crate::message::Request;
use crate::method::{GroupId, Method, change_group};
use crate::request::Call;

impl Connection<'_> {
    /// Nobody takes a watch's events any more: its groups go, too.
    pub(super) fn forget(&mut self, number: u32) {
        self.session.untold.retain(|(watch, _)| *watch != number);
        let Some(at) = self
            .session
            .watches
            .iter()
            .position(|watch| watch.number() == number)
        else {
            return;
        };
        let watch = self.session.watches.swap_remove(at);
        for id in watch.group_ids() {
            self.send_unasked(&change_group::Destroy {
                id: GroupId::Text(id),
            });
        }
    }

    pub(super) fn send(&mut self, call: Call) {
        if !call.is_wanted() {
            return;
        }
        let Call {
            method,
            params,
            deadline,
            sent,
            answer,
        } = call;
        let id = self.pending.next_id();
        let frame = Request::new(id, &method, &*params).to_frame();
        let refused = match frame {
            Ok(frame) if frame.len() <= self.options.frame_limit => {
                sent.store(true, Ordering::Release);
                self.pending.add(id, method, deadline, answer);
                self.write(&frame);
                return;
            }
            Ok(frame) => format!(
                "the request has {} bytes, more than a frame's limit of {}",
                frame.len(),
                self.options.frame_limit
            ),
            Err(error) => error.to_string(),
        };
        // A caller that has gone away needs no answer.
        let _ = answer.send(Err(Error::BadRequest {
            what: method,
            why: refused,
        }));
    }

    /// A request whose answer nobody waits for.
    pub(super) fn send_unasked<M: Method>(&mut self, params: &M) {
        let id = self.pending.next_id();
        if let Ok(frame) = Request::new(id, M::NAME, params).to_frame() {
            self.write(&frame);
        }
    }

    fn write(&mut self, frame: &[u8]) {
        // Encoding to memory cannot fail.
        let _ = self.codec.encode(frame, &mut self.unwritten);
        self.last_written = Instant::now();
    }

    pub(super) fn written(&mut self, written: std::io::Result<usize>) -> Option<End> {
        match written {
            Ok(0) => Some(self.lost("the Core takes no more bytes")),
            Ok(count) => {
                self.unwritten.advance(count);
                None
            }
            Err(error) => Some(self.lost(error)),
        }
    }
}
