//! What goes out: calls with an id, and requests whose answer nobody waits for.

use std::time::Instant;

use bytes::Buf;
use tokio_util::codec::Encoder;

use super::state::{Connection, End};
use crate::error::Error;
use crate::message::Request;
use crate::method::{GroupId, Method, change_group};
use crate::request::Call;

impl Connection<'_> {
    /// A watch has ended: its groups end, too.
    pub(super) fn forget(&mut self, number: u32) {
        self.session.backlog.retain(|(watch, _)| *watch != number);
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
        let Call { params, due } = call;
        let id = self.pending.next_id();
        let frame = Request::new(id, due.method(), &*params).to_frame();
        let refused = match frame {
            Ok(frame) if frame.len() <= self.options.frame_limit => {
                if due.send() {
                    self.pending.add(id, due);
                    self.write(&frame);
                }
                return;
            }
            Ok(frame) => format!(
                "the request has {} bytes, more than a frame's limit of {}",
                frame.len(),
                self.options.frame_limit
            ),
            Err(error) => error.to_string(),
        };
        let what = due.method().to_owned();
        due.settle(Err(Error::BadRequest { what, why: refused }));
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
