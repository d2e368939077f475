//! Paging: pages, their progress, zones (Q-SYS calls it the PA Remote API).

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method};

/// The push about a page of this connection; see [`PageStatus`].
pub const PAGE_STATUS: &str = "PA.PageStatus";
/// The push about a zone; see [`ZoneStatus`].
pub const ZONE_STATUS: &str = "PA.ZoneStatus";

/// `PA.PageSubmit`: asks for a page. Without `start` it waits for [`PageStart`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PageSubmit {
    /// Where the sound comes from, and when.
    pub mode: PageMode,
    /// Zones by number or name; these or tags, at least one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Zone>,
    /// Zones by tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zone_tags: Vec<CompactString>,
    /// 1 is the highest.
    pub priority: u32,
    /// The page station; required except for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<CompactString>,
    /// The file to play; required for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<CompactString>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<CompactString>,
    /// The file played before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preamble: Option<CompactString>,
    /// Delete the message's file afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_delete: Option<bool>,
    /// Start at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<bool>,
    /// Seconds to wait in the queue; 0 without end, -1 not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_timeout: Option<f64>,
    /// Keep a recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<bool>,
    /// Begin in the zones that are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<bool>,
    /// Go on in the zones that are left when one is taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_on_interrupt: Option<bool>,
    /// How often to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<u32>,
    /// The longest page, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_page_time: Option<f64>,
    /// Seconds in which it can still be cancelled.
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
    /// Spoken, heard at once.
    Live,
    /// Recorded, then played.
    Delay,
    /// Live if the zones are free, else recorded.
    Auto,
    /// A file.
    #[default]
    Message,
}

/// A zone by its number or its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Zone {
    /// From 1.
    Number(u32),
    /// As the design names it.
    Name(CompactString),
}

/// The answer to a page submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The page's number from now on.
    #[serde(rename = "PageID")]
    pub page: i64,
}

macro_rules! page_methods {
    ($($(#[$doc:meta])+ $type:ident = $name:literal;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $type {
            /// The page, as [`Submitted`] named it.
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
    /// `PA.PageStart`: its status comes before its reply.
    PageStart = "PA.PageStart";
    /// `PA.PageStop`: its status comes before its reply.
    PageStop = "PA.PageStop";
    /// `PA.PageCancel`.
    PageCancel = "PA.PageCancel";
    /// `PA.PageProceed`.
    PageProceed = "PA.PageProceed";
}

/// `PA.ZoneStatusConfigure`: one [`ZoneStatus`] per zone comes before the reply, then one
/// at each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneStatusConfigure {
    /// Send them or stop.
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

/// What can be paged, and how urgently.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Config {
    /// From the highest.
    pub priorities: Vec<Priority>,
    /// All tags of zones.
    pub tags: Vec<Tag>,
    /// All zones.
    pub zones: Vec<ZoneConfig>,
}

/// A page priority.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Priority {
    /// Pages of it are recorded.
    pub archive: serde_json::Value,
    /// `#AARRGGBB`.
    pub color: CompactString,
    /// Its identity.
    pub guid: CompactString,
    /// Its name.
    pub name: CompactString,
    /// Pages of it are tried again.
    pub retry: serde_json::Value,
    /// Pages of it begin in the zones that are free.
    pub split: serde_json::Value,
}

/// A tag of zones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Tag {
    /// Its identity.
    pub guid: CompactString,
    /// Its name.
    pub name: CompactString,
}

/// A zone as configured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ZoneConfig {
    /// Its group; the documentation does not say of which type.
    pub group: serde_json::Value,
    /// Its number, as text.
    pub index: CompactString,
    /// It belongs to this Core.
    pub is_local: bool,
    /// Its name.
    pub name: CompactString,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// `PA.SourceWatchdog`. What it answers is not documented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceWatchdog {
    /// The remote system.
    #[serde(rename = "RemoteSystem")]
    pub remote_system: CompactString,
}

impl Method for SourceWatchdog {
    const NAME: &'static str = "PA.SourceWatchdog";
    type Reply = Done;
}

/// The payload of [`PAGE_STATUS`]. A page goes ready, wait or input, output, done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PageStatus {
    /// `ready`, `wait`, `input`, `output` or `done`.
    pub state: CompactString,
    /// Which kind of that; for `done` it is success, cancel, timeout, interrupt or fail.
    pub sub_state: CompactString,
    /// For people.
    pub message: CompactString,
    /// Seconds left, once a second, while it can be cancelled or is spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// The page.
    #[serde(rename = "PageID")]
    pub page: i64,
}

/// The payload of [`ZONE_STATUS`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ZoneStatus {
    /// ISO 8601, UTC.
    pub time: CompactString,
    /// The zone's number.
    pub zone: i64,
    /// Something is heard in it.
    pub active: bool,
    /// While active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// While active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_name: Option<CompactString>,
    /// While active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub station: Option<CompactString>,
    /// The page heard.
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
