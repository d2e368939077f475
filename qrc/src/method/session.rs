//! Log-on, keepalive, and the Core's status.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method, NoParams};

/// `Logon`: needed if the design restricts external control. It holds until the connection ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logon {
    /// A user from Q-SYS Administrator.
    #[serde(rename = "User")]
    pub user: String,
    /// The PIN: digits, as text.
    #[serde(rename = "Password")]
    pub pin: String,
}

impl Method for Logon {
    const NAME: &'static str = "Logon";
    const REPEATABLE: bool = true;
    /// `true` is a success; anything else is a refusal.
    type Reply = serde_json::Value;
}

/// `NoOp`: keeps the connection open. The Core closes a connection that is silent for 60 s.
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

/// `StatusGet`: the same facts that [`EngineStatus`] pushes. Works on standby, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusGet;

impl Serialize for StatusGet {
    /// The parameter is usually 0.
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

/// The Core's status: pushed at connect and at each change, and the reply to `StatusGet`. The
/// documentation lists five members, Cores send seven; each may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineStatus {
    /// The model, for example `Core 110f`, or `Emulator`.
    #[serde(rename = "Platform")]
    pub platform: CompactString,
    /// Whether the Core runs the design.
    #[serde(rename = "State")]
    pub state: CoreState,
    /// The running design's name.
    #[serde(rename = "DesignName")]
    pub design_name: CompactString,
    /// A code for the version of the design: a different code is a different design.
    #[serde(rename = "DesignCode")]
    pub design_code: CompactString,
    /// Whether the Core is one of a pair.
    #[serde(rename = "IsRedundant")]
    pub is_redundant: bool,
    /// Whether it is Designer in Emulate mode.
    #[serde(rename = "IsEmulator")]
    pub is_emulator: bool,
    /// The overall health of the design.
    #[serde(rename = "Status")]
    pub status: Health,
}

impl EngineStatus {
    /// True for a Core that runs its design and accepts commands.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == CoreState::Active
    }
}

/// Whether a Core runs its design.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CoreState {
    /// No design runs.
    #[default]
    Idle,
    /// This Core runs the design.
    Active,
    /// The other Core of the pair runs the design.
    Standby,
    /// Another word, unknown to this client.
    #[serde(untagged)]
    Other(CompactString),
}

impl CoreState {
    /// The state in the Core's own word.
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

/// A status code with its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// 0 OK, 1 Compromised, 2 Fault, 3 Not Present, 4 Missing, 5 Initializing.
    #[serde(rename = "Code")]
    pub code: i64,
    /// For people, for example `Missing - 9 OK, 1 Missing`. Do not parse it.
    #[serde(rename = "String")]
    pub string: CompactString,
}
