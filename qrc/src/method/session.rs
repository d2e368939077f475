//! Log-on, keepalive, and how the Core is.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method, NoParams};

/// `Logon`: needed where the design restricts external control; holds until the socket closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logon {
    /// A user made in Q-SYS Administrator.
    #[serde(rename = "User")]
    pub user: String,
    /// The PIN, as text.
    #[serde(rename = "Password")]
    pub pin: String,
}

impl Method for Logon {
    const NAME: &'static str = "Logon";
    const REPEATABLE: bool = true;
    /// `true`; anything else is a refusal.
    type Reply = serde_json::Value;
}

/// `NoOp`: keeps the connection open; the Core closes one that is silent for 60 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct NoOp;

impl Serialize for NoOp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        NoParams.serialize(serializer)
    }
}

impl Method for NoOp {
    const NAME: &'static str = "NoOp";
    const REPEATABLE: bool = true;
    type Reply = Done;
}

/// `StatusGet`: the same facts that [`EngineStatus`] pushes; answered on standby too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusGet;

impl Serialize for StatusGet {
    /// The customary parameter is 0.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(0)
    }
}

impl Method for StatusGet {
    const NAME: &'static str = "StatusGet";
    const REPEATABLE: bool = true;
    type Reply = EngineStatus;
}

/// The name of the push that carries an [`EngineStatus`].
pub const ENGINE_STATUS: &str = "EngineStatus";

/// How the Core is: pushed at connect and at each change, answered to `StatusGet`.
/// The documentation lists five members, Cores send seven; each may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineStatus {
    /// `Core 110f`, …, or `Emulator`.
    #[serde(rename = "Platform")]
    pub platform: CompactString,
    /// Active, Standby or Idle.
    #[serde(rename = "State")]
    pub state: CoreState,
    /// The running design's name.
    #[serde(rename = "DesignName")]
    pub design_name: CompactString,
    /// Opaque; another one means another design.
    #[serde(rename = "DesignCode")]
    pub design_code: CompactString,
    /// The Core is one of a pair.
    #[serde(rename = "IsRedundant")]
    pub is_redundant: bool,
    /// It is Designer in Emulate mode.
    #[serde(rename = "IsEmulator")]
    pub is_emulator: bool,
    /// The design's overall health.
    #[serde(rename = "Status")]
    pub status: Health,
}

impl EngineStatus {
    /// True for a Core that runs its design and takes commands.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == CoreState::Active
    }
}

/// Which part of its life a Core is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CoreState {
    /// No design runs.
    #[default]
    Idle,
    /// It runs the design.
    Active,
    /// Its partner runs the design.
    Standby,
    /// A word that this client does not know.
    #[serde(untagged)]
    Other(CompactString),
}

impl CoreState {
    /// The Core's word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Idle => "Idle",
            Self::Active => "Active",
            Self::Standby => "Standby",
            Self::Other(word) => word,
        }
    }
}

/// A status code with its sentence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// 0 OK, 1 Compromised, 2 Fault, 3 Not Present, 4 Missing, 5 Initializing.
    #[serde(rename = "Code")]
    pub code: i64,
    /// A count in words; never to be parsed.
    #[serde(rename = "String")]
    pub string: CompactString,
}
