//! Plain Named Controls for designs without the plugin. Their names begin with the prefix of the
//! settings. Some show a value of the state, others are buttons that ask for a backup or a check.
//!
//! QRC neither lists Named Controls nor tells their types, so after every connect the agent asks
//! for each name that could be there. A Trigger leaves no value to read, so a button is a toggle:
//! it stays on until the agent has seen it and turns it off. A press has no id and no time: its age
//! is bounded by the last poll, and it is new if the button was off at that poll.

mod inlet;

use std::time::Duration;

use compact_str::{CompactString, format_compact};
use contract::control::{ACK, BACKUP_NOW, HEARTBEAT, REQUEST, REQUEST_TEXT, STATE, VERIFY_NOW};
use contract::{Ack, State};
use qrc::method::control::{Get, Set};
use qrc::{Link, Value};
use tokio::sync::watch;
use tokio::time::Instant;

use super::heartbeat::Heartbeat;
use super::mailbox;
use super::plain::{PLAIN, Picture};
use super::requests::{Kind, WINDOW_MS};
use crate::moment;
use crate::qsys_core::Core;
use inlet::Inlet;
pub(super) use inlet::{Asking, What};

/// The buttons, and what each asks for.
const BUTTONS: [(&str, Kind); 2] = [(BACKUP_NOW, Kind::Backup), (VERIFY_NOW, Kind::Verify)];

/// Every Named Control that the agent looks for.
pub(crate) fn names(prefix: &str) -> Vec<String> {
    if prefix.is_empty() {
        return Vec::new();
    }
    let names = all().map(|name| format!("{prefix}{name}"));
    names.collect()
}

fn all() -> impl Iterator<Item = &'static str> {
    let shown = PLAIN.iter().map(|(name, _)| *name);
    let buttons = BUTTONS.iter().map(|(name, _)| *name);
    let others = [HEARTBEAT, STATE, REQUEST_TEXT, REQUEST, ACK];
    shown.chain(buttons).chain(others)
}

/// The Named Controls of the present design.
pub(super) struct Named {
    prefix: String,
    stage: Stage,
    outlets: Vec<Outlet>,
    inlets: Vec<Inlet>,
    /// The outlet that is looked at first: it moves on, so that none waits behind one that always changes.
    first: usize,
    heartbeat: Heartbeat,
    seq: u64,
    state_told: Option<State>,
    ack: String,
    answer: String,
    /// When all inlets were last read.
    looked: Option<Instant>,
    /// Each Core's link, to learn whether it was the same all along since then.
    links: Vec<watch::Receiver<Link>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No Core has told its design since the link was lost.
    Lost,
    /// The design may be another one, and the Core may have forgotten what was written.
    Connected,
    /// The design was searched.
    Sought,
}

/// A control that the agent writes.
struct Outlet {
    name: &'static str,
    /// What the Core was told, or what it refused.
    told: Option<Value>,
}

impl Named {
    pub(super) fn new(prefix: &str, links: Vec<watch::Receiver<Link>>) -> Self {
        Self {
            prefix: prefix.to_owned(),
            stage: Stage::Lost,
            outlets: Vec::new(),
            inlets: Vec::new(),
            first: 0,
            heartbeat: Heartbeat::new(),
            seq: 0,
            state_told: None,
            ack: String::new(),
            answer: String::new(),
            looked: None,
            links,
        }
    }

    /// The link is lost; until a design is told, nothing is read or written.
    pub(super) fn lost(&mut self) {
        self.stage = Stage::Lost;
        self.looked = None;
    }

    /// A Core has told its design.
    pub(super) fn connected(&mut self) {
        self.stage = Stage::Connected;
        self.looked = None;
    }

    pub(super) fn is_to_seek(&self) -> bool {
        self.stage == Stage::Connected
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        match self.stage {
            Stage::Sought => self.outlets.len() + self.inlets.len(),
            Stage::Lost | Stage::Connected => 0,
        }
    }

    pub(super) fn asks(&self) -> bool {
        self.stage == Stage::Sought && !self.inlets.is_empty()
    }

    pub(super) fn full_name(&self, name: &str) -> CompactString {
        format_compact!("{}{name}", self.prefix)
    }

    /// Finds out which of the names the design has.
    pub(super) async fn seek(&mut self, core: &Core) {
        let mut found = Vec::new();
        for name in all().filter(|_| !self.prefix.is_empty()) {
            match core.call(&Get(vec![self.full_name(name)])).await {
                Ok(_) => found.push(name),
                // It is absent or of no use.
                Err(error) if is_refusal(&error) => {}
                // Asking again and again would make the plugin wait, too.
                Err(error @ qrc::Error::TimedOut { .. }) => {
                    tracing::warn!("panel: no Named Controls until the next connect: {error}");
                    found.clear();
                    break;
                }
                // The link is lost or the Core stands by: asked again with the next tick.
                Err(error) => return tracing::debug!("panel: Named Controls not read: {error}"),
            }
        }
        let button = |name: &str| {
            let button = BUTTONS.iter().find(|(known, _)| *known == name);
            button.map(|(_, kind)| kind.clone())
        };
        let (inlets, outlets): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|name| *name == REQUEST || button(name).is_some());
        let known = std::mem::take(&mut self.inlets);
        let inlet = |name: &'static str| Inlet {
            name,
            button: button(name),
            // What was already seen before the link was lost is not new.
            last: (known.iter().find(|inlet| inlet.name == name))
                .map_or_else(String::new, |inlet| inlet.last.clone()),
            put_out: false,
        };
        self.inlets = inlets.into_iter().map(inlet).collect();
        let outlet = |name| Outlet { name, told: None };
        self.outlets = outlets.into_iter().map(outlet).collect();
        self.state_told = None;
        self.first = 0;
        self.stage = Stage::Sought;
    }

    /// Reads what is asked for.
    pub(super) async fn look(&mut self, core: &Core) -> Vec<Asking> {
        let names = self.inlets.iter().map(|inlet| self.full_name(inlet.name));
        let readings = match core.call(&Get(names.collect())).await {
            Ok(readings) => readings,
            Err(error) => {
                tracing::debug!("panel: Named Controls not read: {error}");
                return Vec::new();
            }
        };
        let window = Duration::from_millis(WINDOW_MS.unsigned_abs());
        // The question may have waited for the next link, or been asked again there, so the link is
        // looked at only now that the answer is here.
        let is_other_link = self.is_other_link();
        let waited = is_other_link || self.looked.is_none_or(|looked| looked.elapsed() > window);
        self.looked = Some(Instant::now());
        let prefix = self.prefix.as_str();
        let mut asking = Vec::new();
        for read in readings {
            let is_read = |inlet: &&mut Inlet| read.name.strip_prefix(prefix) == Some(inlet.name);
            if let Some(inlet) = self.inlets.iter_mut().find(is_read) {
                asking.extend(inlet.take(&read.reading, waited));
            }
        }
        asking
    }

    /// True where a link has come, gone or told another state since this was last asked.
    fn is_other_link(&mut self) -> bool {
        let links = self.links.iter_mut();
        let changed = links.map(|link| link.borrow_and_update().has_changed());
        changed.fold(false, |any, changed| any | changed)
    }

    /// Shows the answer to a request.
    pub(super) fn answer(&mut self, control: &str, ack: &Ack) {
        self.ack = mailbox::ack_wire(ack);
        self.answer = format!("{control} {}", mailbox::ack_in_words(ack));
    }

    /// Writes one value that changed: an urgent one first, then each in its turn. True if there was
    /// something to write.
    pub(super) async fn write_one(&mut self, core: &Core, picture: &Picture<'_>) -> bool {
        if self.stage != Stage::Sought {
            return false;
        }
        if let Some(inlet) = self.inlets.iter_mut().find(|inlet| inlet.put_out) {
            let full_name = format_compact!("{}{}", self.prefix, inlet.name);
            // One that was refused is not tried again until the next press.
            let written = write(core, full_name, Value::Number(0.0)).await;
            inlet.put_out = written == Written::NoAnswer;
            return true;
        }
        let Some((at, value)) = self.next(picture) else {
            return false;
        };
        let name = self.outlets[at].name;
        if write(core, self.full_name(name), value.clone()).await != Written::NoAnswer {
            self.outlets[at].told = Some(value);
            if name == STATE {
                self.seq += 1;
                self.state_told = Some(picture.state.clone());
            }
        }
        true
    }

    /// The outlet whose turn it is, and its new value.
    fn next(&mut self, picture: &Picture<'_>) -> Option<(usize, Value)> {
        let urgent = |name: &str| [HEARTBEAT, ACK, REQUEST_TEXT].contains(&name);
        for at in 0..self.outlets.len() {
            if urgent(self.outlets[at].name)
                && let Some(value) = self.news(at, picture)
            {
                return Some((at, value));
            }
        }
        for step in 0..self.outlets.len() {
            let at = (self.first + step) % self.outlets.len();
            if !urgent(self.outlets[at].name)
                && let Some(value) = self.news(at, picture)
            {
                self.first = at + 1;
                return Some((at, value));
            }
        }
        None
    }

    /// An outlet's value, if it differs from what the Core was told.
    fn news(&mut self, at: usize, picture: &Picture<'_>) -> Option<Value> {
        let outlet = &self.outlets[at];
        let value = match outlet.name {
            HEARTBEAT => return self.heartbeat.due(),
            // Its counter and its time alone are no reason to write it.
            STATE if self.state_told.as_ref() == Some(picture.state) => return None,
            STATE => mailbox::wire(picture.state, self.seq + 1, moment::now())
                .as_str()
                .into(),
            ACK => self.ack.as_str().into(),
            REQUEST_TEXT => self.answer.as_str().into(),
            name => (PLAIN.iter().find(|(known, _)| *known == name)?.1)(picture),
        };
        (outlet.told.as_ref() != Some(&value)).then_some(value)
    }
}

/// The Core refuses for good. One that stands by may accept later.
fn is_refusal(error: &qrc::Error) -> bool {
    error.code().is_some() && !error.is_standby()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Done,
    Refused,
    /// It is not known; writing it again does no harm.
    NoAnswer,
}

async fn write(core: &Core, name: CompactString, value: Value) -> Written {
    match core.call(&Set::value(name.clone(), value)).await {
        Ok(_) => Written::Done,
        Err(error) => {
            tracing::debug!("panel: {name} not written: {error}");
            match is_refusal(&error) {
                true => Written::Refused,
                false => Written::NoAnswer,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_prefix_there_are_no_names() {
        assert!(names("").is_empty());
        assert!(names("DR_").contains(&"DR_BackupNow".to_owned()));
    }
}
