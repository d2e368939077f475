//! What a script starts with: its role, the components around it, and how the Core behaves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::bank::{ControlState, Shape};
use super::definition::{ControlDef, PropertyValue};

/// Settings of the host; the defaults are what Help documents.
#[derive(Clone)]
pub struct RuntimeOptions {
    /// Whether a script's own write calls its own handler. Help says no; some plugins rely on yes.
    pub own_writes_fire: bool,
    /// Lua instructions per call; the Core's number is not published.
    pub budget: u32,
    /// Frames between two full collections, so that a timer that only a local holds is collected, as on a Core.
    pub collect_every: u32,
    /// `System.IsEmulating`.
    pub emulating: bool,
    /// Design name and code of `Design.GetStatus`.
    pub design: (String, String),
    /// Seconds since 1970; `os.time` is this, cut to whole seconds.
    pub wall: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Random bytes of `Crypto.GetRandomBytes` and the seed of `math.random`.
    pub seed: Option<u64>,
}

impl Default for RuntimeOptions {
    fn default() -> RuntimeOptions {
        RuntimeOptions {
            own_writes_fire: false,
            budget: 2_000_000,
            collect_every: 30,
            emulating: true,
            design: ("Demo".into(), "demo".into()),
            wall: Arc::new(|| {
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0.0, |d| d.as_secs_f64())
            }),
            seed: None,
        }
    }
}

/// What kind of script runs, which decides what `Controls` is.
#[derive(Debug, Clone)]
pub enum Role {
    /// A plugin: `Controls.Name`.
    Plugin {
        /// From its own `GetControls`.
        controls: Vec<ControlDef>,
        /// `Properties["…"].Value`.
        properties: Vec<(String, PropertyValue)>,
    },
    /// A Control Script: `Controls.Inputs[i]` and `.Outputs[i]`, and `Component`/`NamedControl`.
    ControlScript {
        /// Wired inputs.
        inputs: Vec<Shape>,
        /// Wired outputs.
        outputs: Vec<Shape>,
    },
}

/// The other components a script may reach by `Component.New` and `NamedControl`.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Code Name, type, and its controls as they are when the script starts.
    pub components: Vec<(String, String, Vec<ControlState>)>,
    /// Named Control → component and control.
    pub named: HashMap<String, (String, String)>,
}
