//! The steps of a page in time, and what connections hear of pages and zones.

use std::time::Duration;

use super::call;
use super::pages::{Mode, PLAYING, Page, Phase, SECOND};
use super::state::Engine;
use crate::groups::ConnectionId;
use crate::number::{push_integer, push_text};
use crate::sink::Sink;
use crate::wall;

impl Engine {
    /// When the next page has something to do.
    pub(super) fn next_page_step(&self) -> Option<Duration> {
        self.pages.pages.values().filter_map(|page| page.due).min()
    }

    /// Moves on the pages that are due.
    pub(super) fn advance_pages(&mut self, sink: &mut dyn Sink) {
        let due: Vec<i64> = (self.pages.pages.iter())
            .filter(|(_, page)| page.due.is_some_and(|due| due <= self.now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.page_step(id, sink);
        }
    }

    /// Ends the pages of a connection.
    pub(super) fn forget_pages_of(&mut self, connection: ConnectionId) {
        self.pages.listeners.remove(&connection);
        self.pages
            .pages
            .retain(|_, page| page.connection != connection);
    }

    pub(super) fn is_busy(&self, page: &Page) -> bool {
        self.pages.pages.values().any(|other| {
            other.sounds()
                && other.priority <= page.priority
                && other.zones.iter().any(|zone| page.zones.contains(zone))
        })
    }

    /// Moves a page one step on: because it is due, or by a start, a stop or a proceed.
    pub(super) fn page_step(&mut self, id: i64, sink: &mut dyn Sink) {
        let Some(page) = self.pages.pages.get(&id) else {
            return;
        };
        if matches!(page.phase, Phase::Ready { .. }) && self.is_busy(page) {
            if page.queued_until.is_some_and(|until| until <= self.now) {
                return self.page_end(id, "timeout", "Zones were not free in time", sink);
            }
            self.report_page(id, "ready", "queued", "Waiting for zones", None, sink);
            if let Some(page) = self.pages.pages.get_mut(&id) {
                page.due = Some(self.now + SECOND);
            }
            return;
        }
        let now = self.now;
        let Some(page) = self.pages.pages.get_mut(&id) else {
            return;
        };
        let past_input = if page.cancel_delay > 0 {
            Phase::Cancel {
                left: page.cancel_delay,
            }
        } else {
            Phase::Output
        };
        let input = match page.mode {
            Mode::Live | Mode::Auto => Phase::Live { left: page.longest },
            Mode::Delay => Phase::Record { left: page.longest },
            Mode::Message => past_input,
        };
        let next = match page.phase {
            Phase::Ready { .. } if page.preamble => Phase::Preamble,
            Phase::Ready { .. } | Phase::Preamble => input,
            Phase::Live { left: Some(left) } if left > 1 => Phase::Live {
                left: Some(left - 1),
            },
            Phase::Record { left: Some(left) } if left > 1 => Phase::Record {
                left: Some(left - 1),
            },
            Phase::Record { .. } => past_input,
            Phase::Cancel { left } if left > 1 && page.due.is_some_and(|due| due <= now) => {
                Phase::Cancel { left: left - 1 }
            }
            Phase::Cancel { .. } => Phase::Output,
            Phase::Live { .. } => return self.page_end(id, "success", "Page complete", sink),
            Phase::Output => return self.page_end(id, "success", "Playback complete", sink),
        };
        let sounded = page.sounds();
        page.phase = next;
        page.due = match next {
            Phase::Preamble | Phase::Output => Some(now + PLAYING),
            Phase::Live { left } | Phase::Record { left } => left.map(|_| now + SECOND),
            Phase::Cancel { .. } => Some(now + SECOND),
            Phase::Ready { .. } => None,
        };
        let (state, sub_state, message, count) = match next {
            Phase::Ready { .. } => ("ready", "immediate", "Ready to page", None),
            Phase::Preamble => ("wait", "preamble", "Playing preamble", None),
            Phase::Live { left } => ("input", "live", "Live", Some(left.unwrap_or(0))),
            Phase::Record { left } => ("input", "record", "Recording", Some(left.unwrap_or(0))),
            Phase::Cancel { left } => ("wait", "cancel", "Waiting to playback", Some(left)),
            Phase::Output => ("output", "output", "Playing message", None),
        };
        let starts = !sounded && page.sounds();
        let priority = page.priority;
        let zones = if starts {
            page.zones.clone()
        } else {
            Vec::new()
        };
        let weaker: Vec<i64> = (self.pages.pages.iter())
            .filter(|(_, other)| other.priority > priority && other.sounds())
            .filter(|(_, other)| other.zones.iter().any(|zone| zones.contains(zone)))
            .map(|(id, _)| *id)
            .collect();
        for other in weaker {
            self.page_end(other, "interrupt", "Interrupted by a higher priority", sink);
        }
        self.report_page(id, state, sub_state, message, count, sink);
        self.report_zones(&zones, sink);
    }

    pub(super) fn page_end(
        &mut self,
        id: i64,
        sub_state: &str,
        message: &str,
        sink: &mut dyn Sink,
    ) {
        self.report_page(id, "done", sub_state, message, None, sink);
        if let Some(page) = self.pages.pages.remove(&id)
            && page.sounds()
        {
            self.report_zones(&page.zones, sink);
        }
    }

    fn report_page(
        &self,
        id: i64,
        state: &str,
        sub_state: &str,
        message: &str,
        count: Option<u64>,
        sink: &mut dyn Sink,
    ) {
        if let Some(page) = self.pages.pages.get(&id) {
            sink.send(
                page.connection,
                page_status(id, state, sub_state, message, count),
            );
        }
    }

    pub(super) fn report_page_later(
        &mut self,
        id: i64,
        state: &str,
        sub_state: &str,
        message: &str,
    ) {
        if let Some(page) = self.pages.pages.get(&id) {
            let frame = page_status(id, state, sub_state, message, None);
            self.later(page.connection, frame);
        }
    }

    fn report_zones(&self, zones: &[usize], sink: &mut dyn Sink) {
        for zone in zones {
            for listener in &self.pages.listeners {
                sink.send(*listener, self.zone_status(*zone));
            }
        }
    }

    pub(super) fn zone_status(&self, zone: usize) -> Vec<u8> {
        let on = self
            .pages
            .pages
            .iter()
            .find(|(_, page)| page.sounds() && page.zones.contains(&zone));
        let mut frame =
            b"{\"jsonrpc\":\"2.0\",\"method\":\"PA.ZoneStatus\",\"params\":{\"Time\":".to_vec();
        push_text(&mut frame, &wall::iso(self.options.epoch, self.now));
        frame.extend_from_slice(
            format!(",\"Zone\":{},\"Active\":{}", zone + 1, on.is_some()).as_bytes(),
        );
        if let Some((id, page)) = on {
            let names = self.design.paging.as_ref().map(|paging| &paging.priorities);
            let name = names.and_then(|names| names.get(page.priority - 1));
            frame.extend_from_slice(
                format!(",\"Priority\":{},\"PriorityName\":", page.priority).as_bytes(),
            );
            push_text(&mut frame, name.map_or("", |name| name));
            frame.extend_from_slice(b",\"Station\":");
            push_text(&mut frame, &page.station);
            frame.extend_from_slice(format!(",\"PageID\":{id}").as_bytes());
            if let Some(message) = &page.message {
                frame.extend_from_slice(b",\"Message\":");
                push_text(&mut frame, message);
            }
        }
        frame.extend_from_slice(b"}}");
        call::finish(frame)
    }
}

fn page_status(
    id: i64,
    state: &str,
    sub_state: &str,
    message: &str,
    count: Option<u64>,
) -> Vec<u8> {
    let mut frame =
        b"{\"jsonrpc\":\"2.0\",\"method\":\"PA.PageStatus\",\"params\":{\"State\":".to_vec();
    push_text(&mut frame, state);
    frame.extend_from_slice(b",\"Message\":");
    push_text(&mut frame, message);
    if let Some(count) = count {
        frame.extend_from_slice(b",\"Count\":");
        push_integer(&mut frame, count as i64);
    }
    frame.extend_from_slice(b",\"SubState\":");
    push_text(&mut frame, sub_state);
    frame.extend_from_slice(b",\"PageID\":");
    push_integer(&mut frame, id);
    frame.extend_from_slice(b"}}");
    call::finish(frame)
}
