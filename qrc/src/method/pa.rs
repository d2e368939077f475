//! Paging: pages, their progress, and zones (Q-SYS calls it the PA Remote API).

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method};

/// The name of the push about a page of this connection; see [`PageStatus`].
pub const PAGE_STATUS: &str = "PA.PageStatus";
/// The name of the push about a zone; see [`ZoneStatus`].
pub const ZONE_STATUS: &str = "PA.ZoneStatus";

/// `PA.PageSubmit`: submits a page. Without `start` it waits for [`PageStart`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PageSubmit {
    /// The kind of the page.
    pub mode: PageMode,
    /// Zones by number or name. Give at least one zone or tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Zone>,
    /// Zones by tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zone_tags: Vec<CompactString>,
    /// The priority, from 1, which is the highest.
    pub priority: u32,
    /// The page station; required except for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<CompactString>,
    /// The file to play; required for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<CompactString>,
    /// A text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<CompactString>,
    /// The file to play before the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preamble: Option<CompactString>,
    /// Whether to delete the message's file afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_delete: Option<bool>,
    /// Whether to start at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<bool>,
    /// How many seconds to wait in the queue; 0 waits without limit, -1 not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_timeout: Option<f64>,
    /// Whether to keep a recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<bool>,
    /// Whether to begin in the zones that are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<bool>,
    /// Whether to go on in the remaining zones when another page takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_on_interrupt: Option<bool>,
    /// How many times to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<u32>,
    /// The longest time for the page, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_page_time: Option<f64>,
    /// For how many seconds the page can still be cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_delay: Option<f64>,
    /// Who asked; the Core's default is `QRAPI`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator: Option<CompactString>,
}

impl Method for PageSubmit {
    const NAME: &'static str = "PA.PageSubmit";
    type Reply = Submitted;
}

/// The kind of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageMode {
    /// Spoken and heard at once.
    Live,
    /// Recorded, then played.
    Delay,
    /// Live if the zones are free; recorded otherwise.
    Auto,
    /// A file.
    #[default]
    Message,
}

/// A zone by its number or its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Zone {
    /// Its number, from 1.
    Number(u32),
    /// Its name in the design.
    Name(CompactString),
}

/// The reply to a submitted page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The page's number.
    #[serde(rename = "PageID")]
    pub page: i64,
}

macro_rules! page_methods {
    ($($(#[$doc:meta])+ $type:ident = $name:literal;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $type {
            /// The page's number, from [`Submitted`].
            #[serde(rename = "PageID")]
            pub page: i64,
        }

        impl Method for $type {
            const NAME: &'static str = $name;
            type Reply = Done;
        }
    )+};
}

page_methods! {
    /// `PA.PageStart`. The page's status comes before the reply.
    PageStart = "PA.PageStart";
    /// `PA.PageStop`. The page's status comes before the reply.
    PageStop = "PA.PageStop";
    /// `PA.PageCancel`.
    PageCancel = "PA.PageCancel";
    /// `PA.PageProceed`.
    PageProceed = "PA.PageProceed";
}

/// `PA.ZoneStatusConfigure`. One [`ZoneStatus`] per zone comes before the reply, then one at each
/// change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneStatusConfigure {
    /// Whether to send them.
    #[serde(rename = "Enabled")]
    pub enabled: bool,
}

impl Method for ZoneStatusConfigure {
    const NAME: &'static str = "PA.ZoneStatusConfigure";
    const REPEATABLE: bool = true;
    type Reply = Done;
}

/// `PA.GetConfig`: priorities, tags and zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GetConfig {}

impl Method for GetConfig {
    const NAME: &'static str = "PA.GetConfig";
    const REPEATABLE: bool = true;
    type Reply = Config;
}

/// The priorities, tags and zones of a design.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Config {
    /// The priorities, highest first.
    pub priorities: Vec<Priority>,
    /// The tags of all zones.
    pub tags: Vec<Tag>,
    /// All zones.
    pub zones: Vec<ZoneConfig>,
}

/// A page priority.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Priority {
    /// Whether its pages are recorded.
    pub archive: serde_json::Value,
    /// Its colour, `#AARRGGBB`.
    pub color: CompactString,
    /// Its GUID.
    pub guid: CompactString,
    /// Its name.
    pub name: CompactString,
    /// Whether its pages are tried again.
    pub retry: serde_json::Value,
    /// Whether its pages begin in the zones that are free.
    pub split: serde_json::Value,
}

/// A tag of zones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Tag {
    /// Its GUID.
    pub guid: CompactString,
    /// Its name.
    pub name: CompactString,
}

/// A zone of the design.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ZoneConfig {
    /// Its group; the documentation does not give the type.
    pub group: serde_json::Value,
    /// Its number, from 1, as text.
    pub index: CompactString,
    /// Whether it belongs to this Core.
    pub is_local: bool,
    /// Its name.
    pub name: CompactString,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// `PA.SourceWatchdog`. Its reply is not documented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceWatchdog {
    /// The remote system's name.
    #[serde(rename = "RemoteSystem")]
    pub remote_system: CompactString,
}

impl Method for SourceWatchdog {
    const NAME: &'static str = "PA.SourceWatchdog";
    type Reply = Done;
}

/// The payload of [`PAGE_STATUS`]. A page goes through ready, wait or input, output, done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PageStatus {
    /// `ready`, `wait`, `input`, `output` or `done`.
    pub state: CompactString,
    /// A closer state; for `done` it is success, cancel, timeout, interrupt or fail.
    pub sub_state: CompactString,
    /// A text for people.
    pub message: CompactString,
    /// Seconds left, sent every second while the page is spoken or can be cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// The page's number.
    #[serde(rename = "PageID")]
    pub page: i64,
}

/// The payload of [`ZONE_STATUS`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ZoneStatus {
    /// The time, ISO 8601 in UTC.
    pub time: CompactString,
    /// The zone's number.
    pub zone: i64,
    /// Whether a page is heard in it.
    pub active: bool,
    /// The page's priority, while active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// The priority's name, while active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_name: Option<CompactString>,
    /// The page station, while active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station: Option<CompactString>,
    /// The page's number, while active.
    #[serde(rename = "PageID", skip_serializing_if = "Option::is_none")]
    pub page: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_as_documented() {
        let page = PageSubmit {
            mode: PageMode::Message,
            zones: vec![Zone::Number(3), Zone::Name("Foyer".into())],
            priority: 2,
            message: Some("closing.wav".into()),
            cancel_delay: Some(2.0),
            start: Some(true),
            ..PageSubmit::default()
        };
        assert_eq!(
            serde_json::to_string(&page).unwrap(),
            r#"{"Mode":"message","Zones":[3,"Foyer"],"Priority":2,"Message":"closing.wav","Start":true,"CancelDelay":2.0}"#
        );
    }

    #[test]
    fn a_pages_progress_is_read() {
        let status: PageStatus = serde_json::from_str(
            r#"{"Message":"Waiting to playback","Count":2,"SubState":"cancel","State":"wait","PageID":412}"#,
        )
        .unwrap();
        assert_eq!((status.page, status.count), (412, Some(2)));
        assert_eq!((&*status.state, &*status.sub_state), ("wait", "cancel"));
    }
}
