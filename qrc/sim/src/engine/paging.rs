//! PA.*: submits and controls pages, reports zones. Each page reports to the connection that submitted it.

use std::collections::BTreeSet;
use std::time::Duration;

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::Value;

use super::call::{Answer, Call, Refusal};
use super::pages::{Mode, Page, Phase, SECOND};
use super::state::Engine;
use crate::sink::Sink;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Submit {
    mode: String,
    #[serde(default)]
    zones: Vec<Value>,
    #[serde(default)]
    zone_tags: Vec<String>,
    priority: i64,
    #[serde(default)]
    station: Option<Value>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    preamble: Option<String>,
    #[serde(default)]
    start: Option<bool>,
    #[serde(default)]
    queue_timeout: Option<f64>,
    #[serde(default)]
    max_page_time: Option<f64>,
    #[serde(default)]
    cancel_delay: Option<f64>,
}

#[derive(Deserialize)]
struct PageId {
    #[serde(rename = "PageID")]
    page: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configure {
    enabled: bool,
}

impl Engine {
    pub(super) fn page_submit(
        &mut self,
        call: Call<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Refusal> {
        let bad = |problem: &str| Refusal::new(1, format!("bad parameters: {problem}"));
        let wanted: Submit = call.read().map_err(|_| {
            bad("`Mode`, `Priority` and a list of `Zones` or `ZoneTags` were expected")
        })?;
        let Some(paging) = &self.design.paging else {
            return Err(Refusal::new(
                3,
                "page request could not be created: the design has no paging",
            ));
        };
        let mode = match wanted.mode.as_str() {
            "live" => Mode::Live,
            "delay" => Mode::Delay,
            "auto" => Mode::Auto,
            "message" => Mode::Message,
            _ => return Err(bad("`Mode` is live, delay, auto or message")),
        };
        let mut zones = BTreeSet::new();
        for zone in &wanted.zones {
            let found = match zone {
                Value::Number(number) => number
                    .as_u64()
                    .and_then(|number| usize::try_from(number).ok()?.checked_sub(1))
                    .filter(|index| *index < paging.zones.len()),
                Value::String(name) => paging.zones.iter().position(|zone| zone.name == *name),
                _ => None,
            };
            zones.insert(found.ok_or_else(|| bad(&format!("zone {zone} does not exist")))?);
        }
        for (index, zone) in paging.zones.iter().enumerate() {
            if wanted
                .zone_tags
                .iter()
                .any(|tag| zone.tags.contains(&tag.as_str().into()))
            {
                zones.insert(index);
            }
        }
        if zones.is_empty() {
            return Err(bad("no zone is meant by `Zones` and `ZoneTags`"));
        }
        let count = paging.priorities.len();
        let priority = match usize::try_from(wanted.priority) {
            Ok(priority) if (1..=count).contains(&priority) => priority,
            _ => return Err(bad(&format!("`Priority` is 1 to {count}"))),
        };
        if mode == Mode::Message {
            let message = wanted.message.as_deref().unwrap_or_default();
            if !paging.messages.iter().any(|known| known == message) {
                return Err(Refusal::new(4, "Message file does not exist"));
            }
        }
        let station = match wanted.station {
            Some(Value::String(name)) => name.into(),
            Some(Value::Number(number)) => number.to_string().into(),
            _ if mode == Mode::Message => CompactString::default(),
            _ => return Err(bad("`Station` is missing")),
        };
        let seconds = |time: Option<f64>| time.filter(|time| *time > 0.0).map(|time| time as u64);
        self.pages.last += 1;
        let id = self.pages.last;
        let page = Page {
            connection: call.connection,
            mode,
            zones: zones.into_iter().collect(),
            priority,
            station,
            message: wanted.message.map(Into::into),
            preamble: wanted.preamble.is_some_and(|file| !file.is_empty()),
            cancel_delay: seconds(wanted.cancel_delay).unwrap_or(0),
            longest: seconds(wanted.max_page_time),
            queued_until: seconds(wanted.queue_timeout)
                .map(|seconds| self.now + Duration::from_secs(seconds)),
            phase: Phase::Ready {
                started: wanted.start == Some(true),
            },
            due: None,
        };
        let busy = self.is_busy(&page);
        if busy && wanted.queue_timeout == Some(-1.0) {
            return Err(Refusal::new(
                3,
                "page request could not be created: zones are in use",
            ));
        }
        self.pages.pages.insert(id, page);
        out.extend_from_slice(format!("{{\"PageID\":{id}}}").as_bytes());
        let sub_state = if busy { "queued" } else { "immediate" };
        self.report_page_later(id, "ready", sub_state, "Ready to page");
        if let (Some(true), Some(page)) = (wanted.start, self.pages.pages.get_mut(&id)) {
            page.due = Some(if busy { self.now + SECOND } else { self.now });
        }
        Ok(Answer::Written)
    }

    /// PA.PageStart, Stop, Cancel and Proceed. The page's status goes out before the "OK".
    pub(super) fn page_control(
        &mut self,
        method: &str,
        call: Call<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Answer, Refusal> {
        let wanted: PageId = call.read()?;
        let Some(page) = self.pages.pages.get_mut(&wanted.page) else {
            return Err(Refusal::new(
                2,
                format!("unknown page request {}", wanted.page),
            ));
        };
        match (method, page.phase) {
            ("PA.PageStart", Phase::Ready { .. }) => {
                page.phase = Phase::Ready { started: true };
                self.page_step(wanted.page, sink);
            }
            ("PA.PageStop", Phase::Live { .. } | Phase::Output) => {
                self.page_end(wanted.page, "success", "Page complete", sink);
            }
            ("PA.PageStop" | "PA.PageProceed", Phase::Record { .. } | Phase::Cancel { .. }) => {
                self.page_step(wanted.page, sink);
            }
            ("PA.PageStop", _) | ("PA.PageCancel", _) => {
                self.page_end(wanted.page, "cancel", "Page cancelled", sink);
            }
            _ => {}
        }
        Ok(Answer::Ok)
    }

    pub(super) fn zone_status_configure(
        &mut self,
        call: Call<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Answer, Refusal> {
        let wanted: Configure = call.read()?;
        if !wanted.enabled {
            self.pages.listeners.remove(&call.connection);
            return Ok(Answer::Ok);
        }
        self.pages.listeners.insert(call.connection);
        for zone in 0..self
            .design
            .paging
            .as_ref()
            .map_or(0, |paging| paging.zones.len())
        {
            sink.send(call.connection, self.zone_status(zone));
        }
        Ok(Answer::Ok)
    }

    pub(super) fn paging_config(&mut self, out: &mut Vec<u8>) -> Result<Answer, Refusal> {
        let none = crate::design::Paging::default();
        let paging = self.design.paging.as_ref().unwrap_or(&none);
        let tags: BTreeSet<&CompactString> =
            paging.zones.iter().flat_map(|zone| &zone.tags).collect();
        let guid = |kind: u8, index: usize| format!("00000000-0000-4000-8{kind:03x}-{index:012x}");
        let tag = |name: &CompactString| {
            let index = tags.iter().position(|tag| *tag == name).unwrap_or(0);
            serde_json::json!({"Guid": guid(1, index), "Name": name})
        };
        let priorities: Vec<Value> = (paging.priorities.iter().enumerate())
            .map(|(index, name)| {
                serde_json::json!({
                    "Archive": false, "Color": "#FF0000FF", "Guid": guid(2, index), "Name": name,
                    "Retry": false, "Split": false,
                })
            })
            .collect();
        let zones: Vec<Value> = (paging.zones.iter().enumerate())
            .map(|(index, zone)| {
                serde_json::json!({
                    "Group": zone.group, "Index": (index + 1).to_string(), "IsLocal": true,
                    "Name": zone.name, "Tags": zone.tags.iter().map(tag).collect::<Vec<_>>(),
                })
            })
            .collect();
        let tags: Vec<Value> = tags.iter().map(|name| tag(name)).collect();
        let config = serde_json::json!({"Priorities": priorities, "Tags": tags, "Zones": zones});
        out.extend_from_slice(config.to_string().as_bytes());
        Ok(Answer::Written)
    }
}
