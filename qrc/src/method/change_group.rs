//! Change groups: lists of controls whose changes the Core reports. A group ends with its
//! connection; a connection may have four.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::component::ControlRef;
use super::{Done, GroupId, Method, NamedReading};

/// The name of the push that carries [`Changes`].
pub const PUSH: &str = "ChangeGroup.Poll";

/// `ChangeGroup.AddControl`: adds Named Controls. Makes the group if it does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddControl {
    /// The group.
    #[serde(rename = "Id")]
    pub id: GroupId,
    /// Named Controls.
    #[serde(rename = "Controls")]
    pub controls: Vec<CompactString>,
}

/// `ChangeGroup.AddComponentControl`: adds controls of a component. Makes the group if it does not
/// exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddComponentControl {
    /// The group.
    #[serde(rename = "Id")]
    pub id: GroupId,
    /// The component with the controls to add.
    #[serde(rename = "Component")]
    pub component: ComponentControls,
}

/// A component with some of its controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentControls {
    /// The component's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// Its controls.
    #[serde(rename = "Controls")]
    pub controls: Vec<ControlRef>,
}

/// `ChangeGroup.Remove`: removes Named Controls. No method removes component controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remove {
    /// The group.
    #[serde(rename = "Id")]
    pub id: GroupId,
    /// Named Controls.
    #[serde(rename = "Controls")]
    pub controls: Vec<CompactString>,
}

/// `ChangeGroup.AutoPoll`: the Core pushes the changes every `rate` seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AutoPoll {
    /// The group.
    #[serde(rename = "Id")]
    pub id: GroupId,
    /// Seconds between pushes.
    #[serde(rename = "Rate")]
    pub rate: f64,
}

macro_rules! group_methods {
    ($($(#[$doc:meta])+ $type:ident = $name:literal -> $reply:ty, repeatable $repeatable:literal;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $type {
            /// The group.
            #[serde(rename = "Id")]
            pub id: GroupId,
        }

        impl Method for $type {
            const NAME: &'static str = $name;
            const REPEATABLE: bool = $repeatable;
            type Reply = $reply;
        }
    )+};
}

group_methods! {
    /// `ChangeGroup.Poll`: the changes since the last poll; the first poll lists all. Not
    /// repeatable: a second poll after a lost answer would miss the changes in that answer.
    Poll = "ChangeGroup.Poll" -> Changes, repeatable false;
    /// `ChangeGroup.Invalidate`: the next poll lists all again.
    Invalidate = "ChangeGroup.Invalidate" -> Done, repeatable true;
    /// `ChangeGroup.Clear`: empties the group.
    Clear = "ChangeGroup.Clear" -> Done, repeatable true;
    /// `ChangeGroup.Destroy`: ends the group and its pushes.
    Destroy = "ChangeGroup.Destroy" -> Done, repeatable true;
}

impl Method for AddControl {
    const NAME: &'static str = "ChangeGroup.AddControl";
    const REPEATABLE: bool = true;
    type Reply = Done;
}

impl Method for AddComponentControl {
    const NAME: &'static str = "ChangeGroup.AddComponentControl";
    const REPEATABLE: bool = true;
    type Reply = Done;
}

impl Method for Remove {
    const NAME: &'static str = "ChangeGroup.Remove";
    const REPEATABLE: bool = true;
    type Reply = Done;
}

impl Method for AutoPoll {
    const NAME: &'static str = "ChangeGroup.AutoPoll";
    const REPEATABLE: bool = true;
    type Reply = Done;
}

/// The changes of a group: the reply to a poll and the payload of a push.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Changes {
    /// The group.
    #[serde(rename = "Id")]
    pub id: GroupId,
    /// The controls that changed, in no particular order.
    #[serde(rename = "Changes", default)]
    pub changes: Vec<NamedReading>,
}
