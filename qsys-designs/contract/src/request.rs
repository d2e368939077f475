//! What the panel asks for: the document in [`control::REQUEST`](crate::control::REQUEST).

use serde::{Deserialize, Serialize};

use crate::pin;

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestKind {
    /// A backup, now.
    Backup,
    /// A check of the whole archive.
    Verify,
    /// What a restore would do.
    Preview,
    /// Put the store back to a backup or a moment.
    Restore,
    /// Take the last restore back.
    Undo,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Backup,
        Self::Verify,
        Self::Preview,
        Self::Restore,
        Self::Undo,
    ];

    /// As it is written in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Verify => "verify",
            Self::Preview => "preview",
            Self::Restore => "restore",
            Self::Undo => "undo",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A request as it is written. Anybody on the network can write one: nothing in it is to be trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Never used again; the answer carries the same.
    pub id: String,
    /// The name of a [`RequestKind`], where the writer is one of ours.
    pub kind: String,
    /// When it was asked, RFC 3339 by the Core's clock.
    pub at: String,
    /// The backup to go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point_id: Option<String>,
    /// The moment to go to, as it was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moment: Option<String>,
    /// Somebody armed and confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub armed: Option<bool>,
    /// What [`pin_proof`](crate::pin_proof) gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_proof: Option<String>,
}

impl Request {
    /// The proof that this request must carry where `pin` is asked for.
    pub fn proof(&self, pin: &str) -> String {
        let target = self.point_id.as_deref().or(self.moment.as_deref());
        let target = target.unwrap_or_default();
        pin::pin_proof(pin, &self.id, &self.kind, target, &self.at)
    }
}
