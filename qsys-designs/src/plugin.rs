//! The plugin: its built text, and a host that makes it an ordinary component of the simulated Core.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use qrc_sim::{ControlEvent, ControlKey, Controls, NamedControl, Script};

use crate::component::shape_of;
use crate::host::{
    ControlState, Definition, Directory, Dirty, HostError, LogKind, LogLine, Role, Runtime,
    RuntimeOptions, Shape,
};
use crate::pack;
use crate::panel::PanelView;

/// The plugin's source files, by the name that includes use.
const SOURCES: &[(&str, &str)] = &[
    ("plugin.lua", include_str!("../plugin/plugin.lua")),
    ("info.lua", include_str!("../plugin/info.lua")),
    ("properties.lua", include_str!("../plugin/properties.lua")),
    ("controls.lua", include_str!("../plugin/controls.lua")),
    ("drawing.lua", include_str!("../plugin/drawing.lua")),
    ("status_page.lua", include_str!("../plugin/status_page.lua")),
    (
        "restore_page.lua",
        include_str!("../plugin/restore_page.lua"),
    ),
    ("setup_page.lua", include_str!("../plugin/setup_page.lua")),
    ("pages.lua", include_str!("../plugin/pages.lua")),
    ("words.lua", include_str!("../plugin/words.lua")),
    ("snapshot.lua", include_str!("../plugin/snapshot.lua")),
    ("show.lua", include_str!("../plugin/show.lua")),
    ("request.lua", include_str!("../plugin/request.lua")),
    ("pin.lua", include_str!("../plugin/pin.lua")),
    ("restore.lua", include_str!("../plugin/restore.lua")),
    ("runtime.lua", include_str!("../plugin/runtime.lua")),
];

/// File name under which the built plugin is delivered.
pub const PLUGIN_FILE: &str = "disaster-recovery.qplug";

/// The text of the `.qplug`: all source files joined, as Designer loads it.
pub fn built_plugin() -> String {
    pack::join("plugin.lua", &|name| {
        SOURCES
            .iter()
            .find(|(file, _)| *file == name)
            .map(|(_, text)| *text)
    })
    .expect("the plugin's own sources are compiled in and joined by a test")
}

/// Writes the built plugin to `path`, whole or not at all: a temporary file beside it is renamed.
pub fn write_plugin(path: &Path) -> std::io::Result<()> {
    use std::io::Write;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or(PLUGIN_FILE);
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(built_plugin().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
        return written;
    }
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

type Listener = Box<dyn FnMut(&LogLine) + Send>;

/// Runs a script's text as the Core does: started anew at each (re)start, then once per frame.
///
/// A plugin's controls are those of the component `code_name`; a Control Script has pins of its own
/// and reaches other components by `Component.New` and `NamedControl`.
pub struct PluginHost {
    code_name: String,
    source: String,
    role: Role,
    options: RuntimeOptions,
    /// Named Control → component and control.
    named: HashMap<String, (String, String)>,
    /// Who else hears what the script logs.
    listener: Option<Listener>,
    view: PanelView,
    runtime: Option<Runtime>,
    /// Controls of the Core that the script holds, in the script's order.
    linked: Vec<Link>,
    began: Option<Duration>,
}

struct Link {
    /// Empty for the script's own controls.
    component: String,
    name: String,
    /// None for what the Core does not have: an unwired pin of a Control Script.
    key: Option<ControlKey>,
}

impl PluginHost {
    /// A plugin from its built text. Reads the definition first; its errors are Designer's.
    pub fn plugin(
        code_name: &str,
        source: &str,
        options: RuntimeOptions,
    ) -> Result<(PluginHost, Definition), HostError> {
        let definition = Definition::read(code_name, source, &[])?;
        let role = Role::Plugin {
            controls: definition.controls.clone(),
            properties: definition.property_values(),
        };
        Ok((
            PluginHost::new(code_name, source, role, options),
            definition,
        ))
    }

    /// A Control Script without wired pins, from its text; `named` are the design's Named Controls.
    pub fn control_script(
        name: &str,
        source: &str,
        named: &[NamedControl],
        options: RuntimeOptions,
    ) -> PluginHost {
        let role = Role::ControlScript {
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        let mut host = PluginHost::new(name, source, role, options);
        for n in named {
            host.named.insert(
                n.name.to_string(),
                (n.component.to_string(), n.control.to_string()),
            );
        }
        host
    }

    fn new(code_name: &str, source: &str, role: Role, options: RuntimeOptions) -> PluginHost {
        PluginHost {
            code_name: code_name.into(),
            source: source.into(),
            role,
            options,
            named: HashMap::new(),
            listener: None,
            view: PanelView::default(),
            runtime: None,
            linked: Vec::new(),
            began: None,
        }
    }

    /// Hands every line the script logs or prints to `listener` too, not only to `tracing`.
    pub fn on_log(mut self, listener: impl FnMut(&LogLine) + Send + 'static) -> PluginHost {
        self.listener = Some(Box::new(listener));
        self
    }

    /// The live controls, for whoever draws the panel; follows the script over restarts.
    pub fn view(&self) -> PanelView {
        self.view.clone()
    }

    /// The running script, once started.
    pub fn runtime(&self) -> Option<&Runtime> {
        self.runtime.as_ref()
    }

    fn is_plugin(&self) -> bool {
        matches!(self.role, Role::Plugin { .. })
    }

    /// The Core's state of the plugin's own controls: what persisted over a restart.
    fn saved(&self, core: &Controls<'_>) -> Vec<ControlState> {
        if !self.is_plugin() {
            return Vec::new();
        }
        core.controls_of(&self.code_name)
            .iter()
            .map(|&key| state_of(core, "", key))
            .collect()
    }

    fn directory(&self, core: &Controls<'_>) -> Directory {
        let components = core
            .components()
            .map(|(name, type_)| {
                let controls = core.controls_of(name).iter();
                let controls = controls.map(|&key| state_of(core, name, key)).collect();
                (name.to_owned(), type_.to_owned(), controls)
            })
            .collect();
        let named = self.named.clone();
        Directory { components, named }
    }

    /// Links controls that the script has reached for since the last look.
    fn link_new(&mut self, core: &Controls<'_>) {
        let Some(runtime) = &mut self.runtime else {
            return;
        };
        if runtime.control_count() == self.linked.len() {
            return;
        }
        for state in runtime.controls().into_iter().skip(self.linked.len()) {
            let own = state.component.is_empty();
            let component = if own {
                &self.code_name
            } else {
                &state.component
            };
            let key = core.lookup(component, &state.name);
            if let Some(key) = key.filter(|_| !own) {
                runtime.sync(&state.component, &state.name, false, |s| pull(core, key, s));
            }
            self.linked.push(Link {
                component: state.component,
                name: state.name,
                key,
            });
        }
    }

    fn hear(&mut self, core: &Controls<'_>, events: &[ControlEvent]) {
        let Some(runtime) = &mut self.runtime else {
            return;
        };
        for event in events {
            let Some(link) = self.linked.iter().find(|l| l.key == Some(event.control)) else {
                continue;
            };
            runtime.sync(&link.component, &link.name, true, |state| {
                // An indicator is the script's alone, whatever somebody wrote over QRC.
                if !state.indicator {
                    pull(core, event.control, state);
                }
            });
        }
    }

    fn speak(&mut self, core: &mut Controls<'_>) {
        self.link_new(core);
        let Some(runtime) = &mut self.runtime else {
            return;
        };
        for (state, dirty) in runtime.take_changes() {
            let found = self
                .linked
                .iter()
                .find(|l| l.component == state.component && l.name == state.name);
            if let Some(key) = found.and_then(|link| link.key) {
                push(core, key, &state, dirty);
            }
        }
        for line in runtime.take_log() {
            report(&self.code_name, &line);
            if let Some(listener) = &mut self.listener {
                listener(&line);
            }
        }
    }
}

impl Script for PluginHost {
    fn start(&mut self, core: &mut Controls<'_>) {
        self.linked.clear();
        self.began = None;
        let saved = self.saved(core);
        let directory = if self.is_plugin() {
            Directory::default()
        } else {
            self.directory(core)
        };
        match Runtime::start(
            &self.code_name,
            &self.source,
            &self.role,
            &directory,
            &saved,
            &self.options,
        ) {
            Ok(runtime) => {
                self.view.follow(runtime.bank());
                self.runtime = Some(runtime);
            }
            Err(error) => {
                tracing::error!(script = %self.code_name, %error, "script does not load");
                self.runtime = None;
            }
        }
        self.speak(core);
    }

    fn frame(&mut self, core: &mut Controls<'_>, now: Duration, events: &[ControlEvent]) {
        self.link_new(core);
        self.hear(core, events);
        let began = *self.began.get_or_insert(now);
        if let Some(runtime) = &mut self.runtime {
            runtime.frame(now.saturating_sub(began));
        }
        self.speak(core);
    }
}

fn state_of(core: &Controls<'_>, component: &str, key: ControlKey) -> ControlState {
    let shape = shape_of(&core.spec(key).kind);
    let mut state = ControlState::new(component, core.name(key), shape, false);
    pull(core, key, &mut state);
    state
}

fn pull(core: &Controls<'_>, key: ControlKey, state: &mut ControlState) {
    state.value = core.value(key);
    state.string = core.string(key).to_string();
    state.position = core.position(key);
}

fn push(core: &mut Controls<'_>, key: ControlKey, state: &ControlState, dirty: Dirty) {
    if dirty.fired {
        core.trigger(key);
    }
    if dirty.value || dirty.string {
        match state.shape {
            Shape::Text => {
                core.set_string(key, &state.string);
            }
            Shape::Status => {
                core.set_value(key, state.value);
                core.set_string(key, &state.string);
            }
            Shape::Trigger => core.trigger(key),
            _ => {
                core.set_value(key, state.value);
            }
        }
    }
    if dirty.look {
        let look = &state.look;
        core.set_choices(key, &look.choices);
        core.set_color(key, &look.color);
        core.set_legend(key, &look.legend);
        core.set_disabled(key, look.disabled);
        core.set_invisible(key, look.invisible);
        core.set_indeterminate(key, look.indeterminate);
    }
}

fn report(script: &str, line: &LogLine) {
    match line.kind {
        LogKind::Error => tracing::warn!(script, "{}", line.text),
        LogKind::Uncaught => tracing::error!(script, "{}", line.text),
        LogKind::Message => tracing::info!(script, "{}", line.text),
        LogKind::Print => tracing::debug!(script, "{}", line.text),
    }
}
