//! Components: the named blocks of a design that external control may see.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Done, Method, NamedReading, NoParams};
use crate::value::Value;

/// `Component.GetComponents`: all components that Script Access shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct GetComponents;

impl Serialize for GetComponents {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        NoParams.serialize(serializer)
    }
}

impl Method for GetComponents {
    const NAME: &'static str = "Component.GetComponents";
    const REPEATABLE: bool = true;
    type Reply = Vec<ComponentInfo>;
}

/// A component in the list. Older firmware leaves members out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ComponentInfo {
    /// The Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// `gain`, `mixer`, …; a plugin's type says nothing readable.
    #[serde(rename = "Type")]
    pub kind: CompactString,
    /// What the designer set; all values are text.
    #[serde(rename = "Properties")]
    pub properties: Vec<Property>,
}

/// A property of a component.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Property {
    /// The property's name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// Its value, as text.
    #[serde(rename = "Value")]
    pub value: CompactString,
    /// Its name for people.
    #[serde(rename = "PrettyName")]
    pub pretty_name: CompactString,
}

/// `Component.GetControls`: the only method that gives types and ranges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetControls {
    /// The component's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
}

impl Method for GetControls {
    const NAME: &'static str = "Component.GetControls";
    const REPEATABLE: bool = true;
    type Reply = ControlList;
}

/// A component's controls.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ControlList {
    /// The component's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// Its controls, by name.
    #[serde(rename = "Controls")]
    pub controls: Vec<ControlInfo>,
}

/// A control in the list, with type and range.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ControlInfo {
    /// The control's name within its component.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// Float, Integer, Boolean, Time, Text, Trigger, State Trigger, Status, …
    #[serde(rename = "Type")]
    pub kind: CompactString,
    /// Read Only, Write Only or Read/Write.
    #[serde(rename = "Direction")]
    pub direction: CompactString,
    /// The value with its type; text controls have none.
    #[serde(rename = "Value")]
    pub value: Option<Value>,
    /// Display text.
    #[serde(rename = "String")]
    pub string: Option<CompactString>,
    /// 0 to 1.
    #[serde(rename = "Position")]
    pub position: Option<f64>,
    /// The lowest value, in the control's own unit.
    #[serde(rename = "ValueMin")]
    pub value_min: Option<f64>,
    /// The highest value, in the control's own unit.
    #[serde(rename = "ValueMax")]
    pub value_max: Option<f64>,
}

/// `Component.Get`: some controls of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Get {
    /// The component's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// The controls asked for.
    #[serde(rename = "Controls")]
    pub controls: Vec<ControlRef>,
}

impl Get {
    /// Asks for some controls of a component.
    pub fn new<N: Into<CompactString>>(
        component: impl Into<CompactString>,
        controls: impl IntoIterator<Item = N>,
    ) -> Self {
        Self {
            name: component.into(),
            controls: controls
                .into_iter()
                .map(|name| ControlRef { name: name.into() })
                .collect(),
        }
    }
}

/// A control by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRef {
    /// The control's name within its component.
    #[serde(rename = "Name")]
    pub name: CompactString,
}

impl Method for Get {
    const NAME: &'static str = "Component.Get";
    const REPEATABLE: bool = true;
    type Reply = Readings;
}

/// Some controls of one component with their readings.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Readings {
    /// The component's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// The controls, in the order asked for.
    #[serde(rename = "Controls")]
    pub controls: Vec<NamedReading>,
}

/// `Component.Set`: writes several controls of one component in one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Set {
    /// The component's Code Name.
    #[serde(rename = "Name")]
    pub name: CompactString,
    /// What to write.
    #[serde(rename = "Controls")]
    pub controls: Vec<SetControl>,
    /// Whether newer firmware answers with the values after the write.
    #[serde(
        rename = "ResponseValues",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub response_values: Option<bool>,
}

impl Set {
    /// Writes some controls of a component.
    pub fn new(component: impl Into<CompactString>, controls: Vec<SetControl>) -> Self {
        Self {
            name: component.into(),
            controls,
            response_values: None,
        }
    }
}

/// One write of a `Component.Set`; it has the same members as a Named Control's write.
pub type SetControl = super::control::Set;

impl Method for Set {
    const NAME: &'static str = "Component.Set";
    type Reply = Done;
}
